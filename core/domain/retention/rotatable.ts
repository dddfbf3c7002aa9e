import type { Retention } from '../../contract/config/settings/settings.ts';
import { newBackupId } from '../keys.ts';
import { remembered } from '../time/remembered.ts';
import { cronOf } from '../time/cron.ts';
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

/**
 * So far a policy is tried: small shares may first be refused when days leave a tier two at a time. Many backups a day
 * are tried for fewer days.
 */
const farEnough = { rotations: 100, backups: 5000 };
const begin = Date.UTC(2024, 0, 1);
const eachDay = '30 5 * * *';
/** A rotation a day takes one day, of at least two. */
const dailyHours = 25;
const shareOfDaily = 50;

/**
 * What the first rotation would remove that `maxShare` refuses although nothing is out of order: then none after it
 * removes anything. Nothing where none is refused. Sources share policies, and each is looked at once.
 */
export const refusedForEver = remembered((rotating: Rotating) =>
  isPlainlyAllowed(rotating) ? undefined : firstRefusal(rotating, farEnough),
);

/** Whether no trial is needed, which takes a second: of what most people write, none is. */
export function isPlainlyAllowed({ rotate, timeZone, maxShare }: Rotating): boolean {
  return maxShare >= shareOfDaily && (rotate === undefined || longestGapHours(rotate, timeZone) <= dailyHours);
}

/** The first refusal of so many rotations, or of those of so many backups. */
export function firstRefusal(
  { schedule, rotate = eachDay, timeZone, retention, maxShare }: Rotating,
  limits: { rotations: number; backups: number },
): LostDays | undefined {
  const [backups, removals] = [cronOf(schedule, timeZone), cronOf(rotate, timeZone)];
  let kept: Candidate[] = [];
  let next = backups.nextRun(new Date(begin));
  let tried = 0;
  for (let rotation = 0; rotation < limits.rotations && tried < limits.backups; rotation += 1) {
    const until = next && removals.nextRun(next);
    if (until === null) return undefined;
    const all = [...kept];
    for (; next !== null && next < until; next = backups.nextRun(next)) {
      all.push({ id: newBackupId(next, 0), start: next });
      tried += 1;
    }
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
