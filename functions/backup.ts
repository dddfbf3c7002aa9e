import { backup } from '../core/commands/backup.ts';
import type { BackupDeps } from '../core/commands/backup.ts';
import { backupEventSchema, readEvent } from '../core/contract/events/requests.ts';
import type { BackupEvent, BackupResult } from '../core/contract/events/requests.ts';
import { BackupError, messageOf } from '../core/domain/errors.ts';
import type { SourceName } from '../core/domain/keys.ts';
import type { Source } from '../core/ports.ts';
import { failureOf } from './host/failure.ts';
import { lambdaHandler } from './host/host.ts';
import type { Invocation } from './host/host.ts';
import { otherHolder } from './host/identity.ts';
import type { OnServer } from './host/in-turn.ts';
import { databasesThere, listedEach, turnsOf } from './host/on-server.ts';
import { examinedResult, storedResult } from './host/result.ts';

/** The Scheduler's moment, if it can be read. */
function momentOf(text: string | undefined): Date | undefined {
  const moment = new Date(text ?? Number.NaN);
  return Number.isNaN(moment.getTime()) ? undefined : moment;
}

/**
 * Throws `deadline` if an earlier attempt at this request ran out of time: another would store as much and run out of
 * time, too.
 */
async function requireTime(source: SourceName, { store, identity: { run } }: BackupHost, signal: AbortSignal) {
  if (!(await store.hasFailed(source, { run, code: 'deadline' }, signal))) return;
  throw new BackupError('deadline', `an earlier attempt at this request ran out of its time: it is not tried again`, {
    hint:
      'give the function more time (up to 15 minutes) and more memory (cloud.size, cloud.memory), or run it from ' +
      'the command line',
  });
}

/** Loaded only when asked for: a nightly start does not need it. */
async function lookedAt(name: SourceName, nightjar: Invocation, signal: AbortSignal): Promise<BackupResult> {
  nightjar.settings(name); // a name that is not configured is refused
  const { examineSource } = await import('../core/commands/doctor/one-source.ts');
  return examinedResult(name, await examineSource(name, nightjar, signal), nightjar.seconds());
}

/** What it needs of an invocation. */
type BackupHost = BackupDeps &
  Pick<Invocation, 'identity' | 'sourceNames' | 'seconds' | 'inTurn'> & {
    source(...of: Parameters<Invocation['source']>): Promise<Source>;
  };

/** Takes a backup of one source, unless somebody else is already doing so. */
export async function backUp(event: BackupEvent, nightjar: BackupHost, signal: AbortSignal): Promise<BackupResult> {
  const name = event.source as SourceName;
  // a name that is not configured must not touch the vault
  if (!nightjar.sourceNames.includes(name)) await nightjar.source(name, {}, signal);
  if (!nightjar.inTurn) await requireTime(name, nightjar, signal);
  try {
    const manifest = await nightjar.store.withFailureRecord(
      name,
      nightjar,
      (error) => failureOf(error, signal),
      async () =>
        backup(await nightjar.source(name, {}, signal), { ...nightjar, asked: momentOf(event.scheduled) }, signal),
    );
    return storedResult(manifest, nightjar.seconds());
  } catch (error) {
    const heldBy = otherHolder(error, nightjar.identity);
    if (heldBy === undefined) throw error;
    return { status: 'skipped', source: name, heldBy, why: messageOf(error) };
  }
}

/** Lists the databases of a whole server; if that fails, the known ones are backed up all the same. */
async function lookedOver(
  server: SourceName,
  nightjar: Invocation & { runOf(source: SourceName): string },
  signal: AbortSignal,
): Promise<OnServer> {
  const failures = await nightjar.lookAt(server, nightjar, signal).then(
    (looked) => looked.failures,
    (error: unknown) => [error],
  );
  const listed = await listedEach(databasesThere(server, nightjar), nightjar, signal);
  return { sources: turnsOf(listed, nightjar), failures };
}

/**
 * Takes a backup of one source, or of every database of a whole server: `{ "source": "shop" }`; with `"doctor": true`,
 * tries what a backup needs, and makes none.
 */
export const handler = lambdaHandler({
  verb: 'backup',
  read: (event) => readEvent(backupEventSchema, event, { source: 'shop' }),
  onServer: lookedOver,
  work: (event, nightjar, signal) =>
    event.doctor === true ? lookedAt(event.source as SourceName, nightjar, signal) : backUp(event, nightjar, signal),
});
