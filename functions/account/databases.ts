import { parseXML } from '@aws-sdk/xml-builder';
import * as z from 'zod';
import type { RdsDatabase } from '../../core/domain/watch/account.ts';
import type { AskAws } from './aws.ts';

/** One element is no list in XML, and an empty one is an empty text. */
const many = <T extends z.ZodType>(member: string, of: T) =>
  z
    .preprocess((list) => {
      const inside = typeof list === 'object' && list !== null ? (list as Record<string, unknown>)[member] : [];
      return inside === undefined ? [] : [inside].flat();
    }, z.array(of))
    .default([]);
const tag = z.object({ Key: z.string(), Value: z.string().default('') });
const instance = z.object({
  DBInstanceIdentifier: z.string(),
  DBInstanceStatus: z.string().default(''),
  Engine: z.string(),
  DBClusterIdentifier: z.string().optional(),
  ReadReplicaSourceDBInstanceIdentifier: z.string().optional(),
  Endpoint: z.object({ Address: z.string().optional() }).or(z.literal('')).optional(),
  TagList: many('Tag', tag),
});
const cluster = z.object({
  DBClusterIdentifier: z.string(),
  Status: z.string().default(''),
  Engine: z.string(),
  Endpoint: z.string().optional(),
  ReaderEndpoint: z.string().optional(),
  CustomEndpoints: many('member', z.string()),
  TagList: many('Tag', tag),
});
type Instance = z.infer<typeof instance>;

/** What Nightjar can back up; Neptune and DocumentDB answer to the same calls. */
const engines = /postgres|mysql|mariadb/;
const version = '2014-10-31';
const mostPages = 100;

/**
 * The database servers of the region: clusters with their members, and instances with their replicas (Amazon RDS API
 * reference, DescribeDBInstances and DescribeDBClusters).
 */
export async function rdsDatabases(ask: AskAws, signal: AbortSignal): Promise<RdsDatabase[]> {
  const instances = (await all('DescribeDBInstances', 'DBInstances', 'DBInstance', instance, ask, signal)).filter(
    ({ DBInstanceStatus, Engine }) => DBInstanceStatus !== 'deleting' && engines.test(Engine),
  );
  const clusters = (await all('DescribeDBClusters', 'DBClusters', 'DBCluster', cluster, ask, signal)).filter(
    ({ Status, Engine }) => Status !== 'deleting' && engines.test(Engine),
  );
  const addressesOf = (isOf: (one: Instance) => boolean): string[] =>
    instances.filter(isOf).flatMap(({ Endpoint }) => (typeof Endpoint === 'object' ? (Endpoint.Address ?? []) : []));
  return [
    ...clusters.map(({ DBClusterIdentifier: id, Engine, Endpoint, ReaderEndpoint, CustomEndpoints, TagList }) => ({
      what: `cluster ${id}`,
      engine: Engine,
      addresses: [
        ...[Endpoint, ReaderEndpoint].flatMap((one) => one ?? []),
        ...CustomEndpoints,
        ...addressesOf((one) => one.DBClusterIdentifier === id),
      ],
      tags: tagsOf(TagList),
    })),
    ...instances
      .filter((one) => one.DBClusterIdentifier === undefined && !one.ReadReplicaSourceDBInstanceIdentifier)
      .map(({ DBInstanceIdentifier: id, Engine, TagList }) => ({
        what: `instance ${id}`,
        engine: Engine,
        addresses: addressesOf((one) =>
          [one.DBInstanceIdentifier, one.ReadReplicaSourceDBInstanceIdentifier].includes(id),
        ),
        tags: tagsOf(TagList),
      })),
  ];
}

async function all<T>(
  action: string,
  list: string,
  member: string,
  of: z.ZodType<T>,
  ask: AskAws,
  signal: AbortSignal,
): Promise<T[]> {
  const found: T[] = [];
  let marker = '';
  for (let pages = 0; pages < mostPages; pages += 1) {
    const body = new URLSearchParams({ Action: action, Version: version, ...(marker !== '' && { Marker: marker }) });
    const answer = await ask({ service: 'rds', method: 'POST', path: '/', body: body.toString() }, signal);
    const result = z.object({ [list]: many(member, of), Marker: z.string().default('') });
    const envelope = z.object({ [`${action}Response`]: z.object({ [`${action}Result`]: result }) });
    const read = envelope.parse(parseXML(answer))[`${action}Response`]![`${action}Result`] as Record<string, unknown>;
    found.push(...(read[list] as T[]));
    marker = read['Marker'] as string;
    if (marker === '') break;
  }
  return found;
}

function tagsOf(tags: readonly z.infer<typeof tag>[]): Record<string, string> {
  return Object.fromEntries(tags.map(({ Key, Value }) => [Key, Value]));
}
