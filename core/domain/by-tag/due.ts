import type { SourceName } from '../keys.ts';
import { copyScheduleOf, drillScheduleOf, rotationScheduleOf } from '../time/after-backups.ts';
import { momentsOf } from '../time/schedule.ts';

/** A source whose times are in no schedule of the stack. `since`: nothing before that is due. */
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
/** `at`: the scheduled moment. */
export type DueWork = { source: SourceName; job: 'backup' | 'rotate' | 'copy' | 'drill'; at: Date };

const dayMs = 24 * 3_600_000;

/**
 * The work to start at `now`, if everything up to `until` was started: of each source and job only the newest moment,
 * and none more than a day old.
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

/**
 * Work that could not be started before and still has to be: for sources and jobs that still exist, unless a newer
 * moment of theirs is `due`, and nothing more than a day old.
 */
export function stillDue(
  unstarted: readonly DueWork[],
  due: readonly DueWork[],
  sources: readonly TimedSource[],
  now: Date,
): DueWork[] {
  return unstarted.filter(({ source, job, at }) => {
    const isOf = (one: DueWork): boolean => one.source === source && one.job === job;
    const known = sources.find(({ name }) => name === source);
    if (known === undefined || due.some(isOf) || !timesOf(known).some(([each]) => each === job)) return false;
    return at.getTime() > Math.max(known.since.getTime(), now.getTime() - dayMs);
  });
}

/** The schedules that a deployment would make. */
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
