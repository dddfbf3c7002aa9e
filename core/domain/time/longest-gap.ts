import { remembered } from './remembered.ts';
import { gapAround } from './schedule.ts';

const hourMs = 3_600_000;
/**
 * A leap year, in which every month, weekday and change of clocks is, and the beginning of one that is none: the 29th
 * does not come in its February.
 */
const from = Date.UTC(2024, 0, 1);
const days = 366 + 31 + 28;
const stepHours = 6;

/**
 * Longest time that a schedule leaves between two of its moments, in whole hours. A synthesis asks for the same few
 * schedules again and again.
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
