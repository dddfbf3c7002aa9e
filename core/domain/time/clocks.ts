import type { Observed } from '../observed.ts';
import { formatDuration } from '../units.ts';

/** So far clocks may differ without any harm: leases count on it. */
const harmlessMs = 60_000;

/** A moment as another clock told it, between two looks at ours. */
export type ToldMoment = { theirs: Date; before: Date; after: Date };

/** How far another clock is ahead of ours, in milliseconds; 0 as long as nobody can tell. Behind is negative. */
function aheadMs({ theirs, before, after }: ToldMoment): number {
  const at = theirs.getTime();
  return Math.max(0, at - after.getTime()) + Math.min(0, at - before.getTime());
}

/** What to think of a clock of somebody else: `whose` as `the server`. */
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
