import { asSecret, secretProblem } from '../contract/cloud/secret-problem.ts';
import { regionProblem } from '../contract/cloud/unfit.ts';
import { problem } from '../contract/config/problem.ts';
import type { ConfigProblem } from '../contract/config/problem.ts';
import type { ServerConfig } from '../contract/config/sources/server.ts';
import { rdsRegion } from '../domain/tools/rds-endpoint.ts';
import type { SourceOf } from './descriptor.ts';

type ServerPath = ConfigProblem['path'];

const onlyRead =
  'is missing: the servers behind a reader or custom endpoint of Aurora can’t be written to; say where restores go: the cluster’s own endpoint';

/** What speaks against RDS Proxy, and against a name for several servers. */
export type Against = { proxies?: string; readers?: string };

/** Why functions can't work with a source on a server. */
export function serverProblems(
  name: string,
  { at: server, watch, drill, cloud }: SourceOf<ServerConfig>,
  against: Against,
): ConfigProblem[] {
  const { host, user, password, tls } = server;
  const isIam = password === 'iam';
  return [
    ...problem([name, 'host'], hostProblem(host) ?? unfitHost(host, against)),
    ...problem([name, 'user'], isIam ? iamUserProblem(user) : userProblem(user)),
    ...problem([name, 'password'], password === undefined || isIam ? undefined : secretProblem(password)),
    ...problem([name, 'tls', 'ca'], authorityProblem(tls)),
    ...problem(
      ['cloud', 'restoreHost'],
      hasReaders(host) && against.readers === undefined && cloud.restoreHost === undefined ? onlyRead : undefined,
    ),
    ...problem(
      ['cloud', 'resourceId'],
      isIam && cloud.resourceId === undefined
        ? 'is missing: the resource id of the RDS instance (db-…) or cluster (cluster-…), for password: iam'
        : undefined,
    ),
    ...(watch.drillEveryMs === undefined || drill.server === undefined
      ? []
      : drillServerProblems(['drill', 'server'], drill.server)),
  ];
}

/** What functions can't do with the server for drills. */
function drillServerProblems(path: ServerPath, { host, user, password, tls }: Omit<ServerConfig, 'port' | 'database'>) {
  return [
    ...problem([...path, 'host'], hostProblem(host)),
    ...problem([...path, 'user'], userProblem(user)),
    ...problem(
      [...path, 'password'],
      password === 'iam'
        ? `can't be iam here: the right to log in is given on the source’s own server alone; write ${asSecret}`
        : password && secretProblem(password),
    ),
    ...problem([...path, 'tls', 'ca'], authorityProblem(tls)),
  ];
}

function hostProblem(host: string): string | undefined {
  return /^(localhost|127(\.\d{1,3}){3}|::1)$/i.test(host)
    ? 'is the function itself: write a name or address that functions reach'
    : undefined;
}

function unfitHost(host: string, { proxies, readers }: Against): string | undefined {
  const region = rdsRegion(host);
  if (region === undefined) return undefined;
  if (hasReaders(host) && readers !== undefined) return readers;
  if (/\.proxy-[^.]+\./i.test(host) && proxies !== undefined) return proxies;
  return regionProblem(region);
}

/** Whether this is Aurora's name for its read-only servers, or some of them. */
function hasReaders(host: string): boolean {
  return rdsRegion(host) !== undefined && /\.cluster-(ro|custom)-/i.test(host);
}

function userProblem(user: ServerConfig['user']): string | undefined {
  return typeof user === 'string' ? undefined : secretProblem(user);
}

function iamUserProblem(user: ServerConfig['user']): string | undefined {
  if (typeof user !== 'string') return 'with iam the right to log in is given for one user: write its name here';
  return /^[\w.@-]+$/.test(user)
    ? undefined
    : 'may hold letters, digits and _ . @ - with iam: it stands in the rights of the functions';
}

function authorityProblem(tls: ServerConfig['tls']): string | undefined {
  return typeof tls === 'object' && /^([/~]|.*\.\.)/.test(tls.ca)
    ? 'must lie beside the configuration or below it: it goes into the functions with it'
    : undefined;
}
