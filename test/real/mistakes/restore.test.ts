import { readdirSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { startPostgres } from '../../servers/databases/postgres.ts';
import { mistakes } from './support/mistake.ts';
import type { Mistake, World } from './support/mistake.ts';
import { asPostgres, at } from './support/servers.ts';

/** An extension that one server has and the others have not; PostgreSQL 18 looks for extensions where it is told to. */
async function ownExtension(): Promise<string> {
  const folder = join(tmpdir(), `nightjar-shelf-${process.pid}`);
  await mkdir(join(folder, 'extension'), { recursive: true, mode: 0o755 });
  await writeFile(join(folder, 'extension/shelf.control'), `default_version = '1.0'\n`);
  await writeFile(
    join(folder, 'extension/shelf--1.0.sql'),
    'create function shelf() returns int language sql return 1;\n',
  );
  return folder;
}

async function open() {
  const extensions = await ownExtension();
  const [server, other, old] = await Promise.all([
    startPostgres({ major: 18, settings: { extension_control_path: `$system:${extensions}` } }),
    startPostgres({ major: 18 }),
    startPostgres({ major: 15 }),
  ]);
  await asPostgres(server, 'postgres', 'create database shop', 'create database shelved', 'create database modern');
  await asPostgres(server, 'shop', 'create table orders (id int primary key)', 'insert into orders values (1)');
  await asPostgres(server, 'shelved', 'create extension shelf', 'create table books as select 1 as id');
  await asPostgres(
    server,
    'modern',
    'create table prices (net int, gross int generated always as (net * 2) virtual)',
    'insert into prices values (1)',
  );
  const login = (one: typeof server, variable: string, database: string) =>
    `postgres: { ${at(one)}, user: postgres, password: { env: ${variable} }, database: ${database} }`;
  const sources = {
    shop: login(server, 'NEW', 'shop'),
    shelved: login(server, 'NEW', 'shelved'),
    modern: login(server, 'NEW', 'modern'),
    other: login(other, 'NEW', 'shop'),
    old: login(old, 'OLD', 'shop'),
    blog: 'mariadb: { host: 127.0.0.1, port: 9, user: app, database: blog }',
  };
  const config = `vault: ./backups\nsources:\n${Object.entries(sources)
    .map(([name, source]) => `  ${name}:\n    ${source}\n`)
    .join('')}`;
  let application: pg.Client | undefined;
  const stop = async () => {
    await Promise.all([server.stop(), other.stop(), old.stop()]);
    await rm(extensions, { recursive: true, force: true });
  };
  return {
    server,
    old,
    config,
    connect: async () => void (await (application = connection(server)).connect()),
    disconnect: () => application!.end(),
    stop,
  };
}
type Servers = Awaited<ReturnType<typeof open>>;

function connection({ host, port, user, password }: Servers['server']): pg.Client {
  return new pg.Client({
    host,
    port,
    user,
    password,
    database: 'shop',
    application_name: 'the-till-of-the-shop-in-the-kalverstraat-1',
  });
}

const secrets = ({ server, old }: World<Servers>) => [server.password, old.password];
const withPasswords = async ({ env, server, old }: World<Servers>) =>
  Object.assign(env, { NEW: server.password, OLD: old.password });
const backedUp = (source: string) => async (world: World<Servers>) => {
  await withPasswords(world);
  await world.well('backup', source);
};
const inPlace = ['restore', 'shop', '--to', 'shop', '--replace'];
const asked = 'Type shop to go on: ';
/** The newest backup, whatever it is worth. */
const newestId = ({ folder }: World<Servers>) =>
  readdirSync(join(folder, 'backups/shop'))
    .filter((name) => /^\d{8}T/.test(name))
    .sort()
    .at(-1)!;
const fileOf = (world: World<Servers>, file: string) => join(world.folder, 'backups/shop', newestId(world), file);
const newest = (world: World<Servers>) => ['restore', 'shop', newestId(world), '--to', 'damaged'];

const table: Mistake<Servers>[] = [
  { name: 'There is no backup yet', args: ['restore', 'shop'], given: withPasswords, secrets },
  {
    name: 'The id is of no backup',
    args: ['restore', 'shop', '20260102T030405Z-a1b2c3'],
    given: backedUp('shop'),
    secrets,
  },
  { name: 'Another source has no backup', args: ['restore', 'old'], secrets },
  { name: 'The server of a source that is not there', args: ['restore', 'shop', '--server', 'othr'], secrets },
  { name: 'The backup of another engine', args: ['restore', 'shop', '--server', 'blog'], secrets },
  {
    name: 'The target is the source',
    args: ['restore', 'shop', '--to', 'shop'],
    secrets,
    remedy: async () => ['restore', 'shop', '--to', 'shop_again'],
  },
  { name: 'The target holds something', args: ['restore', 'shop', '--to', 'modern'], secrets },
  { name: 'The target is a template', args: ['restore', 'shop', '--to', 'template1'], secrets },
  {
    name: 'Nobody can be asked',
    args: inPlace,
    keyboard: { input: '/dev/null' },
    secrets,
    remedy: async () => [...inPlace, '--yes'],
  },
  { name: 'Ctrl-C at the question', args: inPlace, keyboard: { asked, answer: '\x03' }, stopped: true, secrets },
  { name: 'Ctrl-D at the question', args: inPlace, keyboard: { asked, answer: '\x04' }, secrets },
  { name: 'The typed word is another', args: inPlace, keyboard: { asked, answer: 'yes\n' }, secrets },
  {
    name: 'The application is still connected',
    args: [...inPlace, '--yes'],
    given: ({ connect }) => connect(),
    secrets,
    remedy: ({ disconnect }) => disconnect(),
  },
  {
    name: 'The server is older than the backup',
    args: ['restore', 'modern', '--server', 'old', '--to', 'modern'],
    given: backedUp('modern'),
    secrets,
  },
  {
    name: 'The server lacks an extension',
    args: ['restore', 'shelved', '--server', 'other', '--to', 'shelved'],
    given: backedUp('shelved'),
    secrets,
  },
  {
    name: 'A bit of the backup has flipped',
    args: newest,
    varies: true,
    secrets,
    async given(world) {
      const part = fileOf(world, 'data/0001.sql.zst');
      const bytes = await readFile(part);
      bytes[bytes.length >> 1]! ^= 1;
      await writeFile(part, bytes);
    },
  },
  {
    name: 'A part of the backup is gone',
    args: newest,
    secrets,
    given: async (world) => rm(fileOf(world, 'data/0001.sql.zst')),
  },
  {
    name: 'The manifest was edited',
    args: newest,
    secrets,
    given: async (world) => writeFile(fileOf(world, 'manifest.json'), '{ "format": 1 }'),
  },
];

mistakes('restore', open, table);
