import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startMariadb } from '../../servers/databases/mariadb.ts';
import { startPostgres } from '../../servers/databases/postgres.ts';
import type { DatabaseServer } from '../../servers/server.ts';
import { errorOf, valueOf } from './sandbox/outcome.ts';
import { openScene, type Scene, type SceneSource } from './scene.ts';
import { mariadbSql, postgresSql } from './sql.ts';

let scene: Scene;
let postgres: DatabaseServer;
let mariadb: DatabaseServer;
let sources: Record<string, SceneSource>;

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
  const backup = await scene.deploy('backup', sources);
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
