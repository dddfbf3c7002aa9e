import { remembered } from './remembered.ts';
import { gapAround } from './schedule.ts';

const hourMs = 3_600_000;
/**
 * A leap year, with every month, weekday and clock change, and the beginning of the next, in whose February there is no
 * 29th.
 */
const from = Date.UTC(2024, 0, 1);
const days = 366 + 31 + 28;
const stepHours = 6;

/**
 * Longest time between two moments of a schedule, in whole hours. Remembered, because a synthesis asks for the same few
 * schedules many times.
 */
export const longestGapHours: (schedule: string, timeZone: string) => number = remembered(measured);

function measured(schedule: string, timeZone: string): number {
  let longestMs = 0;
  let seenUntilMs = from;
  for (let hour = 0; hour < days * 24; hour += stepHours) {
    const at = from + hour * hourMs;
    if (at < seenUntilMs) continue;
    const { ms, untilMs } = gapAround(schedule, new Date(at), timeZone);
    longestMs = Math.max(longestMs, ms);
    seenUntilMs = untilMs;
  }
  return Math.ceil(longestMs / hourMs);
}
