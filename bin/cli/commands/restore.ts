import { incompleteError, whereItIs } from '../../../core/commands/restoring/incomplete.ts';
import { notTheNewest, requireNamed } from '../../../core/commands/restoring/passed-over.ts';
import { chooseBackup } from '../../../core/survey/choose.ts';
import type { PassedOver } from '../../../core/survey/choose.ts';
import { proofSentence } from '../../../core/commands/prove.ts';
import { isInPlace, requireSameEngine, restoreRecorded } from '../../../core/commands/restore.ts';
import type { Restored } from '../../../core/commands/restore.ts';
import type { Source } from '../../../core/ports.ts';
import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import { requireNoDrillName } from '../../../core/domain/drill-name.ts';
import { BackupError } from '../../../core/domain/errors.ts';
import { newDatabaseName, startOf } from '../../../core/domain/keys.ts';
import type { BackupId, SourceName } from '../../../core/domain/keys.ts';
import { firstLines } from '../../../core/domain/lines.ts';
import { formatBytes, formatDuration, plural } from '../../../core/domain/units.ts';
import { confirmByName } from '../text/confirm.ts';
import { memoryFor, readable } from '../names.ts';
import type { CommandOutcome, Output } from '../text/output.ts';
import { showProgress } from '../text/progress.ts';
import type { CommandSession } from '../session.ts';
import { sizesOf } from '../sizes.ts';
import { shortSpan } from '../text/text.ts';
import { told } from '../told.ts';

/** As commander gives them. */
export type RestoreFlags = {
  to?: string;
  server?: string;
  replace?: true;
  yes?: true;
  owner: boolean;
  proof: boolean;
  tablespaces: boolean;
  keepGoing?: true;
  events?: boolean;
};

/** On a terminal; --json has all of them. */
const shownDifferences = 100;

type Done = { document: object; failure: BackupError | undefined };

/**
 * `nightjar restore`: says what will happen, has it confirmed where something would be lost, restores, proves the
 * result equal, and tells how it ended.
 */
export async function restoreCommand(
  name: string,
  which: string,
  flags: RestoreFlags,
  session: CommandSession,
  signal: AbortSignal,
): Promise<CommandOutcome> {
  const run = { verb: 'restore', source: name as SourceName } as const;
  const { document: result, failure } = await told(
    run,
    () => restoreOne(name, which, flags, session, signal),
    ({ document }) => document,
    session,
    signal,
    (done) => done.failure,
  );
  return { document: { result }, failures: failure === undefined ? [] : [failure] };
}

async function restoreOne(
  name: string,
  which: string,
  flags: RestoreFlags,
  session: CommandSession,
  signal: AbortSignal,
): Promise<Done> {
  const { nightjar, out } = session;
  if (flags.to !== undefined) requireNoDrillName(flags.to);
  const asked = await readable(name, nightjar, signal);
  const { manifest, warnings, passedOver } = await chooseBackup(
    asked,
    which,
    memoryFor(asked, nightjar),
    nightjar,
    signal,
  );
  for (const line of warnings) out.note(`warning ${line}`);
  const database = flags.to ?? newDatabaseName(manifest);
  const server = serverOf(name, flags, session);
  const source = await nightjar.source(server, { database }, signal);
  requireSameEngine(manifest, source.engine);
  const started = Date.now();
  const events = flags.events ?? isInPlace(manifest, { server, database });
  const preview = await lookAt(manifest, source, { ...flags, events, passedOver }, session, signal);
  for (const line of preview.lines) out.note(line);
  if (preview.loses && flags.replace && !flags.yes)
    await confirmByName(
      database,
      `--replace drops what ${source.engine.place} holds: ${preview.holds}${preview.unforeseen}`,
      out,
      signal,
    );
  const progress = showProgress(manifest.source, 'restoring', out, Date.now);
  try {
    const { owner: owners, proof, tablespaces } = flags;
    const options = {
      replace: flags.replace === true,
      owners,
      proof,
      tablespaces,
      keepGoing: flags.keepGoing === true,
      events,
      passedOver,
    };
    const restored = await restoreRecorded(
      manifest,
      source.engine,
      options,
      { ...nightjar, report: progress.report, parallel: source.parallel },
      signal,
    );
    progress.end();
    return tellRestored(
      { ...restored, notes: [...warnings, ...restored.notes] },
      manifest,
      source,
      { ms: Date.now() - started, passedOver },
      out,
    );
  } finally {
    progress.end();
  }
}

function tellRestored(
  restored: Restored,
  { source: name, id }: Manifest,
  { engine: { place } }: Source,
  { ms, passedOver }: { ms: number; passedOver: readonly PassedOver[] },
  out: Output,
): Done {
  const { proof, failures, database, notReplaced, notes } = restored;
  const notNewest = passedOver.length === 0 ? [] : [notTheNewest(passedOver)];
  const about = { source: name, id, place, database, ms, notes, ...(notNewest[0] && { notNewest: notNewest[0] }) };
  const failure = incompleteError(restored, place);
  if (failure === undefined) {
    out.say(`restored ${name} ${id} into ${place} in ${formatDuration(ms)}`);
    const compared = proof === undefined ? 'not proven: --no-proof left the comparison out' : proofSentence(proof);
    out.say([compared, ...notNewest].join('; '));
    for (const note of notes) out.say(note);
    return { document: { ...about, proven: proof !== undefined, ...(proof && { proof }) }, failure };
  }
  out.say(`restored ${name} ${id} in ${formatDuration(ms)}, with ${plural(failures.length, 'failure')}: not proven`);
  out.say(`${[whereItIs(restored), ...notNewest].join('; ')}.`);
  for (const { object, error, statement } of failures)
    [`  failed: ${object}`, `    ${error}`, `    ${statement}`].forEach((line) => out.say(line));
  for (const difference of firstLines(proof?.differences ?? [], shownDifferences)) out.say(`  differs: ${difference}`);
  for (const note of notes) out.say(note);
  return {
    document: {
      ...about,
      ...(notReplaced !== undefined && { notReplaced }),
      proven: false,
      failures,
      ...(proof && { proof }),
    },
    failure,
  };
}

function serverOf(name: string, { server }: RestoreFlags, { nightjar }: CommandSession): string {
  if (server !== undefined || nightjar.sourceNames.includes(name as SourceName)) return server ?? name;
  throw new BackupError('input-invalid', `${name} has backups, and is no longer in the configuration`, {
    hint: `say on whose server to restore: --server ${nightjar.sourceNames.join(' or ')}`,
  });
}

type RestoreChoice = { events: boolean; passedOver: readonly PassedOver[] };
type Preview = { lines: string[]; loses: boolean; holds: string; unforeseen: string };

async function lookAt(
  manifest: Manifest,
  source: Source,
  { owner, replace, tablespaces, keepGoing, events, passedOver }: RestoreFlags & RestoreChoice,
  { nightjar }: CommandSession,
  signal: AbortSignal,
): Promise<Preview> {
  const catalog = await nightjar.store.readCatalog(manifest, signal);
  const target = await source.engine.target(
    { manifest, catalog, owners: owner, tablespaces, keepGoing: keepGoing === true, events },
    signal,
  );
  const { tables, rows, bytes } = sizesOf(manifest);
  const age = shortSpan(nightjar.clock.now().getTime() - startOf(manifest.id as BackupId).getTime());
  const state = {
    absent: 'a new database',
    empty: 'there, and empty',
    occupied: replace ? `holds ${target.holds}: ALL OF IT WILL BE DROPPED` : `holds ${target.holds}`,
  }[target.state];
  await target.close();
  requireNamed(manifest, passedOver, { target, replace: replace === true });
  return {
    lines: [
      `backup  ${manifest.source} ${manifest.id}, ${age} old: ${plural(tables, 'table')}, ${plural(rows, 'row')}, ${formatBytes(bytes)}`,
      `into    ${source.engine.place} (${state})`,
      ...target.notes.map((note) => `note    ${note}`),
      ...(replace && target.unforeseen !== undefined ? [`note    ${target.unforeseen}`] : []),
    ],
    unforeseen: target.unforeseen === undefined ? '' : `; ${target.unforeseen}`,
    loses: target.state === 'occupied',
    holds: target.holds,
  };
}
