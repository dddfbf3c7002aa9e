import { Cron, CronPattern } from 'croner';
import type { Retention } from '../../contract/config/settings/settings.ts';
import type { BackupId } from '../keys.ts';
import { planRetention } from '../retention/retention.ts';
import { remembered } from '../time/remembered.ts';

/**
 * How many backups a schedule makes in an average month, and how many of them retention keeps once every place is
 * filled.
 */
export type Kept = { perMonth: number; kept: number };

const dayMs = 86_400_000;
/** Of days before these only the last backup is looked at: no tier but `hourly` tells the others apart. */
const denseDays = 60;

/**
 * Counted by making the schedule's backups of as many years as retention reaches back, up to `now`, and letting
 * retention choose. Changes of the clock are left out. Many sources share a schedule and a retention.
 */
export const keptOf: (schedule: string, retention: Retention, now: Date) => Kept = remembered(counted);

function counted(schedule: string, retention: Retention, now: Date): Kept {
  const times = timesOfDay(schedule);
  const years =
    'count' in retention
      ? 1 + retention.count / (365 * times.length)
      : 2 +
        Math.max(
          retention.yearly,
          retention.monthly / 12,
          retention.weekly / 52,
          retention.daily / 365,
          retention.keepWithinMs / (365 * dayMs),
        );
  const [, , ...days] = schedule.trim().split(/ +/);
  const cron = new Cron(`0 0 ${days.join(' ')}`, { timezone: 'UTC', mode: '5-part' });
  const backups: { id: BackupId; start: Date }[] = [];
  let daysOfYear = 0;
  const dense = Math.max(
    denseDays,
    'count' in retention ? retention.count : Math.ceil(retention.keepWithinMs / dayMs),
    'count' in retention ? 0 : retention.hourly / 24 + 1,
  );
  for (
    let day = cron.nextRun(new Date(now.getTime() - Math.min(years, 100) * 365 * dayMs));
    day !== null && day <= now;
    day = cron.nextRun(day)
  ) {
    const age = (now.getTime() - day.getTime()) / dayMs;
    if (age < 365) daysOfYear += 1;
    for (const ms of age <= dense ? times : times.slice(-1))
      backups.push({ id: `${day.getTime() + ms}` as BackupId, start: new Date(day.getTime() + ms) });
  }
  const kept = planRetention(backups, retention, 'UTC').filter(({ reasons }) => reasons.length > 0).length;
  return { perMonth: (daysOfYear * times.length) / 12, kept };
}

/** When on a day that it runs on, in milliseconds after midnight. */
function timesOfDay(schedule: string): number[] {
  const { hour, minute } = new CronPattern(schedule.trim(), undefined, { mode: '5-part' });
  return hour.flatMap((isHour, h) =>
    isHour ? minute.flatMap((isMinute, m) => (isMinute ? [(h * 60 + m) * 60_000] : [])) : [],
  );
}
