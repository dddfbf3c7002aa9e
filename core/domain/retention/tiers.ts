import type { Retention } from '../../contract/config/settings/settings.ts';
import type { Tier } from '../../contract/manifest/manifest.ts';
import { planRetention, tiersOf } from './retention.ts';
import type { Candidate } from './retention.ts';

/**
 * The tags that say what a backup counts for: `nightjar-tier` the tier that keeps it longest, `nightjar-tiers` all of
 * them.
 */
export type TierTags = { 'nightjar-tier': string; 'nightjar-tiers': string };

/**
 * What a new backup counts for: the newest one counts for every tier that has places, until a newer one takes them
 * over. So its tags promise too much rather than too little until a rotation corrects them. `others`: the source's
 * other backups; those dated in the future take no place.
 */
export function tiersOfNew(
  backup: Candidate,
  others: readonly Candidate[],
  retention: Retention,
  timeZone: string,
): Tier[] {
  const earlier = others.filter(({ start }) => start <= backup.start);
  const decision = planRetention([...earlier, backup], retention, timeZone).find(({ id }) => id === backup.id);
  return decision === undefined ? [] : tiersOf(decision);
}

/** The tier that keeps a backup longest. */
export function longestTier(tiers: readonly Tier[]): Tier {
  return tiers.at(-1) ?? 'last';
}

/** The tags of a backup that counts for these tiers; `none` if only a pin or its age keeps it. */
export function tierTags(tiers: readonly Tier[]): TierTags {
  return { 'nightjar-tier': longestTier(tiers), 'nightjar-tiers': tiers.join('-') || 'none' };
}

/**
 * The tags of what rotation released and could not delete. Lifecycle rules may expire objects by these tags only: a
 * rule by age and tier would remove more than rotation, which keeps the last seven days that have a backup, however
 * long ago they are.
 */
export const releasedTags: TierTags = { 'nightjar-tier': 'released', 'nightjar-tiers': 'none' };
