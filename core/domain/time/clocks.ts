import type { Observed } from '../observed.ts';
import { formatDuration } from '../units.ts';

/** How far clocks may differ without harm: leases rely on it. */
const harmlessMs = 60_000;

/** A moment as another clock told it, between two readings of ours. */
export type ToldMoment = { theirs: Date; before: Date; after: Date };

/**
 * How far another clock is ahead of ours, in milliseconds; negative if behind, and 0 if the difference is too small to
 * tell.
 */
function aheadMs({ theirs, before, after }: ToldMoment): number {
  const at = theirs.getTime();
  return Math.max(0, at - after.getTime()) + Math.min(0, at - before.getTime());
}

/** How to judge another clock; `whose` as in `the server`. */
export function observedClock(whose: string, told: ToldMoment): Observed {
  const ms = aheadMs(told);
  if (Math.abs(ms) <= harmlessMs) return { outcome: 'fine', said: `${whose} and this machine tell the same time` };
  return {
    outcome: 'warning',
    said:
      `the clock of this machine is ${formatDuration(Math.abs(ms))} ${ms > 0 ? 'behind' : 'ahead of'} that of ` +
      `${whose}`,
    remedy:
      'set the one that is wrong, and keep both by NTP (timedatectl): backups are named and judged by the clock here',
  };
}
