import type { SourceCloud } from './cloud.ts';

/**
 * What a function certainly manages in its 15 minutes, at the 100 MB/s that a database and one processor at least
 * reach.
 */
export const largestBytes = 90e9;

const uncovered =
  'is in a partition that nobody has looked at here (rights, addresses and authorities differ): the commercial ' +
  'regions and GovCloud are covered';

/** Why nothing can be deployed to this region. */
export function regionProblem(region: string | undefined): string | undefined {
  return region !== undefined && /^(cn|eusc|[a-z]{2}-iso[a-z]?)-/.test(region) ? uncovered : undefined;
}

/** Why a function can't back up a source although its configuration is valid. */
export function sizeProblem({ cloud }: { cloud: SourceCloud }): string | undefined {
  if ((cloud.size ?? 0) <= largestBytes || cloud.oversize === 'try') return undefined;
  return `is more than the ${largestBytes / 1e9} GB that a function is sure to get done in its 15 minutes, and each try would leave what it has stored: back it up from a machine (nightjar backup, in a file of its own), cut it into several sources, or write oversize: try`;
}
