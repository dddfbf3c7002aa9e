import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import pg from 'pg';
import { startPostgres } from '../../../servers/databases/postgres.ts';
import { s3Client } from '../../../servers/s3/client.ts';
import type { DatabaseServer } from '../../../servers/server.ts';
import { errorOf, logOf, valueOf } from '../sandbox/outcome.ts';
import type { LambdaFunction } from '../sandbox/function.ts';
import { openScene, type Scene } from '../scene.ts';
import { postgresSql } from '../sql.ts';

// Every database of a server by the functions of one source, as a stack has them, with their bundles and little time.
const databases = ['blog', 'shop', 'Ünï "odd"'];
const scheduled = '2026-11-29T02:00:00Z';
let scene: Scene;
let server: DatabaseServer;
let backup: LambdaFunction;

type Deployed = Parameters<Scene['deploy']>[0];

async function deploy(name: Deployed, more: object = {}, timeoutMs = 120_000, knows = 'main'): Promise<LambdaFunction> {
  const secret = { secret: `postgres-${server.port}` };
  const login = { user: { ...secret, field: 'username' }, password: { ...secret, field: 'password' } };
  const at = { host: server.host, port: server.port, ...login, databases: 'all', exclude: ['scratch'] };
  const config = { sources: { main: { postgres: at, schedule: '0 2 * * *', drillEvery: '8d' } }, ...more };
  return scene.deploy(
    name,
    { main: { server, engine: 'postgres', database: 'postgres' } },
    {
      config,
      timeoutMs,
      environment: { NIGHTJAR_SERVER: knows, AWS_ENDPOINT_URL_SECRETS_MANAGER: scene.aws.endpoint },
    },
  );
}

/** Backups that are there, by source. */
async function made(): Promise<Record<string, number>> {
  const sources = (await scene.keys()).flatMap((key) => /^(.*)\/[^/]+\/manifest\.json$/.exec(key)?.[1] ?? []);
  return Object.fromEntries(
    Object.entries(Object.groupBy(sources, (one) => decodeURIComponent(one))).map(([name, of]) => [name, of!.length]),
  );
}

beforeAll(async () => {
  [scene, server] = await Promise.all([openScene(), startPostgres({ major: 18 })]);
  for (const [number, database] of [...databases, 'scratch'].entries()) {
    await postgresSql(server, 'postgres', `create database "${database.replaceAll('"', '""')}" template template0`);
    await postgresSql(
      server,
      database,
      `create table orders as select g as id, md5((g + ${number})::text) as note from generate_series(1, 500) g`,
    );
  }
  await scene.aws.createBucket('offsite');
  backup = await deploy('backup');
}, 20 * 60_000);

afterAll(async () => {
  await Promise.all([scene?.close(), server?.stop()]);
});

test('a check misses a server at which nobody has looked', async () => {
  const check = await deploy('check', {}, 120_000, '*');

  expect(valueOf(await check.invoke({}))).toMatchObject({
    sources: expect.arrayContaining([expect.objectContaining({ source: 'main', state: 'never' })]),
  });
}, 120_000);

test('each database has its turn; whose time is over is left to the next attempt, which begins with those that had none', async () => {
  const { host, port, user, password } = server;
  const blocker = new pg.Client({ host, port, user, password, database: 'shop' });
  await blocker.connect();
  await blocker.query('begin; lock table orders in access exclusive mode');

  const hurried = await deploy('backup', {}, 25_000);
  const cut = await hurried.invoke({ source: 'main', scheduled });
  const after = await made();
  await blocker.end();
  const again = await backup.invoke({ source: 'main', scheduled });

  expect(errorOf(cut)).toMatchObject({
    errorType: 'deadline',
    errorMessage: expect.stringMatching(
      // a machine that is quick gives the second one nearly all of the time: then it has failed, and is not left
      /^main: time was over when [12] of 3 databases had had their turn; left: (main\.shop, )?main\.Ünï/,
    ),
  });
  expect(after).toEqual({ 'main.blog': 1 });
  expect(valueOf(again)).toEqual({
    status: 'in turn',
    source: 'main',
    done: ['main.Ünï "odd"', 'main.blog', 'main.shop'],
    failed: [],
    left: [],
  });
  expect(await made()).toEqual({ 'main.blog': 1, 'main.shop': 1, 'main.Ünï "odd"': 1 });
  expect(
    logOf(again)
      .filter(({ message }) => message === 'end')
      .map(({ source }) => source),
  ).toEqual(['main.Ünï "odd"', 'main.blog', 'main.shop', 'main']);
}, 180_000);

test('a new database is backed up by the next night; one that is gone is missed, and is no turn', async () => {
  await postgresSql(
    server,
    'postgres',
    'drop database if exists blog',
    'drop database if exists fresh',
    'create database fresh template template0',
  );
  await postgresSql(server, 'fresh', 'create table t as select 1 as i');

  const night = await backup.invoke({ source: 'main', scheduled: '2026-11-30T02:00:00Z' });
  const check = await deploy('check', {}, 120_000, '*');

  const { done, ...rest } = valueOf(night) as { done: string[] };
  expect(rest).toMatchObject({ failed: [], left: [] });
  // what nobody has tried yet comes first; the others were begun in one second, maybe
  expect([done[0], done.slice(1).toSorted()]).toEqual(['main.fresh', ['main.shop', 'main.Ünï "odd"']]);
  const { sources } = valueOf(await check.invoke({})) as { sources: { source: string; state: string }[] };
  const states = Object.fromEntries(sources.map(({ source, state }) => [source, state]));
  expect(Object.keys(states).toSorted()).toEqual(
    ['main-globals', 'main.blog', 'main.fresh', 'main.shop', 'main.Ünï "odd"'].toSorted(),
  );
  expect(states['main-globals']).toBe('never');
}, 180_000);

test('drills try all that is due, copies and rotations come to each, and a restore takes one of them', async () => {
  const { endpoint, region } = scene.aws;
  const copies = {
    vaults: { offsite: { s3: { bucket: 'offsite', endpoint, region } } },
    defaults: { copies: ['offsite'] },
  };
  const [drill, rotate, copy, restore] = [
    await deploy('drill'),
    await deploy('rotate', {}, 120_000, '*'),
    await deploy('copy', copies, 120_000, '*'),
    await deploy('restore'),
  ];

  const drilled = valueOf(await drill.invoke({ source: 'main' })) as { done: string[] };
  expect(drilled.done.toSorted()).toEqual(['main.fresh', 'main.shop', 'main.Ünï "odd"'].toSorted());
  expect(valueOf(await drill.invoke({ source: 'main' }))).toMatchObject({ done: [] });
  expect(await postgresSql(server, 'postgres', `select from pg_database where datname ~ 'drill'`)).toEqual([]);
  expect(valueOf(await rotate.invoke({ source: 'main', dryRun: true }))).toMatchObject({ failed: [], left: [] });
  const copied = valueOf(await copy.invoke({ source: 'main' })) as { done: string[] };
  expect(copied.done).toContain('main.blog');

  expect(errorOf(await restore.invoke({ source: 'main' }))).toMatchObject({
    errorType: 'input-invalid',
    errorMessage: expect.stringContaining('main is a whole server, and this is for one source'),
  });
  // a role may list no whole vault: by name, a database is known by its own backups
  const s3 = s3Client(scene.aws);
  await s3.send(new DeleteObjectCommand({ Bucket: 'vault', Key: '.servers/main.json' }));
  s3.destroy();
  expect(valueOf(await restore.invoke({ source: 'main.blog', to: 'blog' }))).toMatchObject({ status: 'restored' });
  expect(
    await postgresSql(
      server,
      'blog',
      `select md5(string_agg(note, ',' order by id)) = (select md5(string_agg(md5(g::text), ',' order by g)) from generate_series(1, 500) g) as same from orders`,
    ),
  ).toEqual([{ same: true }]);
}, 300_000);

test('the look of a doctor says of each what it has found, and makes no backup', async () => {
  const before = await made();

  const { examined } = valueOf(await backup.invoke({ source: 'main', doctor: true })) as {
    examined: { source: string; ok: boolean }[];
  };

  expect(examined.map(({ source, ok }) => [source, ok]).toSorted()).toEqual(
    ['main.blog', 'main.fresh', 'main.shop', 'main.Ünï "odd"'].map((name) => [name, true]),
  );
  expect(await made()).toEqual(before);
}, 120_000);

test('a function that knows no server knows none of its databases', async () => {
  const other = await deploy('backup', {}, 120_000, 'another');

  expect(errorOf(await other.invoke({ source: 'main.shop' }))).toMatchObject({ errorType: 'input-invalid' });
}, 60_000);
