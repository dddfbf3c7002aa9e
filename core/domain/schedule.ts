import { Cron } from 'croner';

/** Starts that come a little early, by another clock, still belong to their moment of the schedule. */
const earlyMs = 5 * 60_000;

/** Whether these are the five fields of cron (minute, hour, day, month, weekday), and the moment ever comes. */
export function isSchedule(text: string): boolean {
  try {
    return /^\S+( +\S+){4}$/.test(text.trim()) && new Cron(text.trim(), { timezone: 'UTC', mode: '5-part' }).nextRun(new Date(0)) !== null;
  } catch {
    return false;
  }
}

/**
 * How long it is from the moment of the schedule that a backup was made for to the next one, in milliseconds: of a schedule on weekdays 24 h, and
 * 72 h for the backup of Friday; an hour more or less where the clocks of `timeZone` change. A backup made at another time counts as that of the moment before.
 */
export function gapMs(schedule: string, start: Date, timeZone: string): number {
  const cron = new Cron(schedule.trim(), { timezone: timeZone, mode: '5-part' });
  const after = cron.nextRun(new Date(start.getTime() + earlyMs));
  const [before] = after === null ? [] : cron.previousRuns(1, after);
  return before === undefined || after === null ? Number.POSITIVE_INFINITY : after.getTime() - before.getTime();
}
