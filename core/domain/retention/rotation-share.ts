import { calendarOf } from '../time/calendar.ts';

/** Of the days that have a backup, how many a rotation would leave without any. */
export type LostDays = { lost: number; of: number };

/**
 * Compares the starts of backups before and after a rotation. Days are counted and not backups: of a schedule that
 * makes many a day all but the last go the next day, however many that is, and a rotation that was missed for a week
 * has no larger a share to remove than one that was not.
 */
export function lostDays(before: readonly Date[], after: readonly Date[], timeZone: string): LostDays {
  const calendar = calendarOf(timeZone);
  const daysOf = (starts: readonly Date[]): Set<string> => new Set(starts.map((start) => calendar(start, 'daily')));
  const left = daysOf(after);
  const days = daysOf(before);
  return { lost: [...days].filter((day) => !left.has(day)).length, of: days.size };
}

/** Whether that is more than this share, in percent. */
export function exceeds({ lost, of }: LostDays, share: number): boolean {
  return lost * 100 > share * of;
}
