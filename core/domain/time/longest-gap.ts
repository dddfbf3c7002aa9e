import { remembered } from './remembered.ts';
import { gapMs } from './schedule.ts';

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
 * schedules again and again, and each answer takes a tenth of a second.
 */
export const longestGapHours: (schedule: string, timeZone: string) => number = remembered(measured);

function measured(schedule: string, timeZone: string): number {
  const moments = Array.from(
    { length: (days * 24) / stepHours },
    (_, index) => new Date(from + index * stepHours * hourMs),
  );
  return Math.ceil(Math.max(...moments.map((moment) => gapMs(schedule, moment, timeZone))) / hourMs);
}
