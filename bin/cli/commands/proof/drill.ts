import { wholeOf } from '../../../../core/domain/content-words.ts';
import { drill, drillSentence } from '../../../../core/commands/proof/drill.ts';
import type { Drilled } from '../../../../core/commands/proof/drill.ts';
import { requireSameEngine } from '../../../../core/commands/restore/plan.ts';
import type { Nightjar } from '../../../../core/compose.ts';
import { drillDatabaseName } from '../../../../core/domain/drill-name.ts';
import { BackupError } from '../../../../core/domain/errors.ts';
import type { SourceName } from '../../../../core/domain/keys.ts';
import { formatDuration } from '../../../../core/domain/units.ts';
import type { Source } from '../../../../core/ports.ts';
import { chooseBackup } from '../../../../core/survey/choose.ts';
import { overdueNotes } from '../restore/restore.ts';
import { configured, memoryFor } from '../../names.ts';
import type { CommandSession } from '../../session.ts';
import { failureDocument } from '../../text/failure.ts';
import type { CommandOutcome } from '../../text/output.ts';
import { showProgress } from '../../text/progress.ts';
import { told } from '../../told.ts';

/** As commander gives them. */
export type DrillFlags = { backup: string; owner: boolean; tablespaces: boolean };

/**
 * `nightjar drill`: restores a backup of each source into a scratch database, proves it equal, runs the source's
 * assertions, drops it, and reports the result. A failure doesn't stop the others.
 */
export async function drillCommand(
  names: readonly string[],
  flags: DrillFlags,
  session: CommandSession,
  signal: AbortSignal,
): Promise<CommandOutcome> {
  const results: object[] = [];
  const failures: unknown[] = [];
  for (const source of askedFor(names, flags, session.nightjar)) {
    const work = () => drillOne(source, flags, session, signal);
    try {
      results.push(await told({ verb: 'drill', source }, work, (document) => document, session, signal));
    } catch (error) {
      failures.push(error);
      results.push({ status: 'failed', source, error: failureDocument(error) });
      session.out.fail(error);
      if (signal.aborted) break;
    }
  }
  return { document: { results }, failures };
}

/** The named sources, or those whose configuration asks for proofs. Throws `input-invalid`. */
function askedFor(names: readonly string[], { backup }: DrillFlags, nightjar: Nightjar): SourceName[] {
  // a source that can't be drilled is skipped if only its server was named
  const all = configured(names, nightjar).filter(
    (name) => names.includes(name) || nightjar.settings(name).undrilled !== true,
  );
  const asked = names.length > 0 ? all : all.filter((name) => nightjar.settings(name).watch.drillEveryMs !== undefined);
  if (asked.length === 0)
    throw new BackupError('input-invalid', 'no source asks for drills', {
      hint: `name one: nightjar drill ${all[0]}; or write drillEvery into those that are to be drilled`,
    });
  if (backup !== 'latest' && asked.length > 1)
    throw new BackupError('input-invalid', '--backup names a backup of one source', { hint: 'name that source alone' });
  return asked;
}

async function drillOne(
  asked: SourceName,
  flags: DrillFlags,
  session: CommandSession,
  signal: AbortSignal,
): Promise<object> {
  const { nightjar, out } = session;
  const settings = nightjar.settings(asked).drill;
  const { manifest, warnings } = await chooseBackup(asked, flags.backup, memoryFor(asked, nightjar), nightjar, signal);
  for (const line of warnings) out.note(`warning ${line}`);
  const database = drillDatabaseName(manifest.database, nightjar.random());
  const source = await nightjar.source(asked, { database, drill: true }, signal);
  requireSameEngine(manifest, source.engine);
  out.note(`backup  ${manifest.source} ${manifest.id}`);
  const whole = wholeOf(source.engine);
  out.note(`into    ${source.engine.place} (a scratch ${whole}, dropped at the end)`);
  const progress = showProgress(manifest.source, 'drilling', out, Date.now);
  try {
    const drilled = await drill(
      manifest,
      source.engine,
      {
        owners: flags.owner && settings.owners,
        // another server has none of these tablespaces, and a drill need not prove them
        tablespaces: flags.tablespaces && settings.server === undefined,
        assert: settings.assert,
      },
      { ...nightjar, report: progress.report, parallel: source.parallel },
      signal,
    );
    progress.end();
    out.say(`drilled ${asked} ${drilled.id} in ${formatDuration(drilled.ms)}; its scratch ${whole} is dropped again`);
    out.say(drillSentence(drilled));
    for (const line of await overdueNotes(asked, session, signal)) out.say(line);
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
  return {
    status: 'drilled',
    source,
    id,
    place,
    ms,
    restoreMs,
    proven: true,
    assertions,
    proof,
    notes: [...warnings, ...notes],
  };
}
