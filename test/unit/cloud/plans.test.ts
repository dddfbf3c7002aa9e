import { describe, expect, test } from '@jest/globals';
import { parseConfig } from '../../../core/config-file.ts';
import { byTagSamples } from '../../../core/contract/cloud/by-tag-problems.ts';
import { costPlanOf, regionOf } from '../../../core/contract/cloud/cost-plan.ts';
import { networkSchema, plannedEndpoints } from '../../../core/contract/cloud/network.ts';
import type { NetworkConfig } from '../../../core/contract/cloud/network.ts';
import { copySizingOf } from '../../../core/contract/cloud/sizing.ts';
import { ofKind, partOfCatalog } from '../../../core/contract/manifest/catalog.ts';

const parsed = (text: string) => parseConfig(text, 'nightjar.yaml');
const shop = (keys = '', host = 'db') =>
  `shop: { postgres: { host: ${host}, database: d, user: u, password: { secret: s } }, ${keys} }`;
const cloud = (keys: string) => `cloud: { email: [a@b.example], ${keys} }`;
const config = ({ vault = 's3://acme', top = '', sources = shop() } = {}) =>
  parsed(`vault: ${vault}\n${top}\nsources: { ${sources} }`);

describe('endpoints of networks', () => {
  const planned = (networks: Record<string, object>) =>
    Object.fromEntries(
      plannedEndpoints(
        Object.fromEntries(
          Object.entries(networks).map(([name, one]) => [name, networkSchema.parse(one) as NetworkConfig]),
        ),
      ),
    );
  const main = { vpc: 'vpc-1', subnets: ['subnet-1', 'subnet-1', 'subnet-2'] };

  test('one network has those that it asks for, each once', () => {
    expect(planned({ main: { ...main, routeTables: ['rtb-1', 'rtb-1'], endpoints: ['sns', 'kms', 'sns'] } })).toEqual({
      main: { routeTables: ['rtb-1'], services: ['sns', 'kms'], subnets: ['subnet-1', 'subnet-2'], shared: [] },
    });
  });

  test('a second one of its VPC goes through the doors of the first, and has those of its own besides', () => {
    const both = planned({
      main: { ...main, routeTables: ['rtb-1'], endpoints: ['sns'] },
      side: { vpc: 'vpc-1', subnets: ['subnet-3'], routeTables: ['rtb-1', 'rtb-2'], endpoints: ['sns', 'kms'] },
    });

    expect(both['side']).toEqual({
      routeTables: ['rtb-2'],
      services: ['kms'],
      subnets: ['subnet-3'],
      shared: [{ network: 'main', service: 'sns' }],
    });
  });

  test('another VPC has doors of its own, in the subnets that are named for them', () => {
    const both = planned({
      main: { ...main, endpoints: ['sns'] },
      away: { vpc: 'vpc-2', subnets: ['subnet-3'], endpointSubnets: ['subnet-4'], endpoints: ['sns'] },
    });

    expect(both['away']).toEqual({ routeTables: [], services: ['sns'], subnets: ['subnet-4'], shared: [] });
  });
});

const month = 365 / 12;

describe('what a month costs goes by what is deployed', () => {
  const planOf = (text: Parameters<typeof config>[0]) => costPlanOf(config(text), new Map(), { region: 'eu-west-1' });

  test.each([
    ['nothing said of AWS', '', { ownKey: true, signingKey: false, heldDays: 30, mails: 0, endpoints: 0 }],
    ['a bucket that is there', cloud('bucket: existing'), { ownKey: false, heldDays: 0, mails: 10 }],
    ['a new one', cloud('bucket: create, noncurrent: 20d, encryption: s3'), { ownKey: false, heldDays: 20 }],
    ['a new one with its own key', cloud('bucket: create, encryption: key'), { ownKey: true }],
    ['a key that signs', cloud('signingKey: true'), { signingKey: true }],
    ['logs of three months', cloud('logRetention: 90d'), { logMonths: 3 }],
    ['traces', cloud('tracing: true'), { tracing: true }],
    ['alarms of each source', cloud('alarms: each'), { alarmsOfEach: true }],
    ['alarms of all together', cloud('alarms: few'), { alarmsOfEach: false }],
    ['a check each hour', cloud('check: "0 * * * *"'), { checksPerMonth: month * 24 }],
    ['a digest besides', cloud('check: "0 * * * *", digest: "0 7 * * *"'), { checksPerMonth: month * 24 + month }],
    [
      'two doors in two zones',
      cloud('networks: { main: { vpc: vpc-1, subnets: [subnet-1, subnet-2], endpoints: [sns, kms] } }'),
      { endpoints: 4 },
    ],
    [
      'databases by tag',
      cloud('byTag: { network: main, schedule: "0 2 * * *" }, networks: { main: { vpc: vpc-1, subnets: [subnet-1] } }'),
      { byTag: true },
    ],
  ])('%s', (_, top, counted) => {
    expect(planOf({ top })).toMatchObject(counted);
  });

  test('a key that is one’s own costs no new one', () => {
    const kmsKey = 'arn:aws:kms:eu-west-1:123456789012:key/1';
    expect(
      planOf({
        vault: `{ s3: { bucket: acme, region: eu-west-1, kmsKey: "${kmsKey}" } }`,
        top: cloud('bucket: create, encryption: key'),
      }).ownKey,
    ).toBe(false);
  });

  test('each secret is counted once, wherever it is named', () => {
    const sources = `${shop()}, blog: { mariadb: { host: db, database: b, user: { secret: u }, password: { secret: s } } }`;
    const top = 'notify: [{ slack: { secret: hook } }, { slack: { env: HOOK } }]';

    expect(planOf({ sources, top }).secrets).toBe(3);
    expect(planOf({ top: cloud('') }).byTag).toBeUndefined();
  });

  test('without a backup, the size is what is written, and time and memory follow from it', () => {
    const [plan] = planOf({ sources: shop('schedule: "0 2 * * *", cloud: { size: 20GB }') }).sources;

    expect(plan).toMatchObject({ bytes: 20e9, storedBytes: 10e9, measured: false, perMonth: month });
    expect(plan!.objects).toBe(3 + Math.ceil(20e9 / 256 / 1024 ** 2));
    const speed = 60e6 * Math.min(2, plan!.memoryMb / 1769);
    expect(plan!.seconds).toBeCloseTo(5 + 20e9 / speed);
    expect(planOf({}).sources[0]).toMatchObject({ bytes: 1e9, perMonth: month });
  });

  test('copies are those of each backup into each vault, by one function', () => {
    const top = 'vaults: { near: s3://near, far: s3://far }';
    const copied = (copies: string) =>
      planOf({ top, sources: shop(`schedule: "0 2 * * *", copies: [${copies}], cloud: { size: 2GB }`) }).copies;

    expect(copied('')).toBeUndefined();
    const runs = 2 * month;
    const bytes = month * 1e9;
    expect(copied('near')).toEqual({ perMonth: runs, bytes, memoryMb: 1024, seconds: runs * 5 + bytes / 60e6 });
    expect(copied('near, far')).toMatchObject({ perMonth: runs, bytes: 2 * bytes });
    const two = `${shop('copies: [near]')}, ${shop('copies: [near]').replace('shop', 'blog')}, ${shop().replace('shop', 'old')}`;
    expect(planOf({ top, sources: two }).copies).toMatchObject({ perMonth: 2 * runs, bytes });
  });

  test('the function that copies is as large as that of the largest source, and has all the time there is', () => {
    const small = { oversize: 'refuse', size: 1e9 } as const;
    expect(copySizingOf([{ ...small, memory: 3008 }, small])).toEqual({ memoryMb: 3008, timeoutSeconds: 900 });
  });
});

test.each<[string, Parameters<typeof config>[0], Record<string, string>, string]>([
  [
    'as it is written',
    { top: cloud('region: eu-west-3'), sources: shop('', 'a.c1.eu-west-1.rds.amazonaws.com') },
    {},
    'eu-west-3',
  ],
  [
    'as the vault says',
    { vault: '{ s3: { bucket: acme, region: eu-north-1 } }', sources: shop('', 'a.c1.eu-west-1.rds.amazonaws.com') },
    {},
    'eu-north-1',
  ],
  [
    'where the database is',
    { sources: shop('', 'A.C1.US-GOV-WEST-1.RDS.AMAZONAWS.COM') },
    { AWS_REGION: 'eu-south-1' },
    'US-GOV-WEST-1',
  ],
  [
    'where the first is that is one of RDS',
    { vault: './backups', sources: `app: { sqlite: { path: a.db } }, ${shop('', 'a.c1.eu-west-1.rds.amazonaws.com')}` },
    {},
    'eu-west-1',
  ],
  ['not where a name only begins so', { sources: shop('', 'a.eu-west-1.rds.amazonaws.com.example') }, {}, 'us-east-1'],
  ['where this machine works', {}, { AWS_REGION: 'eu-south-1', AWS_DEFAULT_REGION: 'eu-south-2' }, 'eu-south-1'],
  ['where it works by default', {}, { AWS_REGION: '', AWS_DEFAULT_REGION: 'eu-south-2' }, 'eu-south-2'],
  ['in us-east-1 where nobody says', {}, {}, 'us-east-1'],
])('it runs %s', (_, text, env, region) => {
  expect(regionOf(config(text), env)).toBe(region);
});

test('of databases by tag there is one sample of each kind that RDS has, as they will be', () => {
  const networks = 'networks: { main: { vpc: vpc-1, subnets: [subnet-1] } }';
  const samples = (keys: string, region = '') =>
    byTagSamples(config({ top: cloud(`${region} ${networks}, byTag: { network: main, ${keys} }`) }));

  expect(byTagSamples(config())).toEqual([]);
  expect(byTagSamples(config({ top: cloud('') }))).toEqual([]);
  expect(samples('user: keeper, schedule: "0 3 * * *"', 'region: eu-west-3,')).toMatchObject(
    ['mariadb', 'postgres']
      .map((engine) => ({
        engine,
        at: { host: 'sample.c1x2y3.eu-west-3.rds.amazonaws.com', database: 'sample', user: 'keeper', password: 'iam' },
        watch: { schedule: '0 3 * * *' },
        cloud: { network: 'main', resourceId: 'db-SAMPLE' },
      }))
      .toSorted((a, b) => b.engine.localeCompare(a.engine)),
  );
  expect(samples('tls: { ca: public }')[0]).toMatchObject({
    at: { host: 'sample.c1x2y3.eu-west-1.rds.amazonaws.com', tls: { ca: 'public' } },
    watch: { schedule: undefined },
  });
});

test('a part of a catalog has the kinds of which something is left, and takes any name', () => {
  const catalog = { table: { a: '1', b: '2' }, index: { a_pkey: '3' } };

  expect(partOfCatalog(catalog, (kind, name) => kind === 'table' && name === 'b')).toEqual({ table: { b: '2' } });
  expect(partOfCatalog(catalog, () => true)).toEqual(catalog);
  const written = {};
  ofKind(written, 'table')['__proto__'] = '1';
  ofKind(written, 'table')['a'] = '2';
  expect(Object.entries(ofKind(written, 'table'))).toEqual([
    ['__proto__', '1'],
    ['a', '2'],
  ]);
});
