import { createHash } from 'node:crypto';
import { chooseBackup } from '../core/survey/choose.ts';
import { isInPlace, restoreRecorded } from '../core/commands/restore/restore.ts';
import { rankMissing, rankNotNamed } from '../core/commands/restore/rank.ts';
import { planRestore, requireNoPlace } from '../core/commands/restore/plan.ts';
import { memoryOf } from '../core/survey/watched.ts';
import { databaseSourceName } from '../core/contract/config/sources/whole-servers.ts';
import { readEvent, restoreEventSchema } from '../core/contract/events/requests.ts';
import type { RestoreEvent, RestoreResult } from '../core/contract/events/requests.ts';
import { lambdaHandler } from './host/host.ts';
import type { Invocation } from './host/host.ts';
import { BackupError } from '../core/domain/errors.ts';
import { newDatabaseName } from '../core/domain/keys.ts';
import type { SourceName } from '../core/domain/keys.ts';
import type { Source } from '../core/ports.ts';
import { hostOfRestore } from '../core/domain/tools/restore-host.ts';
import { workingIn } from './host/working-in.ts';
import { plannedResult, repeatedResult, restoredResult } from './host/result.ts';

/** Restores a backup of a source into a database on its server: `{ "source": "shop", "to": "shop_restored" }`. */
export const handler = lambdaHandler({
  verb: 'restore',
  read: (event) => readEvent(restoreEventSchema, event, { source: 'shop', backup: 'latest', to: 'shop_restored' }),
  async work(asked, nightjar, signal) {
    await recallNamed(asked.source, nightjar, signal);
    const event = { ...asked, restoreHost: otherHost(asked, nightjar) };
    await requireRank(event, nightjar, signal);
    return restoreOnce(event, nightjar, signal);
  },
  failureOf: (result) =>
    result.status === 'incomplete'
      ? new BackupError('restore-incomplete', result.error, { hint: result.hint })
      : undefined,
});

/** If the list of a server's databases is lost, the one that is named is known by its own backups. */
async function recallNamed(source: string, { unlooked, recall }: Invocation, signal: AbortSignal): Promise<void> {
  const server = unlooked.find((one) => source.startsWith(databaseSourceName(one, '')));
  if (server !== undefined) await recall(server, signal, source as SourceName);
}

/** The host to restore to, if it is not the default one. Throws `input-invalid` for a host that is not allowed. */
function otherHost({ source, restoreHost }: RestoreEvent, { settings }: Invocation): string | undefined {
  const { restoreHost: allowed } = settings(source).cloud;
  const host = hostOfRestore(allowed, restoreHost);
  return host === hostOfRestore(allowed, undefined) ? undefined : host;
}

/** Throws if the server's rank has to be named and the event names another one or none. */
async function requireRank(event: RestoreEvent, nightjar: Invocation, signal: AbortSignal): Promise<void> {
  const { replace, plan, into, restoreHost } = event;
  if (plan || (!replace && into === undefined)) return;
  const { name, database } = await nightjar.source(event.source, {}, signal);
  const inPlace = event.to === database && restoreHost === undefined;
  const rank = rankNotNamed({ of: name, server: name, replace, isInPlace: inPlace, into }, nightjar);
  if (rank !== undefined) throw rankMissing(name, rank);
}

/** What it needs of an invocation. */
type RestoreHost = Pick<Invocation, 'store' | 'vault' | 'report' | 'clock' | 'identity' | 'seconds'> & {
  settings(name: string): Parameters<typeof memoryOf>[0];
  source(...of: Parameters<Invocation['source']>): Promise<Source & { database: string }>;
};

/** Carries out a request; one that replaces a database is carried out only once, however often it is sent. */
export async function restoreOnce(
  event: RestoreEvent,
  nightjar: RestoreHost,
  signal: AbortSignal,
): Promise<RestoreResult> {
  if (!event.replace || event.plan) return restored(event, nightjar, signal);
  const { name: source } = await nightjar.source(event.source, {}, signal);
  const isDone = ({ status }: RestoreResult): boolean => status === 'restored';
  const outcome = await nightjar.store.carryOutOnce(
    { source, request: digestOf(event), named: event.request !== undefined, isDone },
    nightjar,
    () => restored(event, nightjar, signal),
    signal,
  );
  return 'before' in outcome ? repeatedResult(outcome.before, nightjar.seconds()) : outcome.result;
}

async function restored(
  { source: name, backup, vault, at, to, restoreHost, request: _, plan: isPlan, into: __, ...options }: RestoreEvent,
  host: RestoreHost,
  signal: AbortSignal,
): Promise<RestoreResult> {
  const nightjar = await workingIn(vault, host, signal);
  const { name: source } = await nightjar.source(name, {}, signal);
  const { manifest, warnings, passedOver, meant } = await chooseBackup(
    source,
    at === undefined ? backup : { at },
    memoryOf(nightjar.settings(name)),
    nightjar,
    signal,
  );
  for (const message of warnings) nightjar.report({ type: 'warning', message });
  const told = [meant ?? [], warnings].flat();
  const database = to ?? newDatabaseName(manifest, options);
  const target = await nightjar.source(name, { database, restoring: true, restoreHost }, signal);
  requireNoPlace(to, target);
  const { events = restoreHost === undefined && isInPlace(manifest, { server: source, database }) } = options;
  const asked = { ...options, events, passedOver };
  if (isPlan) {
    const plan = await planRestore(manifest, target.engine, { ...asked, foresee: true }, nightjar, signal);
    await plan.target.close();
    return plannedResult(plan, told, nightjar.seconds());
  }
  const made = await restoreRecorded(
    manifest,
    target.engine,
    asked,
    { ...nightjar, parallel: target.parallel },
    signal,
  );
  return restoredResult(
    { ...made, notes: [...told, ...made.notes, ...(options.proof ? nightjar.notes : [])] },
    { source, place: target.engine.place, passedOver },
    nightjar.seconds(),
  );
}

/** Identifies a request: a digest of the event with its defaults. Keys are in the order of the schema. */
function digestOf({ plan: _, dropOld, ...event }: RestoreEvent): string {
  const asked = { ...event, ...(dropOld && { dropOld }) };
  return createHash('sha256').update(JSON.stringify(asked)).digest('hex').slice(0, 16);
}
