import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { CopyObjectCommand, DeleteObjectCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { startMariadb } from '../../servers/databases/mariadb.ts';
import { startPostgres } from '../../servers/databases/postgres.ts';
import { s3Client } from '../../servers/s3/client.ts';
import type { DatabaseServer } from '../../servers/server.ts';
import type { LambdaFunction } from './sandbox/function.ts';
import { errorOf, valueOf } from './sandbox/outcome.ts';
import { openScene, type Scene, type SceneSource } from './scene.ts';
import { mariadbSql, postgresSql } from './sql.ts';

let scene: Scene;
let postgres: DatabaseServer;
let mariadb: DatabaseServer;
let sources: Record<string, SceneSource>;
let backup: LambdaFunction;

beforeAll(async () => {
  [scene, postgres, mariadb] = await Promise.all([
    openScene(),
    startPostgres({ major: 18 }),
    startMariadb({ series: '11.8' }),
  ]);
  await postgresSql(postgres, 'postgres', 'create database shop');
  await postgresSql(postgres, 'shop', 'create table orders as select g as id from generate_series(1, 500) g');
  await mariadbSql(
    mariadb,
    'create database shop',
    'use shop',
    'create table orders (id bigint auto_increment primary key, note text)',
    'insert into orders (note) select md5(seq) from seq_1_to_500',
  );
  sources = {
    shop: { server: postgres, engine: 'postgres', database: 'shop' },
    'web shop': { server: mariadb, engine: 'mariadb', database: 'shop' },
  };
  backup = await scene.deploy('backup', sources);
  for (const source of Object.keys(sources)) valueOf(await backup.invoke({ source }));
}, 20 * 60_000);

afterAll(async () => {
  await Promise.all([scene?.close(), postgres?.stop(), mariadb?.stop()]);
});

const drillOf = (assert: string, timeoutMs?: number) =>
  scene.deploy('drill', sources, {
    config: { defaults: { drill: { assert: [assert] } } },
    ...(timeoutMs !== undefined && { timeoutMs }),
  });
/** Everything that lies in the first vault, in another bucket, as another program copies it. */
async function copied(to: string): Promise<void> {
  await scene.aws.createBucket(to);
  const s3 = s3Client(scene.aws);
  for (const key of await scene.keys())
    await s3.send(new CopyObjectCommand({ Bucket: to, Key: key, CopySource: `vault/${encodeURIComponent(key)}` }));
  s3.destroy();
}

const left = async () => [
  ...(await postgresSql(postgres, 'postgres', `select datname from pg_database where datname like '%drill%'`)),
  ...(await mariadbSql(mariadb, `show databases like '%drill%'`)),
];

test('a backup of either engine is tried by the bundle alone, in a database that is gone again', async () => {
  const drill = await drillOf('select count(*) = 500 from orders');

  for (const source of Object.keys(sources))
    expect(valueOf(await drill.invoke({ source }))).toMatchObject({
      status: 'drilled',
      source,
      place: expect.stringContaining('/shop_drill_'),
      proof: expect.stringContaining('proven equal: 1 table, 500 rows'),
      assertions: 1,
    });

  expect(await left()).toEqual([]);
  expect((await scene.keys()).filter((key) => key.endsWith('-drill-passed.json'))).toHaveLength(2);
});

test('a copy in a further vault is tried and restored from there, though the backup is gone from the first one', async () => {
  await copied('offsite');
  const { endpoint, region } = scene.aws;
  const config = {
    vaults: { offsite: { s3: { bucket: 'offsite', endpoint, region } } },
    defaults: { copies: ['offsite'] },
  };
  const manifest = (await scene.keys()).find((key) => /^shop\/.*manifest\.json$/.test(key))!;
  const s3 = s3Client(scene.aws);
  const document = await (
    await s3.send(new GetObjectCommand({ Bucket: 'vault', Key: manifest }))
  ).Body!.transformToString();
  await s3.send(new DeleteObjectCommand({ Bucket: 'vault', Key: manifest }));
  const [drill, restore] = [
    await scene.deploy('drill', sources, { config }),
    await scene.deploy('restore', sources, { config }),
  ];

  expect(errorOf(await drill.invoke({ source: 'shop' }))).toMatchObject({ errorType: 'backup-missing' });
  expect(valueOf(await drill.invoke({ source: 'shop', vault: 'offsite' }))).toMatchObject({ status: 'drilled' });
  expect(valueOf(await restore.invoke({ source: 'shop', vault: 'offsite', to: 'again' }))).toMatchObject({
    status: 'restored',
  });
  expect(await postgresSql(postgres, 'again', 'select count(*)::int as rows from orders')).toEqual([{ rows: 500 }]);
  expect(errorOf(await drill.invoke({ source: 'shop', vault: 'ofsite' }))).toMatchObject({
    errorType: 'input-invalid',
    errorMessage: expect.stringContaining('offsite'),
  });

  await s3.send(new PutObjectCommand({ Bucket: 'vault', Key: manifest, Body: document }));
  s3.destroy();
});

test('a month of weekly drills, each of a new backup, leaves no database, no note and no message', async () => {
  const drill = await drillOf('select count(*) = 500 from orders');
  const passed = async () => (await scene.keys()).filter((key) => key.endsWith('-drill-passed.json')).length;
  const before = await passed();
  const ids = new Set<unknown>();

  for (let week = 0; week < 5; week += 1)
    for (const source of Object.keys(sources)) {
      valueOf(await backup.invoke({ source }));
      const drilled = valueOf(await drill.invoke({ source })) as { id: string };
      expect(drilled).toMatchObject({ status: 'drilled', notes: [] });
      ids.add(`${source} ${drilled.id}`);
    }

  expect(ids.size).toBe(10);
  expect((await passed()) - before).toBe(10);
  expect(await left()).toEqual([]);
  expect((await scene.keys()).filter((key) => key.includes('.outbox'))).toEqual([]);
}, 120_000);

test('an assertion that is not true is the error of the function, and on record', async () => {
  const drill = await drillOf('select count(*) = 0 from orders');

  expect(errorOf(await drill.invoke({ source: 'shop' }))).toMatchObject({
    errorType: 'proof-failed',
    errorMessage: expect.stringContaining('the assertion is not true: select count(*) = 0 from orders'),
  });

  expect(await left()).toEqual([]);
  expect((await scene.keys()).filter((key) => key.endsWith('-drill-failed.json'))).toHaveLength(1);
});

test('the end of the function’s time comes with nothing left', async () => {
  const drill = await drillOf('select sleep(50) = 0', 16_000);

  expect(errorOf(await drill.invoke({ source: 'web shop' }))).toMatchObject({ errorType: 'deadline' });

  expect(await left()).toEqual([]);
});
