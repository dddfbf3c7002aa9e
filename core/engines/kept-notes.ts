import { fewNames } from '../domain/lines.ts';
import { formatBytes, formatDuration } from '../domain/units.ts';
import type { KeptDatabase } from '../ports.ts';

/** `why`: it could not be dropped. */
export type DroppedKept = KeptDatabase & { why?: string };

/**
 * Replaced every night, a database is kept until the next one: what was replaced later than this is of the same day.
 */
export const usualKeepMs = 20 * 3_600_000;

/** How a database that is kept goes again. */
export function howLong(keepMs: number | undefined): string {
  const limit = keepMs === undefined ? '' : `, and so does the first restore or drill after ${formatDuration(keepMs)}`;
  return `--undo puts it back, --drop-old drops it${limit}`;
}

/** What became of what is overdue. */
export function overdueNotes(dropped: readonly DroppedKept[]): string[] {
  return dropped.map((one) =>
    one.why === undefined
      ? `dropped, as keepReplaced says: ${sized(one)}`
      : `${one.name} is kept for longer than keepReplaced says, and was not dropped: ${one.why}`,
  );
}

/** What became of a database that was replaced; `before`: the name it is kept under. */
export type FateOfOld = { before: string | undefined; dropOld: boolean; proven: boolean; keepMs?: number | undefined };

/** The databases that replacements have kept on a server, for their notes. */
type KeptThere = {
  list(): Promise<KeptDatabase[]>;
  /** Drops all of them, or those that are meant. */
  drop(which?: (kept: KeptDatabase) => boolean): Promise<DroppedKept[]>;
  /** What a person does to drop one: `DROP DATABASE shop_before_…`. */
  byHand(name: string): string;
};

/**
 * What became of the database that was replaced. Drops it where that is asked for, and what earlier replacements have
 * kept before today once this one is `proven`: one that runs every night keeps one database and not one for each night.
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

/** What is kept from before: it takes space until somebody says that it is not needed any more. */
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
