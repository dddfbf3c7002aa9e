import type { SourceName } from '../keys.ts';
import { copyScheduleOf, drillScheduleOf, rotationScheduleOf } from '../time/after-backups.ts';
import { momentsOf } from '../time/schedule.ts';

/** A source whose times no schedule of the stack knows. `since`: nothing before it is due. */
export type TimedSource = {
  name: SourceName;
  schedule: string;
  timeZone: string;
  rotate: string | undefined;
  drill: string | undefined;
  copied: boolean;
  drillEveryMs: number | undefined;
  since: Date;
};
/** `at`: the moment that was meant. */
export type DueWork = { source: SourceName; job: 'backup' | 'rotate' | 'copy' | 'drill'; at: Date };

const dayMs = 24 * 3_600_000;

/**
 * What is to be started at `now` when all up to `until` was: of each source and job the newest moment alone, and none
 * that is more than a day old.
 */
export function dueWork(sources: readonly TimedSource[], until: Date, now: Date): DueWork[] {
  return sources.flatMap((source): DueWork[] => {
    const from = Math.max(until.getTime(), source.since.getTime(), now.getTime() - dayMs);
    return timesOf(source).flatMap(([job, cron]) => {
      const [at] = momentsOf({ cron, timeZone: source.timeZone, windowMs: 0 }, now, 1);
      return at === undefined || at.getTime() <= from ? [] : [{ source: source.name, job, at }];
    });
  });
}

/** As a deployment would have made schedules of them. */
function timesOf({ schedule, rotate, drill, copied, drillEveryMs }: TimedSource): [DueWork['job'], string][] {
  return [
    ['backup', schedule],
    ['rotate', rotate ?? rotationScheduleOf(schedule)],
    ...(copied ? [['copy', copyScheduleOf(schedule)] as [DueWork['job'], string]] : []),
    ...(drillEveryMs === undefined
      ? []
      : [['drill', drill ?? drillScheduleOf(schedule, drillEveryMs)] as [DueWork['job'], string]]),
  ];
}
