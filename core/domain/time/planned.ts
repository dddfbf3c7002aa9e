import type { WatchSettings } from '../../contract/config/settings/watch.ts';
import type { Schedule } from './schedule.ts';

/** When a source's backups should begin; undefined if the configuration does not say. */
export function scheduleOf({
  watch: { schedule, windowMs = 0 },
  timeZone,
}: {
  watch: Pick<WatchSettings, 'schedule' | 'windowMs'>;
  timeZone: string;
}): Schedule | undefined {
  return schedule === undefined ? undefined : { cron: schedule, timeZone, windowMs };
}
