import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { SourceName } from '../core/domain/keys.ts';
import type { Planned } from './constructs/schedules.ts';
import { slugOf } from './names.ts';
import type { Deployable } from './read-config.ts';
import { rotationScheduleOf } from './rotation-schedule.ts';

type Functions = { backup(source: SourceName): IFunction; rotate: IFunction; check: IFunction };

/** What the Scheduler puts in its place: the moment that was meant, the same however often it delivers (its user guide, context attributes). */
const scheduled = '<aws.scheduler.scheduled-time>';

/** Every schedule of a stack: a backup and a rotation of each source, in its time zone, and the check, which keeps its distance from one to the next. */
export function plannedOf({ sources, cloud }: Deployable, slugRoom: number, { backup, rotate, check }: Functions): Planned[] {
  const ofSources = [...sources].flatMap(([source, { timeZone, watch, cloud: own }]): Planned[] => {
    const slug = slugOf(source, slugRoom);
    const schedule = watch.schedule!;
    return [
      { name: `backup-${slug}`, description: `Backs up ${source}`.slice(0, 512), cron: schedule, timeZone, fn: backup(source), event: { source, scheduled }, windowMs: cloud.flexibleWindow },
      { name: `rotate-${slug}`, description: `Rotates the backups of ${source}`.slice(0, 512), cron: own.rotate ?? rotationScheduleOf(schedule), timeZone, fn: rotate, event: { source }, windowMs: cloud.flexibleWindow },
    ];
  });
  return [...ofSources, { name: 'check', description: 'Checks that every source has a fresh backup', cron: cloud.check, timeZone: cloud.timeZone, fn: check, event: {}, windowMs: 0 }];
}
