import type { Tier } from '../../contract/manifest/manifest.ts';
import type { BackupFound } from '../verdict/history.ts';
import type { Reason } from './retention.ts';

/** How many days after its start a backup is locked, by the tier that it counts for. */
export type LockDays = Partial<Record<Tier, number | undefined>>;

const dayMs = 86_400_000;

/**
 * Until when a backup is to be locked because of its tiers; undefined if no tier asks for it. The newest backup of a
 * tier does not count yet, nor does one that only fills a free place: another may still replace it, and a lock can't be
 * taken back.
 */
export function lockWanted(
  { start }: Pick<BackupFound, 'start'>,
  reasons: readonly Reason[],
  days: LockDays,
): Date | undefined {
  const longest = reasons.reduce((most, reason) => {
    const isOver = 'period' in reason && reason.place > 1 && !reason.oldest;
    return isOver ? Math.max(most, days[reason.rule] ?? 0) : most;
  }, 0);
  return longest === 0 ? undefined : new Date(start.getTime() + longest * dayMs);
}
