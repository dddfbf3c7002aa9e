import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { SourceName } from '../../core/domain/keys.ts';
import type { Planned } from '../constructs/schedules.ts';
import { scheduleNames } from './names.ts';
import { copyScheduleOf, drillScheduleOf, rotationScheduleOf } from '../../core/domain/time/after-backups.ts';
import type { Deployable } from '../read-config.ts';

type Functions = {
  backup(source: SourceName): IFunction;
  drill(source: SourceName): IFunction | undefined;
  rotate: IFunction;
  copy: IFunction | undefined;
};

/**
 * The Scheduler replaces it by the scheduled moment, which is the same in each delivery (its user guide, context
 * attributes).
 */
const scheduled = '<aws.scheduler.scheduled-time>';
const dayMs = 86_400_000;

/** The schedules of sources: a backup, a rotation and (if proofs are asked for) a drill of each, in its time zone. */
export function plannedOf(
  { sources, servers, cloud }: Deployable,
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
        // daily for a whole server, because a run may not reach all of its databases
        cron: own.drill ?? drillScheduleOf(schedule, servers.has(source) ? dayMs : watch.drillEveryMs!),
        timeZone,
        event: { source },
        windowMs: cloud.flexibleWindow,
      }),
    ];
  });
}

/** The schedule of the check, at a fixed interval. */
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

/** The schedule of looking for databases by tag and starting what is due for them: four times an hour. */
export function plannedByTag(look: IFunction | undefined): Planned[] {
  const description = 'Looks for databases by tag, and starts what is due of them';
  const when = { cron: '*/15 * * * *', timeZone: 'UTC', windowMs: 0 };
  return look === undefined ? [] : [{ name: 'by-tag', description, ...when, fn: look, event: {} }];
}

/** The schedule of the digest, if the configuration asks for one. */
export function plannedDigest({ cloud }: Deployable, check: IFunction): Planned[] {
  if (cloud.digest === undefined) return [];
  const description = 'Tells everybody how everything stands';
  const when = { cron: cloud.digest, timeZone: cloud.timeZone, windowMs: 0 };
  return [{ name: 'digest', description, ...when, fn: check, event: { digest: true } }];
}

function where(fn: IFunction | undefined, planned: Omit<Planned, 'fn'>): Planned[] {
  return fn === undefined ? [] : [{ ...planned, fn }];
}
