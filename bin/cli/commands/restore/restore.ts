import { incompleteError, whereItIs } from '../../../../core/commands/restore/incomplete.ts';
import { notTheNewest } from '../../../../core/commands/restore/passed-over.ts';
import { chooseBackup } from '../../../../core/survey/choose.ts';
import type { PassedOver, Which } from '../../../../core/survey/choose.ts';
import { proofSentence } from '../../../../core/commands/proof/prove.ts';
import { isInPlace, restorePlanned } from '../../../../core/commands/restore/restore.ts';
import { hindrance, planRestore, requireNoPlace } from '../../../../core/commands/restore/plan.ts';
import type { RestorePlan } from '../../../../core/commands/restore/plan.ts';
import { dropOverdue } from '../../../../core/commands/restore/undo.ts';
import type { Restored } from '../../../../core/commands/restore/restore.ts';
import type { Source } from '../../../../core/ports.ts';
import type { Manifest } from '../../../../core/contract/manifest/manifest.ts';
import { requireNoDrillName } from '../../../../core/domain/drill-name.ts';
import { BackupError } from '../../../../core/domain/errors.ts';
import { newDatabaseName } from '../../../../core/domain/keys.ts';
import type { SourceName } from '../../../../core/domain/keys.ts';
import { firstLines } from '../../../../core/domain/lines.ts';
import { formatDuration, plural } from '../../../../core/domain/units.ts';
import { confirmByName } from '../../text/confirm.ts';
import { isServer, memoryFor, placeNamed, readable, recallMeant, sourceOnServer } from '../../names.ts';
import type { CommandOutcome, Output } from '../../text/output.ts';
import { showProgress } from '../../text/progress.ts';
import type { CommandSession } from '../../session.ts';
import { planDocument, planLines } from '../../text/backups/restore-plan.ts';
import { told } from '../../told.ts';
import type { RestoreFlags } from './flags.ts';
import { rankLine, rankToAsk, requireRankNamed } from './rank.ts';
import type { RankedRun } from './rank.ts';
import { dropOldCommand, undoCommand } from './undo.ts';
import { restoreServer } from './whole.ts';

/** On a terminal; --json has all of them. */
const shownDifferences = 100;

type RestoreDone = { document: object; failure: BackupError | undefined };

/**
 * `nightjar restore`: shows what will happen, asks for confirmation if anything would be lost, restores exactly what
 * was shown, proves the result equal, and reports the result. With `--plan`, it only shows what would happen.
 */
export async function restoreCommand(
  name: string,
  which: string,
  { path = [], ...given }: RestoreFlags,
  session: CommandSession,
  signal: AbortSignal,
): Promise<CommandOutcome> {
  if (isServer(name, session.nightjar))
    return restoreServer(
      name,
      which,
      path.length === 0 ? given : { ...given, path },
      session,
      (source, own) => restoreCommand(source, which, own, session, signal),
      signal,
    );
  const { server } = given;
  await recallMeant([name, ...(server === undefined ? [] : [server])], session, signal);
  const flags = {
    ...given,
    ...(path.length > 0 && { table: [...(given.table ?? []), ...path] }),
    ...(server !== undefined && { server: sourceOnServer(server, name, session.nightjar) }),
  };
  const kept = flags.undo ? undoCommand : flags.dropOld && !flags.replace ? dropOldCommand : undefined;
  if (kept !== undefined) {
    const isOwn = (flags.server ?? name) === name && flags.to === undefined;
    const ranked = { name, flags, session, isInPlace: isOwn };
    const asked = flags.plan ? rankToAsk(ranked) : undefined;
    if (asked !== undefined) session.out.note(rankLine(asked, flags.server ?? name));
    if (!flags.plan) await requireRankNamed(ranked, signal);
    return kept(name, flags, session, signal);
  }
  if (flags.plan) return showPlan(name, which, flags, session, signal);
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

async function showPlan(
  name: string,
  which: string,
  flags: RestoreFlags,
  session: CommandSession,
  signal: AbortSignal,
): Promise<CommandOutcome> {
  const { plan, warnings } = await planned(name, which, flags, session, signal);
  await plan.target.close();
  for (const line of planLines(plan, session.nightjar.clock.now())) session.out.say(line);
  const server = serverOf(name, flags, session);
  const inPlace = isInPlace(plan.manifest, { server, database: plan.target.database });
  const rank = rankToAsk({ name, flags, session, isInPlace: inPlace });
  if (rank !== undefined) session.out.say(rankLine(rank, server));
  const failure = hindrance(plan);
  session.out.say(
    failure === undefined ? 'nothing was changed: --plan only looks' : 'it would fail: nothing was changed',
  );
  return {
    document: { plan: { ...planDocument(plan), warnings, ...(rank !== undefined && { into: rank }) } },
    failures: failure === undefined ? [] : [failure],
  };
}

type PlannedRestore = { plan: RestorePlan; source: Source; warnings: string[]; passedOver: readonly PassedOver[] };

async function planned(
  name: string,
  which: string,
  flags: RestoreFlags,
  session: CommandSession,
  signal: AbortSignal,
): Promise<PlannedRestore> {
  const { nightjar, out } = session;
  if (flags.to !== undefined) requireNoDrillName(flags.to);
  const asked = await readable(name, nightjar, signal);
  const { manifest, warnings, passedOver, meant } = await chooseBackup(
    asked,
    whichOf(which, flags),
    memoryFor(asked, nightjar),
    nightjar,
    signal,
  );
  if (meant !== undefined) out.note(`at      ${meant}`);
  for (const line of warnings) out.note(`warning ${line}`);
  const server = serverOf(name, flags, session);
  const database =
    flags.to === undefined
      ? newDatabaseName(manifest, { tables: flags.table, schemaOnly: flags.schemaOnly })
      : placeNamed(flags.to, server, session);
  const source = await nightjar.source(server, { database }, signal);
  requireNoPlace(flags.to, source);
  const { owner: owners, proof, tablespaces } = flags;
  const options = {
    replace: flags.replace === true,
    dropOld: flags.dropOld === true,
    owners,
    proof,
    tablespaces,
    keepGoing: flags.keepGoing === true,
    events: flags.events ?? isInPlace(manifest, { server, database }),
    passedOver,
    ...(flags.table && { tables: flags.table }),
    ...(flags.ofServer && { ofServer: true }),
    schemaOnly: flags.schemaOnly === true,
    foresee: flags.plan === true && (flags.unforeseen === true ? ('nothing' as const) : true),
  };
  return { plan: await planRestore(manifest, source.engine, options, nightjar, signal), source, warnings, passedOver };
}

async function restoreOne(
  name: string,
  which: string,
  flags: RestoreFlags,
  session: CommandSession,
  signal: AbortSignal,
): Promise<RestoreDone> {
  const { nightjar, out } = session;
  const started = Date.now();
  const { plan, source, warnings, passedOver } = await planned(name, which, flags, session, signal);
  // failures are reported as the error that they cause
  const findings = plan.findings.filter(({ weight }) => weight !== 'fails');
  for (const line of planLines({ ...plan, findings }, nightjar.clock.now())) out.note(line);
  await named(plan, { name, flags, session }, signal);
  await confirmed(plan, flags, out, signal);
  const progress = showProgress(plan.manifest.source, 'restoring', out, Date.now);
  try {
    const deps = { ...nightjar, report: progress.report, parallel: source.parallel };
    const restored = await restorePlanned(plan, deps, signal);
    progress.end();
    const isWhole = restored.failures.length === 0 && restored.proof !== undefined;
    const isOwn = serverOf(name, flags, session) === name;
    const overdue = isWhole && isOwn ? await overdueNotes(name, session, signal) : [];
    return tellRestored(
      { ...restored, notes: [...warnings, ...restored.notes, ...overdue] },
      plan.manifest,
      source,
      { ms: Date.now() - started, passedOver },
      out,
    );
  } finally {
    progress.end();
  }
}

/**
 * Drops replaced databases of this source that are kept for longer than configured, and says what became of them. Call
 * it after what has succeeded: it never fails, even if nobody can log in there.
 */
export async function overdueNotes(
  source: string,
  { nightjar }: CommandSession,
  signal: AbortSignal,
): Promise<string[]> {
  if (nightjar.settings(source).keepReplacedMs === undefined) return [];
  const engine = nightjar.source(source, {}, signal).then((opened) => opened.engine);
  return dropOverdue(engine, signal);
}

/** Asks for the server's rank if it is needed; where nobody can be asked, it must have been named. */
async function named(
  plan: RestorePlan,
  ranked: Omit<RankedRun, 'isInPlace'> & { flags: RestoreFlags },
  signal: AbortSignal,
): Promise<void> {
  const { manifest, target } = plan;
  const server = serverOf(ranked.name, ranked.flags, ranked.session);
  const inPlace = isInPlace(manifest, { server, database: target.database });
  try {
    if (hindrance(plan) === undefined) await requireRankNamed({ ...ranked, isInPlace: inPlace }, signal);
  } catch (error) {
    await target.close();
    throw error;
  }
}

/** Nobody is asked about a restore that would fail anyway. */
async function confirmed(plan: RestorePlan, flags: RestoreFlags, out: Output, signal: AbortSignal): Promise<void> {
  const { target, engine } = plan;
  if (target.state !== 'occupied' || !flags.replace || flags.yes || hindrance(plan) !== undefined) return;
  if (target.untouched !== undefined) return;
  const question =
    target.keptAs === undefined
      ? `--replace drops what ${engine.place} holds: ${target.holds}`
      : `--replace puts the backup in the place of what ${engine.place} holds: ${target.holds}; that is kept as ` +
        `${target.keptAs}`;
  await confirmByName(target.database, question, out, signal).catch(async (error: unknown) => {
    await target.close();
    throw error;
  });
}

function tellRestored(
  restored: Restored,
  { source: name, id }: Manifest,
  { engine: { place } }: Source,
  { ms, passedOver }: { ms: number; passedOver: readonly PassedOver[] },
  out: Output,
): RestoreDone {
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

/** A moment and the name of a backup contradict each other. */
function whichOf(which: string, { at }: RestoreFlags): Which {
  if (at === undefined) return which;
  if (which === 'latest') return { at };
  throw new BackupError('input-invalid', `--at says which backup is meant, and so does ${which}`, {
    hint: 'give one of them',
  });
}

function serverOf(name: string, { server }: RestoreFlags, { nightjar }: CommandSession): string {
  if (server !== undefined || nightjar.sourceNames.includes(name as SourceName)) return server ?? name;
  throw new BackupError('input-invalid', `${name} has backups, and is no longer in the configuration`, {
    hint: `say on whose server to restore: --server ${nightjar.sourceNames.join(' or ')}`,
  });
}
