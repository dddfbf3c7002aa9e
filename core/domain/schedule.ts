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
 * 72 h for the backup of Friday; an hour more or less where the clocks of `timeZone` change. A backup made at another time counts as that of the moment
 * before. An hour that a clock repeats counts once: EventBridge Scheduler makes no second backup in it, crontabs of some machines do.
 */
export function gapMs(schedule: string, start: Date, timeZone: string): number {
  const cron = new Cron(schedule.trim(), { timezone: timeZone, mode: '5-part' });
  const isRepeated = repeatsOf(timeZone);
  let after = cron.nextRun(new Date(start.getTime() + earlyMs));
  let [before] = after === null ? [] : cron.previousRuns(1, after);
  while (after !== null && isRepeated(after)) after = cron.nextRun(after);
  while (before !== undefined && isRepeated(before)) [before] = cron.previousRuns(1, before);
  return before === undefined || after === null ? Number.POSITIVE_INFINITY : after.getTime() - before.getTime();
}

/** Whether the clock of a zone showed this time of day before: it was set back in between, by an hour or (Lord Howe) half of one. */
function repeatsOf(timeZone: string): (moment: Date) => boolean {
  const clock = new Intl.DateTimeFormat('en', { timeZone, dateStyle: 'short', timeStyle: 'short' });
  return (moment) => [30, 60, 120].some((minutes) => clock.format(moment.getTime() - minutes * 60_000) === clock.format(moment));
}
