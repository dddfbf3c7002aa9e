import type { DiscoverDeps } from '../../core/commands/by-tag/discover.ts';

/**
 * Who writes a roster, by the ARN of the function, which an alias may end: stacks of two accounts may bear one name, and
 * share one vault.
 */
export function rosterOwner(arn: string): Pick<DiscoverDeps, 'owner' | 'ownerBefore'> {
  const [, , , region, account, , name] = arn.split(':');
  const ownerBefore = `${name} in ${region}`;
  return { owner: `${ownerBefore} of ${account}`, ownerBefore };
}
