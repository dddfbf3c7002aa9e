import { rdsRegion } from '../../domain/tools/rds-endpoint.ts';
import type { SourceConfig } from '../config/config.ts';

/**
 * What a function is sure to get done in its 15 minutes, at the 100 MB/s that a database and one processor at least
 * give.
 */
export const largestBytes = 90e9;

const readers =
  'is the name of several servers (a reader or custom endpoint of Aurora): each connection of a backup may reach another one, which knows nothing of the snapshot; write the endpoint of one instance, and the cluster’s as cloud.restoreHost';
const proxy =
  'is an RDS Proxy, which refuses the start-up options that pg_dump and psql are given: write the endpoint of the instance or cluster';
const uncovered =
  'is in a partition that nobody has looked at here (rights, addresses and authorities differ): the commercial regions and GovCloud are covered';

/** Why functions can't work with this server; nothing where they can. */
export function unfitHost({ engine, server: { host } }: Pick<SourceConfig, 'engine' | 'server'>): string | undefined {
  const region = rdsRegion(host);
  if (region === undefined) return undefined;
  if (/\.cluster-(ro|custom)-/i.test(host)) return readers;
  if (/\.proxy-[^.]+\./i.test(host) && engine === 'postgres') return proxy;
  return regionProblem(region);
}

/** Why nothing can be deployed to this region. */
export function regionProblem(region: string | undefined): string | undefined {
  return region !== undefined && /^(cn|eusc|[a-z]{2}-iso[a-z]?)-/.test(region) ? uncovered : undefined;
}

/** Why a source is not backed up by a function though all of it is right. */
export function sizeProblem({ cloud }: Pick<SourceConfig, 'cloud'>): string | undefined {
  if ((cloud.size ?? 0) <= largestBytes || cloud.oversize === 'try') return undefined;
  return `is more than the ${largestBytes / 1e9} GB that a function is sure to get done in its 15 minutes, and each try would leave what it has stored: back it up from a machine (nightjar backup, in a file of its own), cut it into several sources, or write oversize: try`;
}
