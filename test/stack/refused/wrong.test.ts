import { App, Stack } from 'aws-cdk-lib';
import { CfnAlarm } from 'aws-cdk-lib/aws-cloudwatch';
import { CfnFunction } from 'aws-cdk-lib/aws-lambda';
import { CfnSchedule } from 'aws-cdk-lib/aws-scheduler';
import { expect, test } from '@jest/globals';
import { NightjarBackups } from '../../../lib/nightjar-backups.ts';
import { secretArns } from '../../../lib/rights/secrets.ts';
import { matches } from '../../real/cloud/policy/policy.ts';
import { deployable } from '../../../lib/read-config.ts';
import type { WrittenConfig } from '../../../lib/read-config.ts';
import { exampleConfig, stackOf } from '../synthesis.ts';

const postgres = { host: 'db.acme.example', database: 'shop', user: 'backup', password: { secret: 'shop' } };

function messageOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return String((error as Error).message);
  }
  return 'nothing was thrown';
}

test('everything that can’t run in the cloud is told at once, each with its place and a remedy', () => {
  const config: WrittenConfig = {
    vault: {
      s3: {
        bucket: 'acme',
        prefix: 'a*',
        endpoint: 'https://minio.internal',
        region: 'eu-west-1',
        kmsKey: 'alias/mine',
        accessKeyId: { env: 'KEY' },
        secretAccessKey: { env: 'SECRET' },
        objectLock: { mode: 'governance', weekly: 35 },
      },
    },
    sources: {
      local: { postgres: { ...postgres, host: 'localhost', password: { env: 'PASSWORD' } }, schedule: '0 4 * * *' },
      filed: {
        postgres: { ...postgres, user: { file: 'user' }, password: { file: 'password' } },
        schedule: '0 4 1 * 1',
      },
      starred: { postgres: { ...postgres, password: { secret: 'shop*' }, tls: { ca: '../ca.pem' } } },
      tokens: {
        mariadb: { ...postgres, user: 'back*up', password: 'iam' },
        schedule: '0 4 * * *',
        cloud: { network: 'main' },
      },
      lonely: {
        mariadb: postgres,
        schedule: '30 2 * * *',
        timeZone: 'Europe/Amsterdam',
        cloud: { databaseSecurityGroup: 'sg-1', rotate: '0 4 1 * 1' },
      },
    },
    notify: [
      { command: ['./page-me'] },
      { slack: { env: 'HOOK' } },
      { telegram: { token: { file: 'token' }, chat: '-1' } },
    ],
    hooks: [{ command: ['./after'] }],
    cloud: { region: 'eu-central-1', bucket: 'create', check: '0 4 1 * 1' },
  };

  const message = messageOf(() => stackOf(config));

  expect(
    message
      .split('\n')
      .slice(1)
      .map((line) => line.trim().replace(/: .*/, '')),
  ).toEqual([
    'vault.s3.endpoint',
    'vault.s3.accessKeyId',
    'vault.s3.prefix',
    'vault.s3.kmsKey',
    'vault.s3.region',
    'vault.s3.objectLock',
    'sources.local.postgres.host',
    'sources.local.postgres.password',
    'sources.filed.postgres.user',
    'sources.filed.postgres.password',
    'sources.filed.schedule',
    'sources.starred.postgres.password',
    'sources.starred.postgres.tls.ca',
    'sources.starred.schedule',
    'sources.tokens.mariadb.user',
    'sources.tokens.cloud.resourceId',
    'sources.tokens.cloud.network',
    'sources.lonely.cloud.rotate',
    'sources.lonely.cloud.databaseSecurityGroup',
    'notify.0.command',
    'notify.1.slack',
    'notify.2.telegram.token',
    'hooks.0.command',
    'cloud.check',
  ]);
  expect(message).not.toMatch(/undefined|\[object/);
});

test('a folder as vault, and a file without cloud, are told by what to write instead', () => {
  const sources = { shop: { postgres, schedule: '0 4 * * *' } };

  expect(messageOf(() => stackOf({ vault: './backups', sources, cloud: {} }))).toContain(
    'vault: is a folder, which functions do not have: write a bucket, as s3://acme-backups/prod',
  );
  expect(messageOf(() => stackOf({ vault: 's3://acme/prod', sources }))).toContain(
    'cloud: is missing: what AWS is to make of this file',
  );
});

test('a stack that would tell nobody is refused, unless the file says so in so many words', () => {
  const sources = { shop: { postgres, schedule: '0 4 * * *' } };
  const silent = { vault: 's3://acme/prod', sources, cloud: { region: 'eu-west-1' } };

  const message = messageOf(() => stackOf(silent));

  expect(message).toMatch(/cloud\.email: is missing.* notify: none at the top of the file/);
  for (const told of [
    { notify: 'none' as const },
    { notify: [{ slack: { secret: 'hook' } }] },
    { cloud: { ...silent.cloud, email: ['ops@acme.example'] } },
    { cloud: { ...silent.cloud, slack: { workspace: 'T0123456', channel: 'C0123456' } } },
  ])
    expect(messageOf(() => deployable({ ...silent, ...told }))).toBe('nothing was thrown');
});

test('what AWS has and functions can’t work with is refused, with what to do', () => {
  const problemsOf = (host: string, cloud: object = {}, region = 'eu-west-1', engine = 'postgres'): string =>
    messageOf(() =>
      deployable({
        vault: 's3://acme/prod',
        sources: { shop: { [engine]: { ...postgres, host }, schedule: '0 4 * * *', cloud } },
        cloud: { region, email: ['ops@acme.example'] },
      }),
    );
  const rds = 'c1x2.eu-west-1.rds.amazonaws.com';
  const fine = 'nothing was thrown';

  expect(problemsOf(`shop.cluster-ro-${rds}`)).toMatch(/cloud\.restoreHost: is missing: the servers behind a reader/);
  expect(problemsOf(`shop.cluster-custom-${rds}`, {}, 'eu-west-1', 'mariadb')).toMatch(
    /mariadb\.host: is the name of several/,
  );
  expect(problemsOf(`shop.proxy-${rds}`)).toMatch(/postgres\.host: is an RDS Proxy/);
  expect(problemsOf('shop.c1x2.rds.cn-north-1.amazonaws.com.cn')).toMatch(/postgres\.host: is in a partition/);
  expect(problemsOf('db.acme.example', {}, 'eusc-de-east-1')).toMatch(/cloud\.region: is in a partition/);
  expect(problemsOf('db.acme.example', { size: '200GB' })).toMatch(
    /cloud\.size: is more than the 90 GB.*oversize: try/,
  );
  for (const good of [
    problemsOf(`shop.cluster-${rds}`),
    problemsOf(`shop-2.${rds}`, { restoreHost: `shop.cluster-${rds}` }),
    problemsOf(`shop.cluster-ro-${rds}`, { restoreHost: `shop.cluster-${rds}` }),
    problemsOf('cluster-ro-archive.acme.example'),
    problemsOf('shop.c1x2.us-gov-west-1.rds.amazonaws.com', {}, 'us-gov-west-1'),
    problemsOf('db.acme.example', { size: '200GB', oversize: 'try' }),
  ])
    expect(good).toBe(fine);
});

test('a secret that is named by its ARN is readable, with its random tail or without one that looks like it', () => {
  const arn = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:';
  const readable = (secret: string, real: string): boolean =>
    secretArns(new Stack(), secret).some((pattern) => matches(pattern, `${arn}${real}`));

  expect(readable(`${arn}rds-master`, 'rds-master-Ab3dEf')).toBe(true);
  expect(readable(`${arn}rds-master-Ab3dEf`, 'rds-master-Ab3dEf')).toBe(true);
  expect(readable(`${arn}shop`, 'shop-Ab3dEf')).toBe(true);
  expect(readable(`${arn}shop`, 'shop-two-Ab3dEf')).toBe(false);
  expect(readable(`${arn}rds-master-Ab3dEf`, 'rds-master-Xy3dEf')).toBe(false);
});

test('a backup that AWS leaves out in the night when the clock is put forward is warned of', () => {
  const { stack } = stackOf({
    ...exampleConfig('plain'),
    sources: {
      shop: { postgres, schedule: '30 2 * * *', timeZone: 'Europe/Amsterdam' },
      blog: { postgres, schedule: '30 2 * * *', timeZone: 'UTC' },
    },
  });

  const warnings = stack.node
    .findAll()
    .flatMap(({ node }) =>
      node.metadata.filter(({ type }) => type === 'aws:cdk:warning').map(({ data }) => String(data)),
    );
  expect(warnings).toEqual([
    expect.stringMatching(
      /^sources\.shop\.schedule: there is no 02:30 in Europe\/Amsterdam on 2027-03-28.*write a time outside of it \(as 03:00 or later\), or timeZone: UTC/,
    ),
  ]);
});

test('what AWS would take and nobody would mean is told', () => {
  const sources = { shop: { postgres, schedule: '0 4 * * *' } };
  const s3 = { bucket: 'acme', kmsKey: 'arn:aws:kms:eu-west-1:123456789012:key/0a1b2c3d' };

  expect(messageOf(() => stackOf({ vault: { s3 }, sources, cloud: { encryption: 's3' } }))).toContain(
    'cloud.encryption: is s3, and vault.s3.kmsKey names a key',
  );
  expect(messageOf(() => stackOf({ vault: 's3://acme', sources, cloud: { check: '0 4 * * 1-5' } }))).toContain(
    'cloud.check: is too rare: check at least once a day',
  );
  expect(
    messageOf(() =>
      stackOf({
        vault: 's3://acme',
        sources,
        cloud: { bucket: 'existing', objectLock: { mode: 'governance', days: 3 } },
      }),
    ),
  ).toContain('cloud.objectLock: is for a bucket that the stack makes');
});

test('what the schema itself has against a configuration is told from someone else’s app, too', () => {
  const config = {
    vault: 's3://acme/prod',
    sources: { shop: { postgres: { ...postgres, port: 'many' } } },
    cloud: { stack: '1st', colour: 'red' },
  };

  const message = messageOf(() => new NightjarBackups(new Stack(new App(), 'Mine'), 'Backups', config as never));

  expect(message).toMatch(/sources\.shop\.postgres\.port: expected a whole number/);
  expect(message).toMatch(/cloud\.stack: expected a name/);
  expect(message).toMatch(/cloud\.colour: unknown key/);
});

test('sources may be called like anything that the stack has', () => {
  const names = [
    'check',
    'rotate',
    'rotation',
    'Vault',
    'Alerts',
    'Tools',
    'Schedules',
    'Sources',
    'a/b',
    'ünïcode',
    'x'.repeat(80),
  ];

  const { stack } = stackOf({
    ...exampleConfig('plain'),
    sources: Object.fromEntries(names.map((name) => [name, { postgres }])),
  });

  const physical = stack.node
    .findAll()
    .flatMap((one) =>
      one instanceof CfnFunction || one instanceof CfnAlarm || one instanceof CfnSchedule
        ? [
            `${one.cfnResourceType} ${'functionName' in one ? one.functionName : 'alarmName' in one ? one.alarmName : one.name}`,
          ]
        : [],
    );
  expect(physical.length).toBeGreaterThan(names.length * 4);
  expect(new Set(physical).size).toBe(physical.length);
});
