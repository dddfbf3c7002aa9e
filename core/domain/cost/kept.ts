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
const yearMs = 365 * dayMs;
/**
 * Before so many days, only the last backup of each day is considered, unless backups are counted one by one: most
 * tiers keep no other.
 */
const denseDays = 60;
/** How much further the simulation looks, because no two periods of a year have the same number of runs. */
const [moreYears, moreDays, mostYears] = [2, 31, 100];

/**
 * Counts by simulating the schedule's backups over as many years as retention reaches back, up to `now`, and letting
 * retention choose. Ignores clock changes. Remembered, because many sources share a schedule and a retention.
 */
export const keptOf: (schedule: string, retention: Retention, now: Date) => Kept = remembered(counted);

function counted(schedule: string, retention: Retention, now: Date): Kept {
  const times = timesOfDay(schedule);
  const perYear = daysOf(schedule, now, 1).length * times.length;
  const { oneByOne, years } = reachOf(retention, perYear);
  const dense = Math.max(denseDays, 365 * oneByOne + moreDays) * dayMs;
  const backups = daysOf(schedule, now, Math.min(years + moreYears, mostYears)).flatMap((day) =>
    (now.getTime() - day.getTime() <= dense ? times : times.slice(-1)).map((ms) => {
      const start = new Date(day.getTime() + ms);
      return { id: `${start.getTime()}` as BackupId, start };
    }),
  );
  const kept = planRetention(backups, retention, 'UTC').filter(({ reasons }) => reasons.length > 0).length;
  return { perMonth: perYear / 12, kept };
}

/** How many years retention reaches back, and for how many of them it counts every single backup. */
function reachOf(retention: Retention, perYear: number): { oneByOne: number; years: number } {
  // a tier fills one place in each of its periods that has a backup
  const reach = (places: number, periods = Infinity): number => places / Math.max(1, Math.min(periods, perYear));
  if ('count' in retention) return { oneByOne: reach(retention.count), years: reach(retention.count) };
  const { last, hourly, daily, weekly, monthly, yearly, keepWithinMs } = retention;
  const oneByOne = Math.max(reach(last), reach(hourly, 365 * 24), keepWithinMs / yearMs);
  return { oneByOne, years: Math.max(oneByOne, reach(daily, 365), reach(weekly, 52), reach(monthly, 12), yearly) };
}

/** The days on which it runs, in so many years up to `now`. */
function daysOf(schedule: string, now: Date, years: number): Date[] {
  const [, , ...days] = schedule.trim().split(/ +/);
  const cron = new Cron(`0 0 ${days.join(' ')}`, { timezone: 'UTC', mode: '5-part' });
  const found: Date[] = [];
  let day = cron.nextRun(new Date(now.getTime() - years * yearMs));
  for (; day !== null && day <= now; day = cron.nextRun(day)) found.push(day);
  return found;
}

/** The times at which it runs on such a day, in milliseconds after midnight. */
function timesOfDay(schedule: string): number[] {
  const { hour, minute } = new CronPattern(schedule.trim(), undefined, { mode: '5-part' });
  return hour.flatMap((isHour, h) =>
    isHour ? minute.flatMap((isMinute, m) => (isMinute ? [(h * 60 + m) * 60_000] : [])) : [],
  );
}
