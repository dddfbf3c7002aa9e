import type { WatchSettings } from '../../contract/config/settings/watch.ts';
import { calendarOf } from './calendar.ts';

/** Whether nobody looks at a source at this moment. */
export function isPaused(
  { watch: { paused }, timeZone }: { watch: Pick<WatchSettings, 'paused'>; timeZone: string },
  now: Date,
): boolean {
  return typeof paused === 'object' ? calendarOf(timeZone)(now, 'daily') < paused.until : paused;
}
