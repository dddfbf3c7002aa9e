import { Cron } from 'croner';
import type { Retention } from '../../contract/config/settings/settings.ts';
import { newBackupId } from '../keys.ts';
import { longestGapHours } from '../time/longest-gap.ts';
import { planRetention } from './retention.ts';
import type { Candidate } from './retention.ts';
import { exceeds, lostDays } from './rotation-share.ts';
import type { LostDays } from './rotation-share.ts';

/**
 * When backups are made and removed, in which time zone, and by what. `rotate`: five fields of cron; without it, once a
 * day.
 */
export type Rotating = {
  schedule: string;
  rotate: string | undefined;
  timeZone: string;
  retention: Retention;
  maxShare: number;
};

/** So far a policy is tried: small shares may first be refused when days leave a tier two at a time. */
const rotations = 100;
const backupsTried = 5000;
const begin = Date.UTC(2024, 0, 1);
const eachDay = '30 5 * * *';
/** A rotation a day takes one day, of at least two. */
const dailyHours = 25;
const shareOfDaily = 50;

/** Sources share policies, and each is looked at once. */
const known = new Map<string, LostDays | undefined>();

/**
 * What the first rotation would remove that `maxShare` refuses although nothing is out of order: then none after it
 * removes anything. Nothing where none is refused.
 */
export function refusedForEver(rotating: Rotating): LostDays | undefined {
  const key = JSON.stringify(rotating);
  if (!known.has(key)) known.set(key, isPlainlyAllowed(rotating) ? undefined : firstRefusal(rotating));
  return known.get(key);
}

function isPlainlyAllowed({ rotate, timeZone, maxShare }: Rotating): boolean {
  return maxShare >= shareOfDaily && (rotate === undefined || longestGapHours(rotate, timeZone) <= dailyHours);
}

function firstRefusal({ schedule, rotate = eachDay, timeZone, retention, maxShare }: Rotating): LostDays | undefined {
  const [backups, removals] = [schedule, rotate].map(
    (text) => new Cron(text.trim(), { timezone: timeZone, mode: '5-part' }),
  ) as [Cron, Cron];
  let kept: Candidate[] = [];
  let next = backups.nextRun(new Date(begin));
  let tried = 0;
  for (let left = rotations; left > 0 && tried < backupsTried; left -= 1) {
    const until = next === null ? null : removals.nextRun(next);
    if (until === null) return undefined;
    const all = [...kept];
    for (; next !== null && next < until; next = backups.nextRun(next))
      all.push({ id: newBackupId(next, 0), start: next });
    tried += all.length - kept.length;
    const stays = new Set(
      planRetention(all, retention, timeZone).flatMap(({ id, reasons }) => (reasons.length > 0 ? [id] : [])),
    );
    kept = all.filter(({ id }) => stays.has(id));
    const days = lostDays(
      all.map(({ start }) => start),
      kept.map(({ start }) => start),
      timeZone,
    );
    if (exceeds(days, maxShare)) return days;
  }
  return undefined;
}
