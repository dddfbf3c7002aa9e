import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { startDirectory, type Directory } from '../../support/iam/directory.ts';
import { slowLink, type SlowLink } from '../lambda/sandbox/slow-link.ts';
import { mariadbSql, postgresSql } from '../lambda/sql.ts';
import { startEndpoint, type Endpoint } from '../../support/endpoints/endpoint.ts';
import { startMariadb } from '../../servers/databases/mariadb.ts';
import { startPostgres } from '../../servers/databases/postgres.ts';
import type { DatabaseServer } from '../../servers/server.ts';
import type { CloudOptions } from './scene.ts';
import { createBucket } from '../../servers/s3/client.ts';
import { elements, json, query, signed, type Keys, type Place } from './policy/signed.ts';

/** Three databases as a shop has them, and a pager: what the stack of these tests is about. */
export type Shop = {
  /** PostgreSQL by password; reached over a way that can be made slow. */
  shop: DatabaseServer;
  link: SlowLink;
  /** MariaDB by password. */
  blog: DatabaseServer;
  /** PostgreSQL by IAM: `directory` judges its passwords. */
  ledger: DatabaseServer;
  directory: Directory;
  pager: Endpoint & { /** Whether it takes messages. */ works: boolean };
  configure: CloudOptions['configure'];
  secrets: Record<string, unknown>;
  stop(): Promise<void>;
};

/** Where functions find all three: their imitated environment resolves it to this machine. */
export const databaseHost = 'db.internal';

export type Allows = (name: string, token: string) => boolean;

/** Starts them. `allows` is asked whether a token may log in. */
export async function openShop(allows: Allows): Promise<Shop> {
  const [shop, blog, ledger, directory] = await Promise.all([
    startPostgres({ major: 18 }),
    startMariadb({ series: '11.8' }),
    startPostgres({ major: 17, tls: true }),
    startDirectory(allows),
  ]);
  await Promise.all([fillShop(shop), fillBlog(blog), fillLedger(ledger, directory)]);
  const link = await slowLink(shop, Infinity);
  const state = { works: true };
  const endpoint = await startEndpoint(() => ({ status: state.works ? 200 : 410 }));
  const ca = await readFile(ledger.caFile!, 'utf8');
  return {
    shop,
    link,
    blog,
    ledger,
    directory,
    pager: Object.defineProperty(endpoint as Shop['pager'], 'works', {
      get: () => state.works,
      set: (works: boolean) => (state.works = works),
    }),
    secrets: {
      'rds/shop': { username: shop.user, password: shop.password },
      'rds/blog': { username: blog.user, password: blog.password },
      'pager/url': endpoint.url,
      'pager/key': 'a key of the pager',
    },
    async configure(aws) {
      const there = await alreadyThere(aws);
      return {
        configuration: configuration({ shop: link.server.port, blog: blog.port, ledger: ledger.port }, there),
        files: { 'ledger-ca.pem': ca },
        secretKey: there.key,
        signingKey: there.signing.arn,
        further: there.offsite,
      };
    },
    async stop() {
      await Promise.all([link.close(), directory.close(), endpoint.stop()]);
      await Promise.all([shop.stop(), blog.stop(), ledger.stop()]);
    },
  };
}

function configuration(
  ports: Record<'shop' | 'blog' | 'ledger', number>,
  { vpc, subnet, group, key, topic, signing, offsite }: There,
): object {
  const login = (secret: string) => ({ user: { secret, field: 'username' }, password: { secret, field: 'password' } });
  return {
    vault: 's3://acme-backups/prod',
    vaults: { offsite: { s3: { bucket: offsite.bucket, prefix: 'prod', kmsKey: offsite.key } } },
    defaults: { schedule: '0 3 * * *', timeZone: 'Europe/Amsterdam', retention: { count: 1 } },
    notify: [{ sns: topic }, { webhook: { url: { secret: 'pager/url' }, key: { secret: 'pager/key' } } }],
    hooks: [{ eventBus: 'default' }],
    sources: {
      shop: {
        postgres: { host: databaseHost, port: ports.shop, database: 'shop', tls: 'off', ...login('rds/shop') },
        signing: { publicKeys: [signing.publicKey], privateKey: { kms: signing.arn } },
        copies: [{ vault: 'offsite', freshness: '365d' }],
        drillEvery: '365d',
        cloud: { size: '500MB' },
      },
      blog: {
        mariadb: { host: databaseHost, port: ports.blog, database: 'blog', tls: 'off', ...login('rds/blog') },
        copies: [{ vault: 'offsite', freshness: '365d' }],
        drillEvery: '365d',
        cloud: { size: '500MB', network: 'main', databaseSecurityGroup: group },
      },
      ledger: {
        postgres: {
          host: databaseHost,
          port: ports.ledger,
          database: 'ledger',
          user: 'backup',
          password: 'iam',
          tls: { ca: 'ledger-ca.pem' },
        },
        cloud: { size: '500MB', resourceId: 'db-ABCDEFGHIJKL01234' },
      },
    },
    cloud: {
      account: '123456789012',
      region: 'eu-central-1',
      email: ['ops@acme.example'],
      slack: { workspace: 'T0123456', channel: 'C0123456' },
      tracing: true,
      mustCover: 'all',
      signingKey: true,
      reserveConcurrency: true,
      secretKeys: [key],
      networks: { main: { vpc, subnets: [subnet] } },
      byTag: { network: 'main', tls: { ca: 'ledger-ca.pem' } },
    },
  };
}

type There = {
  vpc: string;
  subnet: string;
  group: string;
  key: string;
  topic: string;
  signing: { arn: string; publicKey: string };
  /** A bucket that is not the stack's, whose objects are locked for some days, and its key. */
  offsite: { bucket: string; key: string };
};

/**
 * What somebody has in the account before: a network, the database's security group, a key for secrets, one that signs, a
 * topic of the whole company, a bucket for copies.
 */
async function alreadyThere(aws: Place & Keys): Promise<There> {
  const answer = await query(aws, aws, 'ec2', 'DescribeSubnets', {});
  const [vpc, subnet] = [elements(answer, 'vpcId')[0]!, elements(answer, 'subnetId')[0]!];
  const group = elements(
    await query(aws, aws, 'ec2', 'CreateSecurityGroup', {
      GroupName: 'database',
      GroupDescription: 'The database',
      VpcId: vpc,
    }),
    'groupId',
  )[0]!;
  const key = await encryptionKey(aws);
  const topic = elements(await query(aws, aws, 'sns', 'CreateTopic', { Name: 'company' }), 'TopicArn')[0]!;
  const duty = { TopicArn: topic, Protocol: 'email', Endpoint: 'duty@acme.example' };
  await query(aws, aws, 'sns', 'Subscribe', duty);
  const offsite = { bucket: 'acme-offsite', key: await encryptionKey(aws) };
  await lockedBucket(offsite.bucket, aws);
  return { vpc, subnet, group, key, topic, signing: await signingKey(aws), offsite };
}

/** A key of somebody's account that encrypts. */
export async function encryptionKey(aws: Place & Keys): Promise<string> {
  const made = (await json(aws, aws, 'kms', 'TrentService.CreateKey', {})) as { KeyMetadata: { Arn: string } };
  return made.KeyMetadata.Arn;
}

/** A bucket whose objects nobody may delete for a week, but who may lift that lock. */
async function lockedBucket(name: string, aws: Place & Keys): Promise<void> {
  await createBucket(aws, name, { objectLock: true });
  const rule = '<DefaultRetention><Mode>GOVERNANCE</Mode><Days>7</Days></DefaultRetention>';
  await signed(aws, aws, {
    service: 's3',
    method: 'PUT',
    path: `/${name}`,
    query: { 'object-lock': '' },
    body:
      '<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled>' +
      `<Rule>${rule}</Rule></ObjectLockConfiguration>`,
  });
}

async function signingKey(aws: Place & Keys): Promise<There['signing']> {
  const made = { KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' };
  const { KeyMetadata: key } = (await json(aws, aws, 'kms', 'TrentService.CreateKey', made)) as {
    KeyMetadata: { Arn: string };
  };
  const { PublicKey: publicKey } = (await json(aws, aws, 'kms', 'TrentService.GetPublicKey', { KeyId: key.Arn })) as {
    PublicKey: string;
  };
  return { arn: key.Arn, publicKey };
}

async function fillShop(server: DatabaseServer): Promise<void> {
  await postgresSql(server, 'postgres', 'create database shop');
  await postgresSql(
    server,
    'shop',
    'create table orders (id bigint generated always as identity primary key, note text)',
    `insert into orders (note) select md5(g::text) from generate_series(1, 5000) g`,
    'create view recent as select * from orders where id > 4000',
  );
}

async function fillBlog(server: DatabaseServer): Promise<void> {
  await mariadbSql(
    server,
    'create database blog',
    'use blog',
    'create table posts (id bigint auto_increment primary key, note text)',
    'insert into posts (note) select md5(seq) from seq_1_to_5000',
  );
}

async function fillLedger(server: DatabaseServer, { port }: Directory): Promise<void> {
  const rules = join(server.dataDir, 'pg_hba.conf');
  await writeFile(
    rules,
    `hostssl all backup,nightjar 127.0.0.1/32 ldap ldapserver=127.0.0.1 ldapport=${port} ` +
      `ldapprefix="user="\n${await readFile(rules, 'utf8')}`,
  );
  const ssl = { ca: await readFile(server.caFile!, 'utf8') };
  for (const [database, statements] of [
    [
      'postgres',
      [
        'select pg_reload_conf()',
        'create role backup login superuser',
        'create role nightjar login superuser',
        'create database ledger',
      ],
    ],
    [
      'ledger',
      [
        'create table entries (id int primary key, cents bigint)',
        'insert into entries select n, n * 100 from generate_series(1, 1000) n',
      ],
    ],
  ] as const) {
    const client = new pg.Client({
      host: server.host,
      port: server.port,
      user: server.user,
      password: server.password,
      database,
      ssl,
    });
    await client.connect();
    for (const statement of statements) await client.query(statement);
    await client.end();
  }
}
