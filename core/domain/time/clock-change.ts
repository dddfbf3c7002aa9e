import { cronOf } from './cron.ts';
import { remembered } from './remembered.ts';

/** A time of day that a scheduler skips because the clock jumps over it: on `day`, from `from` to `to`, as `02:00`. */
export type LostBackup = { day: string; moment: string; from: string; to: string };

type Jump = { fromMs: number; toMs: number };

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;
/** Years in which every zone follows its present rules: temporary rules have ended before. */
const [firstMs, lastMs] = [Date.UTC(2027, 0, 1), Date.UTC(2037, 0, 1)];

/**
 * The first moment of the schedule that does not exist in its time zone, because the clock is put forward over it, and
 * whose loss leaves more time between two backups than the schedule otherwise does. An hourly schedule loses nothing:
 * two hours on the clock are then one.
 */
export function lostBackup(schedule: string, timeZone: string): LostBackup | undefined {
  // in UTC, which never changes, every moment of the schedule exists
  const cron = cronOf(schedule, 'UTC');
  for (const { fromMs, toMs } of jumpsOf(timeZone)) {
    // a moment comes again if it comes at all; if it only comes after the change, nothing is lost and no gap grows
    const lost = cron.nextRun(new Date(fromMs - 1))!;
    const before = cron.previousRuns(1, new Date(fromMs))[0]!;
    const after = cron.nextRun(new Date(toMs - 1))!;
    const shiftMs = toMs - fromMs;
    const left = after.getTime() - before.getTime() - shiftMs;
    const usual = Math.max(lost.getTime() - before.getTime(), after.getTime() - lost.getTime());
    if (left > usual + shiftMs)
      return {
        day: lost.toISOString().slice(0, 10),
        moment: clockOf(lost.getTime()),
        from: clockOf(fromMs),
        to: clockOf(toMs),
      };
  }
  return undefined;
}

/**
 * Where the clock of a zone jumps forward: the first time of day that doesn't exist, and the first that exists again,
 * as if they were UTC. Remembered, because many sources share a zone and searching it takes milliseconds.
 */
export const jumpsOf: (timeZone: string) => readonly Jump[] = remembered(findJumps);

function findJumps(timeZone: string): readonly Jump[] {
  const offsetAt = offsetsOf(timeZone);
  const jumps: Jump[] = [];
  for (let at = firstMs; at < lastMs; at += 7 * dayMs) {
    if (offsetAt(at) >= offsetAt(at + 7 * dayMs)) continue;
    let [low, high] = [at, at + 7 * dayMs];
    while (high - low > minuteMs) {
      const middle = low + Math.floor((high - low) / (2 * minuteMs)) * minuteMs;
      if (offsetAt(middle) === offsetAt(at)) low = middle;
      else high = middle;
    }
    jumps.push({ fromMs: high + offsetAt(low), toMs: high + offsetAt(high) });
  }
  return jumps;
}

/** How far a zone's clock is ahead of UTC at a moment, in milliseconds. */
export function offsetsOf(timeZone: string): (at: number) => number {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  return (at) => {
    const part = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
    return Date.UTC(part['year']!, part['month']! - 1, part['day'], part['hour'], part['minute'], part['second']) - at;
  };
}

function clockOf(ms: number): string {
  return new Date(ms).toISOString().slice(11, 16);
}
