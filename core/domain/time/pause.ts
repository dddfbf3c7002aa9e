import type { WatchSettings } from '../../contract/config/settings/watch.ts';
import { calendarOf } from './calendar.ts';

/** Whether a source is paused at this moment, so that nobody is told about it. */
export function isPaused(
  { watch: { paused }, timeZone }: { watch: Pick<WatchSettings, 'paused'>; timeZone: string },
  now: Date,
): boolean {
  return typeof paused === 'object' ? calendarOf(timeZone)(now, 'daily') < paused.until : paused;
}
