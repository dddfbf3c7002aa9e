import { createHash } from 'node:crypto';

/** Longest name of a function (AWS Lambda API reference, CreateFunction) and of a schedule. */
const longest = 64;

/**
 * A source's name as part of an AWS resource's name: letters, digits, `_` and `-`; with a digest if anything had to be
 * changed.
 */
export function slugOf(source: string, room: number): string {
  const plain = source.replace(/[^A-Za-z0-9_-]+/g, '-');
  if (plain === source && plain.length <= room) return plain;
  return `${plain.slice(0, room - 9)}-${createHash('sha256').update(source).digest('hex').slice(0, 8)}`;
}

/** Longest slug of a source in the names of alarms and schedules. */
export const slugRoom = 40;

/** A source's schedules depend on whether it is copied and drilled. */
type ScheduledSource = { copies: readonly unknown[]; watch: { drillEveryMs?: number | undefined } };

/** The names of a source's schedules, by what they start. */
export function scheduleNames(source: string) {
  const slug = slugOf(source, slugRoom);
  return { backup: `backup-${slug}`, rotate: `rotate-${slug}`, copy: `copy-${slug}`, drill: `drill-${slug}` };
}

/** The names of all schedules that a deployment makes for these sources, in any of its stacks. */
export function schedulesMeant(
  sources: readonly (readonly [string, ScheduledSource])[],
  { digest = false, byTag = false },
): string[] {
  const ofSources = sources.flatMap(([source, { copies, watch }]) => {
    const { backup, rotate, copy, drill } = scheduleNames(source);
    return [backup, rotate, ...(copies.length > 0 ? [copy] : []), ...(watch.drillEveryMs === undefined ? [] : [drill])];
  });
  return ['check', ...(digest ? ['digest'] : []), ...(byTag ? ['by-tag'] : []), ...ofSources];
}

/** The name of a function: `Nightjar-backup-shop`, `Nightjar-check`. */
export function functionName(stack: string, job: string, source?: string): string {
  const name = `${stack}-${job}`;
  return source === undefined ? name : `${name}-${slugOf(source, longest - name.length - 1)}`;
}
