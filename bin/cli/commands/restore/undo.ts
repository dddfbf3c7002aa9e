import { wholeOf } from '../../../../core/domain/content-words.ts';
import { dropKept, hasBegun, planDrop, planUndo, takeBack, undo } from '../../../../core/commands/restore/undo.ts';
import type { KeptPlan } from '../../../../core/commands/restore/undo.ts';
import { formatBytes } from '../../../../core/domain/units.ts';
import type { Engine, KeptDatabase } from '../../../../core/ports.ts';
import { confirmByName } from '../../text/confirm.ts';
import type { CommandOutcome } from '../../text/output.ts';
import { placeNamed } from '../../names.ts';
import type { CommandSession } from '../../session.ts';

/** As commander gives them. */
type UndoFlags = { to?: string; server?: string; plan?: true; yes?: true };

/**
 * `nightjar restore <source> --undo`: puts back what the last `--replace` has kept, and keeps what stood in its place.
 * A second `--undo` exchanges them again.
 */
export async function undoCommand(
  name: string,
  flags: UndoFlags,
  session: CommandSession,
  signal: AbortSignal,
): Promise<CommandOutcome> {
  const { out } = session;
  const { engine, database } = await meantBy(name, flags, session, signal);
  if (await hasBegun(engine, signal)) return takeBackCommand(engine, database, flags, session, signal);
  const plan = await planUndo(engine, database, signal);
  const [newest] = plan.kept;
  for (const line of keptLines(plan, `put back as ${database}`)) out.note(line);
  if (flags.plan) return told({ planned: { database, kept: plan.kept, findings: plan.findings } });
  const question = `--undo puts ${said(newest)} in the place of ${wholeOf(engine)} ${database}, which is kept too`;
  if (!flags.yes) await confirmByName(database, question, out, signal);
  const mended: string[] = [];
  const replaced = await undo(engine, { ...plan, tell: (line) => mended.push(line) }, signal);
  for (const line of mended) out.say(line);
  out.say(`${wholeOf(engine)} ${database} is what it was before: ${newest.name} is back`);
  if (replaced !== undefined)
    out.say(`what stood there is kept as ${replaced}: --undo exchanges them once more, --drop-old drops it`);
  const keptAs = replaced !== undefined && { kept: replaced };
  return told({ undone: { database, back: newest.name, ...keptAs, ...(mended.length > 0 && { mended }) } });
}

/** If a replacement died before it exchanged anything, that is what is undone; what is kept stays. */
async function takeBackCommand(
  engine: Engine,
  database: string,
  flags: UndoFlags,
  { out }: CommandSession,
  signal: AbortSignal,
): Promise<CommandOutcome> {
  const what = `a replacement of ${wholeOf(engine)} ${database} has begun, and exchanged nothing yet`;
  out.note(`begun   ${what}: where it died, it is taken back, and what is kept stays`);
  if (flags.plan) return told({ planned: { database, takesBack: true } });
  if (!flags.yes) await confirmByName(database, `${what}: --undo takes it back`, out, signal);
  const lost = await takeBack(engine, signal);
  out.say(
    `${wholeOf(engine)} ${database} is as it was: the replacement that died is taken back, and nothing was exchanged`,
  );
  for (const line of lost) out.say(line);
  return told({ undone: { database, takenBack: true, ...(lost.length > 0 && { lost }) } });
}

/** `nightjar restore <source> --drop-old`: drops everything that is kept of a database from before it was replaced. */
export async function dropOldCommand(
  name: string,
  flags: UndoFlags,
  session: CommandSession,
  signal: AbortSignal,
): Promise<CommandOutcome> {
  const { out } = session;
  const { engine, database } = await meantBy(name, flags, session, signal);
  const plan = await planDrop(engine, database, signal);
  for (const line of keptLines(plan, 'dropped')) out.note(line);
  if (flags.plan) return told({ planned: { database, kept: plan.kept } });
  const names = plan.kept.map(said).join(', ');
  if (!flags.yes) await confirmByName(database, `--drop-old drops what ${database} was before: ${names}`, out, signal);
  await dropKept(engine, plan, signal);
  for (const { name: dropped } of plan.kept) out.say(`${wholeOf(engine)} ${dropped} is dropped`);
  return told({ dropped: { database, names: plan.kept.map(({ name: dropped }) => dropped) } });
}

/** The database that the flags mean. */
function meantBy(name: string, { server = name, to }: UndoFlags, session: CommandSession, signal: AbortSignal) {
  const database = to === undefined ? undefined : placeNamed(to, server, session);
  return session.nightjar.source(server, { database }, signal);
}

function told(document: object): CommandOutcome {
  return { document, failures: [] };
}

function keptLines({ kept: [newest, ...others] }: KeptPlan, what: string): string[] {
  const all = what === 'dropped';
  return [
    `kept    ${said(newest)}: it will be ${what}`,
    ...others.map((one) => `kept    ${said(one)}${all ? `: it will be ${what}` : ''}`),
  ];
}

function said({ name, bytes, since, halfDropped }: KeptDatabase): string {
  const more = [
    bytes === undefined ? [] : formatBytes(bytes),
    since === undefined ? [] : `since ${since}`,
    halfDropped === true ? 'half dropped' : [],
  ].flat();
  return more.length === 0 ? name : `${name} (${more.join(', ')})`;
}
