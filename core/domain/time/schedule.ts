import { cronOf } from './cron.ts';
import { remembered } from './remembered.ts';

/**
 * When backups should begin: five fields of cron, and the window after each moment in which a run may be started at
 * random (EventBridge Scheduler's window).
 */
export type Schedule = { cron: string; timeZone: string; windowMs: number };

/**
 * How much later than its window a backup may begin and still be in time: others may go first, and queues may be long.
 */
export const latenessMs = 3_600_000;

/** Starts that are a little early by another clock still belong to their moment. */
const earlyMs = 5 * 60_000;

/** Whether these are five fields of cron (minute, hour, day, month, weekday), and the moment ever comes. */
export function isSchedule(text: string): boolean {
  try {
    return text.trim().split(/ +/).length === 5 && cronOf(text, 'UTC').nextRun(new Date(0)) !== null;
  } catch {
    return false;
  }
}

/**
 * Milliseconds from the moment that a backup was made for to the next one: 24 h for a schedule on weekdays, and 72 h
 * for Friday's backup; an hour more or less when the clocks of `timeZone` change. A backup made at another time belongs
 * to the moment before it. An hour that a clock repeats counts once: EventBridge Scheduler makes no second backup in
 * it, while some crontabs do.
 */
export function gapMs(schedule: string, start: Date, timeZone: string): number {
  return gapAround(schedule, start, timeZone).ms;
}

/** The same; it holds for every backup from this one up to `untilMs`. */
export function gapAround(schedule: string, start: Date, timeZone: string): { ms: number; untilMs: number } {
  const cron = cronOf(schedule, timeZone);
  const isRepeated = repeatsOf(timeZone);
  let after = cron.nextRun(new Date(start.getTime() + earlyMs));
  let [before] = after === null ? [] : cron.previousRuns(1, after);
  while (after !== null && isRepeated(after)) after = cron.nextRun(after);
  while (before !== undefined && isRepeated(before)) [before] = cron.previousRuns(1, before);
  const nextMs = after?.getTime() ?? Number.POSITIVE_INFINITY;
  return {
    ms: before === undefined ? Number.POSITIVE_INFINITY : nextMs - before.getTime(),
    untilMs: nextMs - earlyMs,
  };
}

/**
 * The newest moments of a schedule up to `until`, oldest first, at most `most`. Leaves out moments that don't exist
 * because the clock is put forward over them, and those in the second pass of a repeated hour, in which some schedulers
 * start a run and some don't.
 */
export function momentsOf({ cron, timeZone }: Schedule, until: Date, most: number): Date[] {
  return momentsAt(cron, timeZone, until, most);
}

/**
 * Until when a run for this moment may begin and still be in time. If the clock shows that time of day twice, some
 * schedulers start it at the second one.
 */
export function begunBy({ timeZone, windowMs }: Schedule, at: Date): number {
  return at.getTime() + windowMs + latenessMs + repeatedAfterMs(timeZone, at);
}

/** The first moment of a schedule after `now`, counted as in `momentsOf`; undefined if there is none. */
export function nextMoment({ cron: text, timeZone }: Schedule, now: Date): Date | undefined {
  const cron = cronOf(text, timeZone);
  const isRepeated = repeatsOf(timeZone);
  let next = cron.nextRun(now);
  while (next !== null && (isRepeated(next) || !cron.match(next))) next = cron.nextRun(next);
  return next ?? undefined;
}

/**
 * The moment that a run beginning at `start` is for: the nearest one, if the run is only that little early or late;
 * undefined for a run at another time.
 */
export function momentOf(schedule: Schedule, start: Date): Date | undefined {
  const at = start.getTime();
  const near = findMoments(schedule.cron, schedule.timeZone, new Date(at + earlyMs), nearest).filter(
    (moment) => begunBy(schedule, moment) >= at,
  );
  return near.reduce<Date | undefined>(
    (best, moment) => (best === undefined || distance(moment, at) <= distance(best, at) ? moment : best),
    undefined,
  );
}

/** A check asks at one moment about many sources with the same schedule. */
const momentsAt = remembered(findMoments, 1000);
/** A start lies between two moments; if the schedule is every minute, some later ones may still be the nearest. */
const nearest = 7;

function distance(moment: Date, at: number): number {
  return Math.abs(moment.getTime() - at);
}

function findMoments(text: string, timeZone: string, until: Date, most: number): Date[] {
  const cron = cronOf(text, timeZone);
  const isRepeated = repeatsOf(timeZone);
  const newest = (count: number): Date[] => {
    // the last one may be `until` itself
    const runs = cron.previousRuns(count, new Date(until.getTime() + 1000));
    return runs.filter((moment) => moment <= until && cron.match(moment) && !isRepeated(moment)).reverse();
  };
  const found = newest(most);
  return found.length === most ? found : newest(2 * most - found.length);
}

/**
 * Whether the clock of a zone has shown this time of day before, because it was set back by an hour or (Lord Howe) half
 * of one.
 */
function repeatsOf(timeZone: string): (moment: Date) => boolean {
  const clock = clockOf(timeZone);
  return (moment) => setBackMs.some((ms) => clock.format(moment.getTime() - ms) === clock.format(moment));
}

/** How long after a moment the clock of a zone shows it for the second time; 0 if it doesn't. */
function repeatedAfterMs(timeZone: string, moment: Date): number {
  if (timeZone === 'UTC') return 0;
  const clock = clockOf(timeZone);
  return setBackMs.find((ms) => clock.format(moment.getTime() + ms) === clock.format(moment)) ?? 0;
}

/** By how much clocks are set back. */
const setBackMs = [30 * 60_000, 60 * 60_000, 120 * 60_000];
const clockOf = remembered(
  (timeZone: string) => new Intl.DateTimeFormat('en', { timeZone, dateStyle: 'short', timeStyle: 'short' }),
);
