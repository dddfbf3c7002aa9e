import type { Watch } from '../contract/config-watch.ts';
import { calendarOf } from './calendar.ts';
import { startOf } from './keys.ts';
import type { BackupId } from './keys.ts';
import type { Bytes } from './units.ts';

/** What a backup holds and how long it took, by its manifest; `bytes` before compression. */
export type Measure = { id: BackupId; rows: number; bytes: Bytes; ms: number };

/** How much less the newest backup holds: `before` is what was usual. */
export type Shrinking = { what: 'rows' | 'bytes'; now: number; before: number };

/** How many of the last backups tell what is usual. */
const usualOf = 7;

/** Below these nothing can be said of a share: a few rows come and go. None at all where there were some is always told. */
const smallest = { rows: 100, bytes: 100_000 };

/**
 * How the newest of these backups (oldest first) has shrunk, rows before bytes; undefined when it has not. It is compared with the median
 * of the last ones that had not shrunk themselves: a loss does not become the usual by lasting, but by `since` in the configuration.
 */
export function shrinkingOf(measures: readonly Measure[], { since, ...shares }: Watch['shrink'], timeZone: string): Shrinking | undefined {
  const calendar = calendarOf(timeZone);
  const compared = measures.filter(({ id }) => since === undefined || calendar(startOf(id), 'daily') >= since);
  const good: Measure[] = [];
  let found: Shrinking | undefined;
  for (const measure of compared) {
    found = good.length === 0 ? undefined : against(measure, good.slice(-usualOf), shares);
    if (found === undefined) good.push(measure);
  }
  return found;
}

/** The middle one of some numbers, of two the lower; undefined of none. */
export function medianOf(numbers: readonly number[]): number | undefined {
  return numbers.toSorted((a, b) => a - b)[Math.ceil(numbers.length / 2) - 1];
}

function against(measure: Measure, good: readonly Measure[], shares: { rows: number; bytes: number }): Shrinking | undefined {
  for (const what of ['rows', 'bytes'] as const) {
    const before = medianOf(good.map((one) => one[what])) ?? 0;
    const now = measure[what];
    const counts = before >= smallest[what] || (now === 0 && before > 0);
    if (counts && now * 100 < before * shares[what]) return { what, now, before };
  }
  return undefined;
}
