import { cronOf } from './cron.ts';
import { remembered } from './remembered.ts';

/**
 * When backups are meant to begin: five fields of cron, and how long after a moment a run of it may be started at
 * random (the window of EventBridge Scheduler).
 */
export type Schedule = { cron: string; timeZone: string; windowMs: number };

/**
 * How much later than its window a backup may begin and still be in time: others are made before it, a queue is long.
 */
export const latenessMs = 3_600_000;

/** Starts that come a little early, by another clock, still belong to their moment of the schedule. */
const earlyMs = 5 * 60_000;

/** Whether these are the five fields of cron (minute, hour, day, month, weekday), and the moment ever comes. */
export function isSchedule(text: string): boolean {
  try {
    return text.trim().split(/ +/).length === 5 && cronOf(text, 'UTC').nextRun(new Date(0)) !== null;
  } catch {
    return false;
  }
}

/**
 * How long it is from the moment of the schedule that a backup was made for to the next one, in milliseconds: of a
 * schedule on weekdays 24 h, and 72 h for the backup of Friday; an hour more or less where the clocks of `timeZone`
 * change. A backup made at another time counts as that of the moment before. An hour that a clock repeats counts once:
 * EventBridge Scheduler makes no second backup in it, crontabs of some machines do.
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
 * The newest moments of a schedule up to `until`, oldest first, `most` at most. Left out are those that a clock does
 * not have because it is put forward over them, and those of an hour that it shows for the second time: some schedulers
 * start a run then, and some do not.
 */
export function momentsOf({ cron, timeZone }: Schedule, until: Date, most: number): Date[] {
  const key = JSON.stringify([cron, timeZone, most]);
  if (lately.until !== until.getTime()) lately = { until: until.getTime(), known: new Map() };
  const found = lately.known.get(key) ?? findMoments(cron, timeZone, until, most);
  lately.known.set(key, found);
  return found;
}

/**
 * Until when a run of a moment may begin and still be in time. Where the clock shows that time of day twice, some
 * schedulers start it at the second one.
 */
export function begunBy({ timeZone, windowMs }: Schedule, at: Date): number {
  return at.getTime() + windowMs + latenessMs + repeatedAfterMs(timeZone, at);
}

/** The first moment of a schedule after `now`, as `momentsOf` counts them; undefined where none comes. */
export function nextMoment({ cron: text, timeZone }: Schedule, now: Date): Date | undefined {
  const cron = cronOf(text, timeZone);
  const isRepeated = repeatsOf(timeZone);
  let next = cron.nextRun(now);
  while (next !== null && (isRepeated(next) || !cron.match(next))) next = cron.nextRun(next);
  return next ?? undefined;
}

/**
 * The moment that a run which begins at `start` is for: the nearest one, if it comes that little early or late; none
 * for a run at another time.
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

/** A check asks for many sources with one schedule at one moment. */
let lately: { until: number; known: Map<string, Date[]> } = { until: 0, known: new Map() };
/** A start lies between two moments; of a schedule of every minute, a few more are not too early. */
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
  return found.length === most ? found : newest(2 * most - found.length).slice(-most);
}

/**
 * Whether the clock of a zone showed this time of day before: it was set back in between, by an hour or (Lord Howe)
 * half of one.
 */
function repeatsOf(timeZone: string): (moment: Date) => boolean {
  const clock = clockOf(timeZone);
  return (moment) => setBackMs.some((ms) => clock.format(moment.getTime() - ms) === clock.format(moment));
}

/** How long after a moment the clock of a zone shows it for the second time; 0 where it doesn't. */
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
