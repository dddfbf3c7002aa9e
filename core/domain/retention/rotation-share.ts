import { calendarOf } from '../time/calendar.ts';

/** How many of the days with a backup would have none after a rotation. */
export type LostDays = { lost: number; of: number };

/**
 * Compares the starts of backups before and after a rotation. Counts days, not backups: a schedule with many backups a
 * day loses all but one of them the next day, however many they are, and a rotation that was missed for a week does not
 * remove a larger share than usual.
 */
export function lostDays(before: readonly Date[], after: readonly Date[], timeZone: string): LostDays {
  const calendar = calendarOf(timeZone);
  const daysOf = (starts: readonly Date[]): Set<string> => new Set(starts.map((start) => calendar(start, 'daily')));
  const left = daysOf(after);
  const days = daysOf(before);
  return { lost: [...days].filter((day) => !left.has(day)).length, of: days.size };
}

/** Whether more than this share is lost, in percent. */
export function exceeds({ lost, of }: LostDays, share: number): boolean {
  return lost * 100 > share * of;
}
