import { ArnFormat, Stack } from 'aws-cdk-lib';
import { Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import type { CloudConfig } from '../../core/contract/cloud/cloud.ts';
import type { Config, SourceConfig } from '../../core/contract/config/config.ts';
import { factsOf } from '../../core/contract/config/sources/source-facts.ts';
import { rdsRegion } from '../../core/domain/tools/rds-endpoint.ts';
import { allow, keyStatement } from './grants.ts';
import { secretArns, secretsOfTelling } from './secrets.ts';

/** What every function needs besides its work: to notify whom the configuration names, and to call its hooks. */
export function tellingStatements(
  scope: Construct,
  { notify, hooks }: Pick<Config, 'notify' | 'hooks'>,
): PolicyStatement[] {
  const topics = notify.flatMap(({ sns }) => sns ?? []);
  const buses = hooks.flatMap(({ eventBus }) =>
    eventBus === undefined
      ? []
      : [
          eventBus.startsWith('arn:')
            ? eventBus
            : Stack.of(scope).formatArn({ service: 'events', resource: 'event-bus', resourceName: eventBus }),
        ],
  );
  return [
    ...(topics.length > 0 ? [allow('TellTopics', ['sns:Publish', 'sns:ListSubscriptionsByTopic'], topics)] : []),
    ...(buses.length > 0 ? [allow('CallHooks', ['events:PutEvents'], [...new Set(buses)])] : []),
  ];
}

/** To list the database servers of the account and region, which reveals nothing of their content. */
export function listDatabasesStatement(scope: Construct): PolicyStatement {
  const inRds = (resource: string) =>
    Stack.of(scope).formatArn({
      service: 'rds',
      resource,
      resourceName: '*',
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
  const actions = ['rds:DescribeDBInstances', 'rds:DescribeDBClusters'];
  return allow('LookAtDatabases', actions, [inRds('db'), inRds('cluster')]);
}

/** Which databases the check asks about: those with the tag that makes sources have to be covered, too. */
export function mustCoverOf({ mustCover, byTag }: Pick<CloudConfig, 'mustCover' | 'byTag'>): string | undefined {
  return mustCover ?? (byTag && `tag:${byTag.tag}`);
}

/**
 * What the check looks at in the account. Listing schedules can't be limited to resources (Service Authorization
 * Reference).
 */
export function accountStatements(
  scope: Construct,
  cloud: Pick<CloudConfig, 'mustCover' | 'byTag' | 'digest'>,
): PolicyStatement[] {
  return [
    allow('LookAtSchedules', ['scheduler:ListSchedules'], ['*']),
    // a digest names all databases that are in no source
    ...(mustCoverOf(cloud) === undefined && cloud.digest === undefined ? [] : [listDatabasesStatement(scope)]),
  ];
}

/** To start functions. */
export function startStatement(functionArns: string[]): PolicyStatement {
  return allow('Start', ['lambda:InvokeFunction'], functionArns);
}

/**
 * To log in to any database of RDS here as one user by IAM: each database decides whether it has that user. This action
 * can't be limited by tags (Service Authorization Reference, Amazon RDS IAM Authentication).
 */
export function loginByTagStatement(scope: Construct, user: string): PolicyStatement {
  const anywhere = Stack.of(scope).formatArn({
    service: 'rds-db',
    resource: 'dbuser',
    resourceName: `*/${user}`,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
  return allow('LogInByTag', ['rds-db:connect'], [anywhere]);
}

/** The secrets that every function needs to notify, and those that this one needs for its own work. */
export function secretStatements(scope: Construct, config: Config, own: readonly string[] = []): PolicyStatement[] {
  const names = [...secretsOfTelling(config), ...own];
  const keys = config.cloud?.secretKeys ?? [];
  if (names.length === 0) return [];
  return [
    allow(
      'ReadSecrets',
      ['secretsmanager:GetSecretValue'],
      [...new Set(names.flatMap((name) => secretArns(scope, name)))],
    ),
    ...(keys.length > 0
      ? [
          keyStatement(
            'DecryptSecrets',
            keys,
            ['kms:Decrypt'],
            `secretsmanager.${Stack.of(scope).region}.amazonaws.com`,
          ),
        ]
      : []),
  ];
}

/** The right to log in to RDS as one user by IAM, if the source does so. */
export function loginStatements(scope: Construct, source: SourceConfig): PolicyStatement[] {
  const { iamUser, server } = factsOf(source);
  const { resourceId } = source.cloud;
  if (iamUser === undefined || server === undefined || resourceId === undefined) return [];
  const region = rdsRegion(server.host);
  const user = Stack.of(scope).formatArn({
    service: 'rds-db',
    ...(region && { region }),
    resource: 'dbuser',
    resourceName: `${resourceId}/${iamUser}`,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
  return [allow('LogIn', ['rds-db:connect'], [user])];
}

/**
 * To mount a source's file system, only through its own access point; read-only unless `writing` (EFS User Guide, using
 * IAM to control file system data access).
 */
export function mountStatements(source: SourceConfig, writing: boolean): PolicyStatement[] {
  const { accessPoint } = factsOf(source).fileSystem ?? {};
  if (accessPoint === undefined) return [];
  const actions = ['elasticfilesystem:ClientMount', ...(writing ? ['elasticfilesystem:ClientWrite'] : [])];
  const fileSystems = accessPoint.replace(/:access-point\/.*/, ':file-system/*');
  const throughIt = { StringEquals: { 'elasticfilesystem:AccessPointArn': accessPoint } };
  const mount = allow('Mount', actions, [fileSystems], throughIt);
  return writing ? [mount] : [mount, writeNothing([fileSystems])];
}

/**
 * A file system without its own policy lets everybody write who reaches it, so not allowing it is not enough: this
 * denies it.
 */
function writeNothing(resources: string[]): PolicyStatement {
  const actions = ['elasticfilesystem:ClientWrite', 'elasticfilesystem:ClientRootAccess'];
  return new PolicyStatement({ sid: 'WriteNothing', effect: Effect.DENY, actions, resources });
}

/** The right to have a KMS key sign the digests of manifests, if the source's backups are signed this way. */
export function signingStatements({ signing: { privateKey } }: SourceConfig): PolicyStatement[] {
  if (privateKey === undefined || !('kms' in privateKey)) return [];
  const asWeDo = { 'kms:SigningAlgorithm': 'ECDSA_SHA_256', 'kms:MessageType': 'DIGEST' };
  return [allow('Sign', ['kms:Sign'], [privateKey.kms], { StringEquals: asWeDo })];
}

/** Use of the vault's key only for what S3 reads and writes. */
export function vaultKeyStatements(
  scope: Construct,
  key: IKey | undefined,
  region: string | undefined,
): PolicyStatement[] {
  return key === undefined
    ? []
    : [
        keyStatement(
          'UseKeyOfVault',
          [key.keyArn],
          ['kms:Decrypt', 'kms:GenerateDataKey'],
          `s3.${region ?? Stack.of(scope).region}.amazonaws.com`,
        ),
      ];
}
