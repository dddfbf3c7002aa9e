/** Rotations run this long after a backup begins: the run and its retries are over by then. */
const laterHours = 3;
/**
 * Copies run one hour after a backup, and once more later: for late backups, and for the hour that is skipped when the
 * clocks go forward.
 */
const copyHours = [1, 2] as const;
const copyMinutes = 30;
/** Drills run this long after: nobody else works on the backup then. */
const drillHours = 5;
/** With a weekly drill, the newest proven backup can be a week and some hours old. */
const weekAndADayMs = 8 * 24 * 3_600_000;
/** Minute and hour if a day's backups begin at many times, or the schedule has no plain time. */
const atSomeTime = '30 5';

/**
 * The default rotation schedule of a source: once a day, some hours after the (first) backup of the day, in its time
 * zone.
 */
export function rotationScheduleOf(schedule: string): string {
  return `${later(schedule, laterHours) ?? atSomeTime} * * *`;
}

/**
 * The default drill schedule of a source, in its time zone: on Sundays, some hours after the backup; each day if a
 * proof must be younger than a week and a day.
 */
export function drillScheduleOf(schedule: string, drillEveryMs: number): string {
  const time = later(schedule, drillHours) ?? atSomeTime;
  return `${time} * * ${drillEveryMs < weekAndADayMs ? '*' : '0'}`;
}

/**
 * When the backups of a source are copied: twice a day, one and two hours after the backup; for several backups a day
 * at full hours, half an hour after each; for any other schedule, with each backup, which copies the ones before it.
 * What one run misses, the next one copies.
 */
export function copyScheduleOf(schedule: string): string {
  const [minute, hour] = timeOf(schedule);
  if (!/^\d+$/.test(minute)) return schedule;
  if (!/^\d+$/.test(hour)) return `${(Number(minute) + copyMinutes) % 60} * * * *`;
  const hours = copyHours.map((later) => (Number(hour) + later) % 24).sort((a, b) => a - b);
  return `${minute} ${hours.join(',')} * * *`;
}

/** Minute and hour, so many hours after the first time of a plain schedule. */
function later(schedule: string, hours: number): string | undefined {
  const [minute, hour] = timeOf(schedule);
  const first = hour.split(/[,-]/)[0]!;
  return /^\d+$/.test(minute) && /^\d+$/.test(first) ? `${minute} ${(Number(first) + hours) % 24}` : undefined;
}

/** The minute and hour fields. */
function timeOf(schedule: string): [minute: string, hour: string] {
  return schedule.trim().split(/ +/) as [string, string];
}
