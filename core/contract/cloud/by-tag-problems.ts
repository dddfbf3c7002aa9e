import { descriptorOf, engineNames } from '../../engines/index.ts';
import { sourceElsewhere } from '../config/config.ts';
import type { Config, SourceConfig } from '../config/config.ts';
import { problem } from '../config/problem.ts';
import type { ConfigProblem } from '../config/problem.ts';
import { byTagPrefix, isByTag } from './by-tag.ts';

/** One sample source for each kind that may be found by its tag; empty if the configuration looks for none. */
export function byTagSamples({ cloud, defaults }: Pick<Config, 'cloud' | 'defaults'>): SourceConfig[] {
  const byTag = cloud?.byTag;
  if (byTag === undefined) return [];
  const { user, network, tls, schedule } = byTag;
  const host = `sample.c1x2y3.${cloud?.region ?? 'eu-west-1'}.rds.amazonaws.com`;
  return engineNames
    .filter((name) => descriptorOf(name).rds !== undefined)
    .flatMap((name) => {
      const at = { host, database: 'sample', user, password: 'iam', ...(tls !== undefined && { tls }) };
      const own = { ...(schedule !== undefined && { schedule }), cloud: { network, resourceId: 'db-SAMPLE' } };
      return sourceElsewhere({ [name]: at, ...own }, { cloud, defaults }) ?? [];
    });
}

/** What prevents databases from being found by their tag, each with a remedy. */
export function byTagProblems({
  cloud,
  defaults,
  sources,
}: Pick<Config, 'cloud' | 'defaults' | 'sources'>): ConfigProblem[] {
  const byTag = cloud?.byTag;
  if (byTag === undefined) return [];
  const path = ['cloud', 'byTag'];
  return [
    ...problem(
      [...path, 'schedule'],
      byTag.schedule === undefined && defaults.schedule === undefined
        ? 'is missing: when backups are made, as "0 2 * * *" (here or in defaults)'
        : undefined,
    ),
    ...problem(
      [...path, 'network'],
      byTag.network in (cloud?.networks ?? {}) ? undefined : `there is no network ${byTag.network} in cloud.networks`,
    ),
    ...[...sources.keys()].filter(isByTag).map((name) => ({
      path: ['sources', name],
      message: `names that begin with ${byTagPrefix} are those of databases found by their tag: choose another`,
    })),
  ];
}
