import type { Retention } from '../../contract/config/settings/settings.ts';
import { newBackupId } from '../keys.ts';
import { remembered } from '../time/remembered.ts';
import { cronOf } from '../time/cron.ts';
import { longestGapHours } from '../time/longest-gap.ts';
import { planRetention } from './retention.ts';
import type { Candidate } from './retention.ts';
import { exceeds, lostDays } from './rotation-share.ts';
import type { LostDays } from './rotation-share.ts';

/** When backups are made and removed, and by which rules. `rotate`: five fields of cron; default: once a day. */
export type Rotating = {
  schedule: string;
  rotate: string | undefined;
  timeZone: string;
  retention: Retention;
  maxShare: number;
};

/**
 * How far a policy is simulated: small shares may only be refused once days leave a tier two at a time. Schedules with
 * many backups a day are simulated for fewer days.
 */
const farEnough = { rotations: 100, backups: 5000 };
const begin = Date.UTC(2024, 0, 1);
const eachDay = '30 5 * * *';
/** A daily rotation removes one day of at least two. */
const dailyHours = 25;
const shareOfDaily = 50;

/**
 * What the first rotation would remove that `maxShare` refuses although nothing is wrong: then no later one removes
 * anything either. Undefined if none is refused. Remembered, because sources share policies.
 */
export const refusedForEver = remembered((rotating: Rotating) =>
  isPlainlyAllowed(rotating) ? undefined : firstRefusal(rotating, farEnough),
);

/** Whether the policy needs no simulation, which takes a second: true for most configurations. */
export function isPlainlyAllowed({ rotate, timeZone, maxShare }: Rotating): boolean {
  return maxShare >= shareOfDaily && (rotate === undefined || longestGapHours(rotate, timeZone) <= dailyHours);
}

/** The first refusal in so many rotations, or in those of so many backups. */
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
