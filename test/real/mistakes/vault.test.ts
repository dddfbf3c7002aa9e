import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { PutBucketPolicyCommand } from '@aws-sdk/client-s3';
import { startCeph } from '../../servers/s3/ceph.ts';
import { startPostgres } from '../../servers/databases/postgres.ts';
import { s3Client } from '../../servers/s3/client.ts';
import { mistakes } from './support/mistake.ts';
import type { Mistake, World } from './support/mistake.ts';
import { asPostgres, at } from './support/servers.ts';

/**
 * A store that checks signatures and policies, a user of it without any right, and something that speaks TLS with a
 * certificate of nobody's.
 */
async function open() {
  const [store, server, tls] = await Promise.all([
    startCeph(),
    startPostgres({ major: 18 }),
    startPostgres({ major: 18, tls: true }),
  ]);
  const dataOf = (name: string) => readFile(join(tls.caFile!, '..', name), 'utf8');
  const secure = createServer({ cert: await dataOf('server.pem'), key: await dataOf('server.key') }, (_, response) =>
    response.end(),
  ).listen(0, '127.0.0.1');
  await Promise.all([
    once(secure, 'listening'),
    tls.stop(),
    store.createBucket('backups'),
    store.createBucket('readable'),
  ]);
  await asPostgres(server, 'postgres', 'create database shop');
  await asPostgres(
    server,
    'shop',
    'create table orders as select g as id, md5(g::text) || md5((-g)::text) as note from generate_series(1, 20000) g',
  );
  const stranger = await store.addUser('stranger');
  const client = s3Client(store);
  const Statement = [
    {
      Effect: 'Allow',
      Principal: { AWS: ['arn:aws:iam:::user/stranger'] },
      Action: ['s3:ListBucket', 's3:GetObject'],
      Resource: ['arn:aws:s3:::readable', 'arn:aws:s3:::readable/*'],
    },
  ];
  await client.send(
    new PutBucketPolicyCommand({ Bucket: 'readable', Policy: JSON.stringify({ Version: '2012-10-17', Statement }) }),
  );
  client.destroy();
  const stop = async () => {
    secure.close();
    await Promise.all([store.stop(), server.stop()]);
  };
  return { store, server, stranger, secure: (secure.address() as AddressInfo).port, config: '', stop };
}
type Servers = Awaited<ReturnType<typeof open>>;

type Bucket = { bucket?: string; endpoint?: string; as?: 'owner' | 'stranger'; more?: string };
const source = ({ server, env }: World<Servers>) => {
  env['PASSWORD'] = server.password;
  return `sources:\n  shop:\n    postgres: { ${at(server)}, user: postgres, password: { env: PASSWORD }, database: shop }\n`;
};
const folder = (path: string) => (world: World<Servers>) => `vault: ${path}\n${source(world)}`;
const bucket =
  ({ bucket: name = 'backups', endpoint, as = 'owner', more = '' }: Bucket) =>
  (world: World<Servers>) => {
    const keys = as === 'owner' ? world.store : world.stranger;
    Object.assign(world.env, { KEY: keys.accessKeyId, SECRET: keys.secretAccessKey });
    return `vault: { s3: { bucket: ${name}, endpoint: "${endpoint ?? world.store.endpoint}", accessKeyId: { env: KEY }, secretAccessKey: { env: SECRET }${more} } }\n${source(world)}`;
  };
const secrets = ({ store, stranger, server }: World<Servers>) => [
  store.secretAccessKey,
  stranger.secretAccessKey,
  server.password,
];
const backup = ['backup', 'shop'];
/** Root may do everything: as somebody else, then. */
const asNobody = process.getuid?.() === 0 ? 'setpriv --reuid=65534 --regid=65534 --clear-groups' : '';

const table: Mistake<Servers>[] = [
  { name: 'The folder above the vault is not there', config: folder('/nowhere/backups'), args: backup, secrets },
  {
    name: 'A file is in the place of the vault',
    config: folder('./vault'),
    given: ({ folder: at }) => writeFile(join(at, 'vault'), 'x'),
    args: backup,
    secrets,
  },
  { name: 'A list of a file', config: folder('./vault'), args: ['list'], secrets },
  { name: 'A tilde for the home', config: folder('~/backups'), args: backup, secrets },
  {
    name: 'The vault may only be read',
    config: folder('./locked/backups'),
    given: ({ folder: at }) => mkdir(join(at, 'locked'), { mode: 0o555 }),
    args: backup,
    keyboard: { as: asNobody },
    secrets,
  },
  { name: 'The vault is full', config: folder('./full'), args: backup, keyboard: { before: 'ulimit -f 100' }, secrets },
  { name: 'The bucket is not there', config: bucket({ bucket: 'bakups' }), args: backup, secrets },
  {
    name: 'The access key is unknown',
    config: bucket({}),
    given: async ({ env }) => (env['KEY'] = 'AKIANOBODY'),
    args: backup,
    secrets,
  },
  {
    name: 'The secret of the access key is wrong',
    config: bucket({}),
    given: async ({ env }) => (env['SECRET'] = 'hunter2'),
    args: backup,
    secrets,
  },
  {
    name: 'The variable of the access key is not set',
    config: bucket({}),
    given: async ({ env }) => delete env['KEY'],
    args: backup,
    secrets,
  },
  { name: 'The keys may not list the bucket', config: bucket({ as: 'stranger' }), args: backup, secrets },
  {
    name: 'The keys may not write into the bucket',
    config: bucket({ as: 'stranger', bucket: 'readable' }),
    args: backup,
    secrets,
  },
  {
    name: 'Nothing listens at the endpoint',
    config: bucket({ endpoint: 'http://127.0.0.1:9' }),
    args: ['list'],
    secrets,
  },
  {
    name: 'The endpoint is https, and the store has no TLS',
    config: (world) => bucket({ endpoint: world.store.endpoint.replace('http:', 'https:') })(world),
    args: ['list'],
    secrets,
  },
  {
    name: 'The endpoint is http, and the store wants TLS',
    config: (world) => bucket({ endpoint: `http://127.0.0.1:${world.secure}` })(world),
    args: ['list'],
    secrets,
  },
  {
    name: 'The certificate of the endpoint is of nobody known',
    config: (world) => bucket({ endpoint: `https://127.0.0.1:${world.secure}` })(world),
    args: ['list'],
    secrets,
  },
  {
    name: 'The authority of the endpoint is not there',
    config: bucket({ more: ', ca: ./authority.pem' }),
    args: ['list'],
    secrets,
  },
  {
    name: 'The endpoint is a web site',
    config: (world) => bucket({ endpoint: `http://127.0.0.1:${world.server.port}` })(world),
    args: ['list'],
    secrets,
  },
];

mistakes('vault', open, table);
