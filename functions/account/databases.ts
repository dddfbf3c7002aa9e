import { parseXML } from '@aws-sdk/xml-builder';
import * as z from 'zod';
import type { RdsDatabase, RdsReach } from '../../core/domain/watch/account.ts';
import { engineOfRds } from '../../core/engines/index.ts';
import type { AskAws } from './aws.ts';

/** In XML a single element is no list, and an empty list is an empty text. */
const many = <T extends z.ZodType>(member: string, of: T) =>
  z
    .preprocess((list) => {
      const inside = typeof list === 'object' && list !== null ? (list as Record<string, unknown>)[member] : [];
      return inside === undefined ? [] : [inside].flat();
    }, z.array(of))
    .default([]);
const tag = z.object({ Key: z.string(), Value: z.string().default('') });
const portNumber = z.string().transform(Number).optional();

/** Fields of both that say how their databases are reached. */
const reached = {
  IAMDatabaseAuthenticationEnabled: z.string().default(''),
  Port: portNumber,
};
const instance = z.object({
  ...reached,
  DbiResourceId: z.string().default(''),
  DBName: z.string().optional(),
  DBSubnetGroup: z.object({ VpcId: z.string().optional() }).or(z.literal('')).optional(),
  DBInstanceIdentifier: z.string(),
  DBInstanceStatus: z.string().default(''),
  Engine: z.string(),
  DBClusterIdentifier: z.string().optional(),
  ReadReplicaSourceDBInstanceIdentifier: z.string().optional(),
  Endpoint: z.object({ Address: z.string().optional(), Port: portNumber }).or(z.literal('')).optional(),
  TagList: many('Tag', tag),
});
const cluster = z.object({
  ...reached,
  DbClusterResourceId: z.string().default(''),
  DatabaseName: z.string().optional(),
  DBClusterIdentifier: z.string(),
  Status: z.string().default(''),
  Engine: z.string(),
  Endpoint: z.string().optional(),
  ReaderEndpoint: z.string().optional(),
  CustomEndpoints: many('member', z.string()),
  TagList: many('Tag', tag),
});
type Instance = z.infer<typeof instance>;
type Cluster = z.infer<typeof cluster>;

const version = '2014-10-31';
const mostPages = 100;

/**
 * The database servers of the region that Nightjar can back up (Neptune and DocumentDB answer to the same calls):
 * clusters with their members, and instances with their replicas (Amazon RDS API reference, DescribeDBInstances and
 * DescribeDBClusters).
 */
export async function rdsDatabases(ask: AskAws, signal: AbortSignal): Promise<RdsDatabase[]> {
  const instances = (await all('DescribeDBInstances', 'DBInstances', 'DBInstance', instance, ask, signal)).filter(
    ({ DBInstanceStatus, Engine }) => DBInstanceStatus !== 'deleting' && engineOfRds(Engine) !== undefined,
  );
  const clusters = (await all('DescribeDBClusters', 'DBClusters', 'DBCluster', cluster, ask, signal)).filter(
    ({ Status, Engine }) => Status !== 'deleting' && engineOfRds(Engine) !== undefined,
  );
  const addressesOf = (isOf: (one: Instance) => boolean): string[] =>
    instances.filter(isOf).flatMap(({ Endpoint }) => (typeof Endpoint === 'object' ? (Endpoint.Address ?? []) : []));
  return [
    ...clusters.map((one) => {
      const { DBClusterIdentifier: id, Engine, Endpoint, ReaderEndpoint, CustomEndpoints, TagList } = one;
      const isMember = ({ DBClusterIdentifier }: Instance): boolean => DBClusterIdentifier === id;
      return {
        what: `cluster ${id}`,
        engine: Engine,
        addresses: [
          ...[Endpoint, ReaderEndpoint].flatMap((address) => address ?? []),
          ...CustomEndpoints,
          ...addressesOf(isMember),
        ],
        tags: tagsOf(TagList),
        reach: reachOfCluster(one, instances.filter(isMember)),
      };
    }),
    ...instances
      .filter((one) => one.DBClusterIdentifier === undefined && !one.ReadReplicaSourceDBInstanceIdentifier)
      .map((one) => {
        const { DBInstanceIdentifier: id, Engine, TagList } = one;
        return {
          what: `instance ${id}`,
          engine: Engine,
          addresses: addressesOf(({ DBInstanceIdentifier, ReadReplicaSourceDBInstanceIdentifier }) =>
            [DBInstanceIdentifier, ReadReplicaSourceDBInstanceIdentifier].includes(id),
          ),
          tags: tagsOf(TagList),
          reach: reachOf(one),
        };
      }),
  ];
}

/** Undefined while it is being made and has no address yet. */
function reachOf({ Endpoint, Port, DbiResourceId, DBName, ...one }: Instance): RdsReach | undefined {
  if (typeof Endpoint !== 'object' || Endpoint.Address === undefined) return undefined;
  return {
    host: Endpoint.Address,
    port: Endpoint.Port ?? Port,
    resourceId: DbiResourceId,
    database: DBName || undefined,
    iam: one.IAMDatabaseAuthenticationEnabled === 'true',
    vpc: vpcOf(one),
  };
}

/** The cluster's endpoint leads to the member that takes writes; the network is that of its members. */
function reachOfCluster(one: Cluster, members: readonly Instance[]): RdsReach | undefined {
  const { Endpoint, Port, DbClusterResourceId, DatabaseName } = one;
  if (!Endpoint) return undefined;
  return {
    host: Endpoint,
    port: Port,
    resourceId: DbClusterResourceId,
    database: DatabaseName || undefined,
    iam: one.IAMDatabaseAuthenticationEnabled === 'true',
    vpc: members.map(vpcOf).find((vpc) => vpc !== undefined),
  };
}

function vpcOf({ DBSubnetGroup }: Pick<Instance, 'DBSubnetGroup'>): string | undefined {
  return typeof DBSubnetGroup === 'object' ? DBSubnetGroup.VpcId : undefined;
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
