import type { DiscoverDeps } from '../../core/commands/by-tag/discover.ts';

/**
 * The owner of a roster, from the function's ARN, which may end in an alias: stacks in two accounts may have the same
 * name and share a vault.
 */
export function rosterOwner(arn: string): Pick<DiscoverDeps, 'owner' | 'ownerBefore'> {
  const [, , , region, account, , name] = arn.split(':');
  const ownerBefore = `${name} in ${region}`;
  return { owner: `${ownerBefore} of ${account}`, ownerBefore };
}
