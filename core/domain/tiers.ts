import type { Tier } from '../contract/manifest.ts';

const periods = ['hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const;

/**
 * What a new backup counts for: `last` always, and each tier in whose period, by the source's own calendar, it is the first.
 * Weeks are those of ISO 8601. `earlier` are the starts of the source's other backups.
 */
export function tiersOf(start: Date, earlier: readonly Date[], timeZone: string): Tier[] {
  const first = periods.filter((tier) => {
    const period = periodOf(start, tier, timeZone);
    return !earlier.some((other) => periodOf(other, tier, timeZone) === period);
  });
  return ['last', ...first];
}

/** The tier that keeps a backup longest: the one a lifecycle rule goes by. */
export function longestTier(tiers: readonly Tier[]): Tier {
  return tiers[tiers.length - 1] ?? 'last';
}

/** The period of a tier that a moment falls into, as text: `2026-11-20`, `2026-W47`. */
export function periodOf(moment: Date, tier: (typeof periods)[number], timeZone: string): string {
  const parts = new Intl.DateTimeFormat('en-CA', {
    timeZone, calendar: 'gregory', numberingSystem: 'latn', year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', hourCycle: 'h23', timeZoneName: 'longOffset',
  }).formatToParts(moment);
  const part = (type: string) => parts.find((found) => found.type === type)?.value ?? '';
  const day = `${part('year')}-${part('month')}-${part('day')}`;
  switch (tier) {
    case 'hourly':
      return `${day}T${part('hour')}${part('timeZoneName')}`;
    case 'daily':
      return day;
    case 'weekly':
      return isoWeek(day);
    case 'monthly':
      return day.slice(0, 7);
    case 'yearly':
      return day.slice(0, 4);
  }
}

/** ISO 8601: a week belongs to the year of its Thursday, and the first week is the one with the year's first Thursday. */
function isoWeek(day: string): string {
  const thursday = new Date(`${day}T00:00:00Z`);
  thursday.setUTCDate(thursday.getUTCDate() + 4 - (thursday.getUTCDay() || 7));
  const year = thursday.getUTCFullYear();
  const week = Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / (7 * 86_400_000)) + 1;
  return `${year}-W${String(week).padStart(2, '0')}`;
}
