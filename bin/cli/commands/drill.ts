import { drill, drillSentence } from '../../../core/commands/drill.ts';
import type { Drilled } from '../../../core/commands/drill.ts';
import { requireSameEngine } from '../../../core/commands/restore.ts';
import { drillDatabaseName } from '../../../core/domain/drill-name.ts';
import type { SourceName } from '../../../core/domain/keys.ts';
import { formatDuration } from '../../../core/domain/units.ts';
import type { Source } from '../../../core/ports.ts';
import { chooseBackup } from '../../../core/survey/choose.ts';
import { configured, memoryFor } from '../names.ts';
import type { CommandSession } from '../session.ts';
import type { CommandOutcome } from '../text/output.ts';
import { showProgress } from '../text/progress.ts';
import { told } from '../told.ts';

/** As commander gives them. */
export type DrillFlags = { backup: string; owner: boolean; tablespaces: boolean };

/**
 * `nightjar drill`: restores a backup into a scratch database, proves it equal, asks the source's assertions, drops it,
 * and tells how it ended.
 */
export async function drillCommand(
  name: string,
  flags: DrillFlags,
  session: CommandSession,
  signal: AbortSignal,
): Promise<CommandOutcome> {
  const run = { verb: 'drill', source: name as SourceName } as const;
  const result = await told(
    run,
    () => drillOne(name, flags, session, signal),
    (document) => document,
    session,
    signal,
  );
  return { document: { result }, failures: [] };
}

async function drillOne(
  name: string,
  flags: DrillFlags,
  { nightjar, out }: CommandSession,
  signal: AbortSignal,
): Promise<object> {
  const [asked] = configured([name], nightjar) as [SourceName];
  const settings = nightjar.settings(asked).drill;
  const { manifest, warnings } = await chooseBackup(asked, flags.backup, memoryFor(asked, nightjar), nightjar, signal);
  for (const line of warnings) out.note(`warning ${line}`);
  const database = drillDatabaseName(manifest.database, nightjar.random());
  const source = await nightjar.source(name, { database, drill: true }, signal);
  requireSameEngine(manifest, source.engine);
  out.note(`backup  ${manifest.source} ${manifest.id}`);
  out.note(`into    ${source.engine.place} (a scratch database, dropped at the end)`);
  const progress = showProgress(manifest.source, 'drilling', out, Date.now);
  try {
    const drilled = await drill(
      manifest,
      source.engine,
      {
        owners: flags.owner && settings.owners,
        // another server has none of them, and where rows lie proves nothing
        tablespaces: flags.tablespaces && settings.server === undefined,
        assert: settings.assert,
      },
      { ...nightjar, report: progress.report, parallel: source.parallel },
      signal,
    );
    progress.end();
    out.say(`drilled ${asked} ${drilled.id} in ${formatDuration(drilled.ms)}; its scratch database is dropped again`);
    out.say(drillSentence(drilled));
    return documentOf(asked, drilled, source, warnings);
  } finally {
    progress.end();
  }
}

function documentOf(
  source: SourceName,
  { id, proof, ms, restoreMs, assertions, notes }: Drilled,
  { engine: { place } }: Source,
  warnings: readonly string[],
): object {
  return { source, id, place, ms, restoreMs, proven: true, assertions, proof, notes: [...warnings, ...notes] };
}
