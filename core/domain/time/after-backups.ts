/** A rotation comes this long after a backup begins: the run is over by then, and so are its retries. */
const laterHours = 3;
/**
 * Copies come an hour after a backup, and once more later: for what was late, and for the hour that is left out when the
 * clocks go forward.
 */
const copyHours = [1, 2] as const;
const copyMinutes = 30;
/** And a drill this long: nobody else works on the backup then. */
const drillHours = 5;
/** A drill each week leaves the newest proven backup a week and some hours old. */
const weekAndADayMs = 8 * 24 * 3_600_000;
/** Minute and hour, where the backups of a day begin at many times, or none that is written plainly. */
const atSomeTime = '30 5';

/**
 * When the backups of a source are rotated that says nothing of it: once a day, some hours after the (first) backup of
 * the day; its time zone.
 */
export function rotationScheduleOf(schedule: string): string {
  return `${later(schedule, laterHours) ?? atSomeTime} * * *`;
}

/**
 * When a source is drilled that says nothing of it: on Sundays, some hours after the backup, or each day where a
 * proof must be younger than a week and a day; its time zone.
 */
export function drillScheduleOf(schedule: string, drillEveryMs: number): string {
  const time = later(schedule, drillHours) ?? atSomeTime;
  return `${time} * * ${drillEveryMs < weekAndADayMs ? '*' : '0'}`;
}

/**
 * When the backups of a source are copied: twice a day, one and two hours after the backup; of one that has several
 * a day, half an hour after each full hour's; of any other schedule, with each backup, which finds those before it. What
 * a run does not find, or does not get done, the next one brings.
 */
export function copyScheduleOf(schedule: string): string {
  const [minute, hour] = timeOf(schedule);
  if (!/^\d+$/.test(minute)) return schedule;
  if (!/^\d+$/.test(hour)) return `${(Number(minute) + copyMinutes) % 60} * * * *`;
  const hours = copyHours.map((later) => (Number(hour) + later) % 24).sort((a, b) => a - b);
  return `${minute} ${hours.join(',')} * * *`;
}

/** Minute and hour, so many hours after the first time of a schedule that is written plainly. */
function later(schedule: string, hours: number): string | undefined {
  const [minute, hour] = timeOf(schedule);
  const first = hour.split(/[,-]/)[0]!;
  return /^\d+$/.test(minute) && /^\d+$/.test(first) ? `${minute} ${(Number(first) + hours) % 24}` : undefined;
}

/** The fields of the minute and of the hour. */
function timeOf(schedule: string): [minute: string, hour: string] {
  return schedule.trim().split(/ +/) as [string, string];
}
