import { drill } from '../core/commands/proof/drill.ts';
import { drillEventSchema, readEvent } from '../core/contract/events/requests.ts';
import type { DrillResult } from '../core/contract/events/requests.ts';
import { drillDatabaseName } from '../core/domain/drill-name.ts';
import type { SourceName } from '../core/domain/keys.ts';
import { chooseBackup } from '../core/survey/choose.ts';
import { memoryOf } from '../core/survey/watched.ts';
import type { SourceHistory } from '../core/domain/verdict/history.ts';
import { lambdaHandler } from './host/host.ts';
import type { Invocation } from './host/host.ts';
import type { OnServer } from './host/in-turn.ts';
import { databasesThere, fromAnother, listedEach } from './host/on-server.ts';
import { workingIn } from './host/working-in.ts';
import { drilledResult } from './host/result.ts';

/**
 * The sources of a whole server that are due: those not tried for half of the time that a proof may be old, longest
 * first. Each run starts from another one, so that all get their turn even if one run does not reach all.
 */
async function dueOn(server: SourceName, nightjar: Invocation, signal: AbortSignal): Promise<OnServer> {
  const names = databasesThere(server, nightjar);
  const listed = await listedEach(names, nightjar, signal);
  const at = nightjar.clock.now();
  const now = at.getTime();
  const waiting = listed
    .filter(({ backups }) => backups.length > 0)
    .map(({ source, backups }) => ({ source, since: lastTried(backups) }))
    .filter(({ source, since }) => now - since > (nightjar.settings(source).watch.drillEveryMs ?? 0) / 2);
  const turns = waiting.toSorted((a, b) => a.since - b.since).map(({ source }) => source);
  return { sources: fromAnother(turns, at), failures: [] };
}

function lastTried(backups: SourceHistory['backups']): number {
  const tried = backups.flatMap(({ proofs }) => proofs.filter(({ kind }) => kind === 'drill'));
  return Math.max(0, ...tried.map(({ at }) => at.getTime()));
}

/** Drills a backup of a source in a scratch database, which it drops: `{ "source": "shop" }`. */
export const handler = lambdaHandler({
  verb: 'drill',
  read: (event) => readEvent(drillEventSchema, event, { source: 'shop', backup: 'latest' }),
  onServer: dueOn,
  async work({ source, backup, vault, owners, tablespaces }, host, signal): Promise<DrillResult> {
    const nightjar = await workingIn(vault, host, signal);
    const settings = nightjar.settings(source);
    const { manifest, warnings } = await chooseBackup(
      source as SourceName,
      backup,
      memoryOf(settings),
      nightjar,
      signal,
    );
    for (const message of warnings) nightjar.report({ type: 'warning', message });
    const database = drillDatabaseName(manifest.database, Math.random());
    const { engine, parallel } = await nightjar.source(source, { database, drill: true }, signal);
    const { server, assert, owners: usually } = settings.drill;
    const options = { owners: owners && usually, tablespaces: tablespaces && server === undefined, assert };
    const drilled = await drill(manifest, engine, options, { ...nightjar, parallel }, signal);
    return drilledResult(
      drilled,
      { source, place: engine.place, notes: [...warnings, ...nightjar.notes] },
      nightjar.seconds(),
    );
  },
});
