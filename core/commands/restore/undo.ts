import { wholeOf } from '../../domain/content-words.ts';
import { BackupError, messageOf } from '../../domain/errors.ts';
import type { Engine, KeptDatabase, Replaced, RestoreFinding } from '../../ports.ts';

/** Replaced databases that are kept, the newest first, and what would keep that one from coming back. */
export type KeptPlan = { kept: [KeptDatabase, ...KeptDatabase[]]; findings: RestoreFinding[] };

/**
 * Finds the kept database that could come back in place of the database of `engine`. Throws `restore-failed` if there
 * is none. Writes nothing.
 */
export async function planUndo(engine: Engine, database: string, signal: AbortSignal): Promise<KeptPlan> {
  const replaced = replacedOf(engine);
  const all = await allKept(engine, database, signal);
  const [newest, ...others] = all.filter(({ halfDropped = false }) => !halfDropped);
  if (newest === undefined)
    throw new BackupError(
      'restore-failed',
      `nothing is kept of what ${wholeOf(engine)} ${database} was before that could come back: ${all[0].name} is half dropped`,
      { hint: '--drop-old drops what is left of it; to go back, restore a backup: nightjar list shows them' },
    );
  return { kept: [newest, ...others], findings: await replaced.findings(newest, signal) };
}

/**
 * Whether a replacement of the database of `engine` died before it exchanged anything: `takeBack` undoes it, and kept
 * databases are from earlier ones. Writes nothing.
 */
export async function hasBegun(engine: Engine, signal: AbortSignal): Promise<boolean> {
  return (await replacedOf(engine).hasBegun?.(signal)) ?? false;
}

/**
 * Makes again what such a replacement had taken away, and exchanges nothing. Returns what could not be made again.
 * Throws `lease-held` while a replacement is at work.
 */
export async function takeBack(engine: Engine, signal: AbortSignal): Promise<string[]> {
  const lost = await replacedOf(engine).takeBack?.(signal);
  if (lost !== undefined) return lost;
  throw new BackupError('restore-failed', `what had begun at ${engine.place} has come to its end meanwhile`, {
    hint: 'look again: the same command with --plan',
  });
}

/**
 * Finds everything that is kept of the database of `engine`. Throws `restore-failed` if there is nothing. Writes
 * nothing.
 */
export async function planDrop(engine: Engine, database: string, signal: AbortSignal): Promise<KeptPlan> {
  return { kept: await allKept(engine, database, signal), findings: [] };
}

async function allKept(engine: Engine, database: string, signal: AbortSignal): Promise<KeptPlan['kept']> {
  const replaced = replacedOf(engine);
  const [newest, ...others] = await replaced.list(signal);
  if (newest !== undefined) return [newest, ...others];
  await replaced.requireSight?.(signal);
  throw new BackupError('restore-failed', `nothing is kept of what ${wholeOf(engine)} ${database} was before`, {
    hint: 'a restore with --replace keeps it; with --drop-old it does not',
  });
}

/**
 * Puts the newest kept database of the plan back, in one step, and keeps what stood in its place; returns the name of
 * that. Throws the findings that prevent it. `tell` reports what had to be repaired first.
 */
export async function undo(
  engine: Engine,
  { kept, findings, tell = () => {} }: KeptPlan & { tell?: (line: string) => void },
  signal: AbortSignal,
): Promise<string | undefined> {
  const [inTheWay] = findings.filter(({ weight }) => weight === 'fails');
  if (inTheWay !== undefined)
    throw new BackupError(inTheWay.code ?? 'restore-failed', `${inTheWay.what}; nothing was changed`, {
      hint: inTheWay.remedy,
    });
  return replacedOf(engine).swapBack(kept[0], tell, signal);
}

/** Drops all kept databases of the plan. */
export async function dropKept(engine: Engine, { kept }: KeptPlan, signal: AbortSignal): Promise<void> {
  for (const one of kept) await replacedOf(engine).drop(one, signal);
}

/**
 * Drops what is kept for longer than the configuration says; returns a sentence for each. Never throws, even if nobody
 * can log in to this `engine`: what came before it has succeeded.
 */
export async function dropOverdue(engine: Engine | Promise<Engine>, signal: AbortSignal): Promise<string[]> {
  try {
    const { replaced } = await engine;
    return (await replaced?.dropOverdue?.(signal)) ?? [];
  } catch (error) {
    return [`what keepReplaced says could not be looked at: ${messageOf(error)}`];
  }
}

function replacedOf({ replaced, place, keptByHand }: Engine): Replaced {
  if (replaced !== undefined) return replaced;
  throw new BackupError('source-unsupported', keptByHand?.what ?? `${place} keeps nothing of what was replaced`, {
    hint: keptByHand?.remedy ?? 'restore a backup from before: nightjar list shows them',
  });
}
