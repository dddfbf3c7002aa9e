import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { SourceName } from '../../core/domain/keys.ts';
import type { Planned } from '../constructs/schedules.ts';
import { scheduleNames } from './names.ts';
import type { Deployable } from '../read-config.ts';

type Functions = {
  backup(source: SourceName): IFunction;
  drill(source: SourceName): IFunction | undefined;
  rotate: IFunction;
  copy: IFunction | undefined;
};

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
/** Where the backups of a day begin at many times, or none that is written plainly. */
const atSomeTime = '30 5 * * *';
/**
 * What the Scheduler puts in its place: the moment that was meant, the same however often it delivers (its user guide,
 * context attributes).
 */
const scheduled = '<aws.scheduler.scheduled-time>';

/** The schedules of sources: a backup, a rotation and (where proofs are asked for) a drill of each, in its time zone. */
export function plannedOf(
  { sources, cloud }: Deployable,
  names: readonly SourceName[],
  { backup, drill, rotate, copy }: Functions,
): Planned[] {
  return names.flatMap((source): Planned[] => {
    const { timeZone, watch, copies, cloud: own } = sources.get(source)!;
    const called = scheduleNames(source);
    const schedule = watch.schedule!;
    return [
      {
        name: called.backup,
        description: `Backs up ${source}`.slice(0, 512),
        cron: schedule,
        timeZone,
        fn: backup(source),
        event: { source, scheduled },
        windowMs: cloud.flexibleWindow,
      },
      {
        name: called.rotate,
        description: `Rotates the backups of ${source}`.slice(0, 512),
        cron: own.rotate ?? rotationScheduleOf(schedule),
        timeZone,
        fn: rotate,
        event: { source },
        windowMs: cloud.flexibleWindow,
      },
      ...where(copies.length > 0 ? copy : undefined, {
        name: called.copy,
        description: `Copies the backups of ${source}`.slice(0, 512),
        cron: copyScheduleOf(schedule),
        timeZone,
        event: { source },
        windowMs: cloud.flexibleWindow,
      }),
      ...where(drill(source), {
        name: called.drill,
        description: `Tries a backup of ${source}`.slice(0, 512),
        cron: own.drill ?? drillScheduleOf(schedule, watch.drillEveryMs!),
        timeZone,
        event: { source },
        windowMs: cloud.flexibleWindow,
      }),
    ];
  });
}

/** The schedule of the check, which keeps its distance from one to the next. */
export function plannedCheck({ cloud }: Deployable, check: IFunction): Planned {
  return {
    name: 'check',
    description: 'Checks that every source has a fresh backup',
    cron: cloud.check,
    timeZone: cloud.timeZone,
    fn: check,
    event: {},
    windowMs: 0,
  };
}

/** The schedule of the digest, where the configuration asks for one. */
export function plannedDigest({ cloud }: Deployable, check: IFunction): Planned[] {
  if (cloud.digest === undefined) return [];
  const description = 'Tells everybody how everything stands';
  const when = { cron: cloud.digest, timeZone: cloud.timeZone, windowMs: 0 };
  return [{ name: 'digest', description, ...when, fn: check, event: { digest: true } }];
}

/**
 * When the backups of a source are rotated that says nothing of it: once a day, some hours after the (first) backup of
 * the day; its time zone.
 */
export function rotationScheduleOf(schedule: string): string {
  return later(schedule, laterHours) ?? atSomeTime;
}

/**
 * When a source is drilled that says nothing of it: on Sundays, some hours after the backup, or each day where a
 * proof must be younger than a week and a day; its time zone.
 */
export function drillScheduleOf(schedule: string, drillEveryMs: number): string {
  const daily = later(schedule, drillHours) ?? atSomeTime;
  return drillEveryMs < weekAndADayMs ? daily : daily.replace(/ \* \* \*$/, ' * * 0');
}

/**
 * When the backups of a source are copied: twice a day, one and two hours after the backup; of one that has several
 * a day, half an hour after each full hour's; of any other schedule, with each backup, which finds those before it. What
 * a run does not find, or does not get done, the next one brings.
 */
export function copyScheduleOf(schedule: string): string {
  const [minute = '', hour = ''] = schedule.trim().split(/ +/);
  if (!/^\d+$/.test(minute)) return schedule;
  if (!/^\d+$/.test(hour)) return `${(Number(minute) + copyMinutes) % 60} * * * *`;
  const hours = copyHours.map((later) => (Number(hour) + later) % 24).sort((a, b) => a - b);
  return `${minute} ${hours.join(',')} * * *`;
}

/** Each day, so many hours after the first time of a schedule that is written plainly. */
function later(schedule: string, hours: number): string | undefined {
  const [minute = '', hour = ''] = schedule.trim().split(/ +/);
  const [first = ''] = hour.split(/[,-]/);
  return /^\d+$/.test(minute) && /^\d+$/.test(first) ? `${minute} ${(Number(first) + hours) % 24} * * *` : undefined;
}

function where(fn: IFunction | undefined, planned: Omit<Planned, 'fn'>): Planned[] {
  return fn === undefined ? [] : [{ ...planned, fn }];
}
