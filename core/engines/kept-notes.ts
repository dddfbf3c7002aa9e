import { fewNames } from '../domain/lines.ts';
import { formatBytes, formatDuration } from '../domain/units.ts';
import type { KeptDatabase } from '../ports.ts';

/** `why`: it could not be dropped. */
export type DroppedKept = KeptDatabase & { why?: string };

/**
 * A database replaced every night is kept until the next replacement: what was replaced within this time is from the
 * same day.
 */
export const usualKeepMs = 20 * 3_600_000;

/** How a kept database is put back or dropped, for a note. */
export function howLong(keepMs: number | undefined): string {
  const limit = keepMs === undefined ? '' : `, and so does the first restore or drill after ${formatDuration(keepMs)}`;
  return `--undo puts it back, --drop-old drops it${limit}`;
}

/** Notes about kept databases that were overdue. */
export function overdueNotes(dropped: readonly DroppedKept[]): string[] {
  return dropped.map((one) =>
    one.why === undefined
      ? `dropped, as keepReplaced says: ${sized(one)}`
      : `${one.name} is kept for longer than keepReplaced says, and was not dropped: ${one.why}`,
  );
}

/** What happens to a replaced database; `before`: the name it is kept under. */
export type FateOfOld = { before: string | undefined; dropOld: boolean; proven: boolean; keepMs?: number | undefined };

/** The databases that replacements have kept on a server, for the notes. */
type KeptThere = {
  list(): Promise<KeptDatabase[]>;
  /** Drops all of them, or those that match. */
  drop(which?: (kept: KeptDatabase) => boolean): Promise<DroppedKept[]>;
  /** The command to drop one: `DROP DATABASE shop_before_…`. */
  byHand(name: string): string;
};

/**
 * Notes about the replaced database. Drops it if that is asked for. Once the new one is `proven`, also drops what
 * earlier replacements kept before today, so that a nightly restore keeps one database and not one for each night.
 */
export async function oldNotes({ before, dropOld, proven, keepMs }: FateOfOld, there: KeptThere): Promise<string[]> {
  const failed = (one: DroppedKept) => notDroppedNote(one, there);
  if (dropOld) return (await there.drop()).flatMap((dropped) => failed(dropped) ?? []);
  const dropped = proven ? await there.drop(({ name, recent }) => name !== before && !recent) : [];
  const kept = await there.list();
  const old = kept.find(({ name }) => name === before);
  const others = kept.filter(({ name }) => name !== before && dropped.every((one) => one.name !== name));
  return [
    ...(old === undefined ? [] : [`the old database is kept as ${sized(old)}: ${howLong(keepMs)}`]),
    ...dropped.map((one) => failed(one) ?? `dropped, as an earlier replacement had kept it: ${sized(one)}`),
    ...keptNotes(others),
  ];
}

/** Notes about what earlier replacements keep: it takes space until somebody drops it. */
export function keptNotes(kept: readonly KeptDatabase[]): string[] {
  if (kept.length === 0) return [];
  return [`kept from before: ${fewNames(kept.map(sized))}: --drop-old drops what is kept`];
}

export function sized({ name, bytes }: KeptDatabase): string {
  return bytes === undefined ? name : `${name} (${formatBytes(bytes)})`;
}

function notDroppedNote({ name, why }: DroppedKept, { byHand }: KeptThere): string | undefined {
  if (why === undefined) return undefined;
  const remedy = `when nothing of it is needed: ${byHand(name)}`;
  return `the old database ${name} could not be dropped (${why}); ${remedy}`;
}
