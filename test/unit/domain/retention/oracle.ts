import type { Retention } from '../../../../core/contract/config/settings/settings.ts';
import type { Candidate } from '../../../../core/domain/retention/retention.ts';

const tiers = ['last', 'hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const;

/**
 * The ids that a policy keeps, by what restic's manual says and not by how restic or we compute it: for each tier, sort
 * everything into its periods, take the newest periods, take the newest of each; and where periods are fewer than
 * places, the very oldest as well.
 */
export function keptByOracle(backups: readonly Candidate[], retention: Retention, timeZone: string): Set<string> {
  const age = (one: Candidate): string => `${one.start.toISOString()} ${one.id}`;
  const ascending = [...backups].sort((a, b) => age(a).localeCompare(age(b), 'en'));
  if ('count' in retention) return new Set(ascending.slice(-retention.count).map(({ id }) => id));
  const kept = new Set<string>();
  for (const tier of tiers) {
    const periods = new Map<number | string, Candidate>();
    // later ones overwrite earlier ones: what stays is the newest of each period
    ascending.forEach((one, index) =>
      periods.set(tier === 'last' ? index : periodNumber(one.start, tier, timeZone), one),
    );
    const newestOfEach = [...periods.values()].sort((a, b) => age(b).localeCompare(age(a), 'en'));
    for (const one of newestOfEach.slice(0, retention[tier])) kept.add(one.id);
    if (newestOfEach.length < retention[tier] && ascending[0] !== undefined) kept.add(ascending[0].id);
  }
  const newest = ascending.at(-1);
  for (const one of ascending)
    if (newest !== undefined && newest.start.getTime() - one.start.getTime() < retention.keepWithinMs) kept.add(one.id);
  return kept;
}

/** A period as a number or text that is the same for all of it, from the wall clock's own words. */
function periodNumber(moment: Date, tier: (typeof tiers)[number], timeZone: string): number | string {
  // `2026-11-20 02:00:00`: Swedes write dates so
  const wall = wallClock(timeZone).format(moment);
  const [year, month, day] = wall.slice(0, 10).split('-').map(Number) as [number, number, number];
  // the wall clock taken for UTC: how far it is ahead tells summer from winter
  const ahead = Date.parse(`${wall.replace(' ', 'T')}Z`) - Math.floor(moment.getTime() / 1000) * 1000;
  const dayNumber = Math.round(Date.UTC(year, month - 1, day) / 86_400_000);
  // the epoch was a Thursday: weeks begin on Mondays, so three days are missing to a whole week
  const numbers = {
    last: 0,
    hourly: `${wall.slice(0, 13)} ${ahead}`,
    daily: dayNumber,
    weekly: Math.floor((dayNumber + 3) / 7),
    monthly: year * 12 + month,
    yearly: year,
  };
  return numbers[tier];
}

const formats = new Map<string, Intl.DateTimeFormat>();

function wallClock(timeZone: string): Intl.DateTimeFormat {
  const format =
    formats.get(timeZone) ??
    new Intl.DateTimeFormat('sv-SE', {
      timeZone,
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    });
  formats.set(timeZone, format);
  return format;
}
