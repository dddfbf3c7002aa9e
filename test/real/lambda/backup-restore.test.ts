import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startMariadb } from '../../servers/databases/mariadb.ts';
import { startPostgres } from '../../servers/databases/postgres.ts';
import type { DatabaseServer } from '../../servers/server.ts';
import type { LambdaFunction } from './sandbox/function.ts';
import { errorOf, valueOf } from './sandbox/outcome.ts';
import { openScene, type Scene } from './scene.ts';
import { mariadbSql, postgresSql } from './sql.ts';

let scene: Scene;
let postgres: DatabaseServer;
let mariadb: DatabaseServer;
let backup: LambdaFunction;
let restore: LambdaFunction;

beforeAll(async () => {
  [scene, postgres, mariadb] = await Promise.all([
    openScene(),
    startPostgres({ major: 18 }),
    startMariadb({ series: '11.8' }),
  ]);
  await postgresSql(postgres, 'postgres', 'create database shop');
  await postgresSql(
    postgres,
    'shop',
    'create table orders (id bigint generated always as identity primary key, note text)',
    `insert into orders (note) select md5(g::text) from generate_series(1, 5000) g`,
    'create view recent as select * from orders where id > 4000',
  );
  await mariadbSql(
    mariadb,
    'create database shop',
    'use shop',
    'create table shop.orders (id bigint auto_increment primary key, note text)',
    'insert into shop.orders (note) select md5(seq) from seq_1_to_5000',
    'create view shop.recent as select * from shop.orders where id > 4000',
    'create event shop.tidy on schedule every 1 hour do set @x = 1',
  );
  const shop = { server: postgres, engine: 'postgres', database: 'shop' } as const;
  const sources = {
    shop,
    fresh: shop,
    precious: { ...shop, rank: 'production' },
    broken: { ...shop, database: 'broken' },
    'web shop': { server: mariadb, engine: 'mariadb', database: 'shop' } as const,
  };
  [backup, restore] = await Promise.all([scene.deploy('backup', sources), scene.deploy('restore', sources)]);
}, 20 * 60_000);

afterAll(async () => {
  await Promise.all([scene?.close(), postgres?.stop(), mariadb?.stop()]);
});

test('a backup function that is asked to look says what a backup takes, makes none, and leaves nothing', async () => {
  const before = await scene.keys();

  const fine = valueOf(await backup.invoke({ source: 'shop', doctor: true }));
  const broken = valueOf(await backup.invoke({ source: 'broken', doctor: true }));

  expect(fine).toMatchObject({ status: 'examined', source: 'shop', ok: true });
  expect(fine).toMatchObject({
    results: expect.arrayContaining([
      expect.objectContaining({ about: 'vault', what: 'written once', outcome: 'fine' }),
      expect.objectContaining({ about: 'source shop', what: 'backup', outcome: 'fine' }),
    ]),
  });
  expect(broken).toMatchObject({
    ok: false,
    results: expect.arrayContaining([
      expect.objectContaining({ what: 'reachable', outcome: 'failed', remedy: expect.stringContaining('psql -l') }),
    ]),
  });
  expect(await scene.keys()).toEqual(before);
});

test('a PostgreSQL database goes into S3 and comes back proven equal, by the bundles alone', async () => {
  const stored = valueOf(await backup.invoke({ source: 'shop' }));
  const restored = valueOf(await restore.invoke({ source: 'shop', backup: 'latest', to: 'shop_restored' }));

  expect(stored).toMatchObject({ status: 'stored', source: 'shop', tables: 1, rows: 5000, warnings: [] });
  expect(restored).toMatchObject({
    status: 'restored',
    database: 'shop_restored',
    proof: expect.stringMatching(/^proven equal: 1 table, 5,000 rows, \d+ definitions$/),
  });
  expect(await postgresSql(postgres, 'shop_restored', 'select count(*)::int as n from recent')).toEqual([{ n: 1000 }]);
});

test('a MariaDB database goes into S3 and comes back proven equal, by the bundles alone', async () => {
  const stored = valueOf(await backup.invoke({ source: 'web shop' }));
  const restored = valueOf(await restore.invoke({ source: 'web shop', to: 'shop_restored' }));

  expect(stored).toMatchObject({ status: 'stored', source: 'web shop', tables: 1, rows: 5000 });
  expect(restored).toMatchObject({
    status: 'restored',
    database: 'shop_restored',
    proof: expect.stringContaining('proven equal: 1 table, 5,000 rows'),
  });
  expect(await mariadbSql(mariadb, 'select count(*) as n from shop_restored.recent')).toEqual([{ n: 1000 }]);
});

test('a restore that goes on answers what it could not restore, and replaces nothing', async () => {
  await postgresSql(postgres, 'postgres', 'create database broken');
  await postgresSql(
    postgres,
    'broken',
    'create table buyers (id int primary key)',
    'create table bills (buyer int)',
    'insert into bills values (7)',
    'alter table bills add constraint bills_buyer foreign key (buyer) references buyers not valid',
    `update pg_constraint set convalidated = true where conname = 'bills_buyer'`,
  );
  valueOf(await backup.invoke({ source: 'broken' }));

  const refused = errorOf(await restore.invoke({ source: 'broken', to: 'broken', replace: true, confirm: 'broken' }));
  const kept = valueOf(
    await restore.invoke({ source: 'broken', to: 'broken', replace: true, confirm: 'broken', keepGoing: true }),
  );

  expect(refused).toMatchObject({
    errorType: 'restore-failed',
    errorMessage: expect.stringMatching(
      /violates foreign key constraint "bills_buyer": statement: ALTER TABLE.*database broken is as it was.*"keepGoing": true/,
    ),
  });
  expect(kept).toMatchObject({
    status: 'incomplete',
    notReplaced: 'broken',
    database: expect.stringMatching(/^nightjar_new_/),
    proof: 'not proven',
    failed: 1,
    failures: [
      {
        object: 'FK CONSTRAINT bills bills_buyer',
        error: expect.stringContaining('violates foreign key'),
        statement: expect.stringContaining('ADD CONSTRAINT bills_buyer'),
      },
    ],
  });
});

test('events of a copy are disabled and named in the answer; in place they run again', async () => {
  const copy = valueOf(await restore.invoke({ source: 'web shop', to: 'shop_quiet' }));
  const inPlace = valueOf(await restore.invoke({ source: 'web shop', to: 'shop', replace: true, confirm: 'shop' }));
  const events = await mariadbSql(
    mariadb,
    "select event_schema as place, status from information_schema.events where event_schema in ('shop', " +
      "'shop_quiet') order by 1",
  );

  expect([copy, inPlace]).toMatchObject([
    { notes: [expect.stringContaining('`tidy`')] },
    { status: 'restored', notes: [expect.stringContaining('the old database is kept as shop_before_')] },
  ]);
  expect(events).toEqual([
    { place: 'shop', status: 'ENABLED' },
    { place: 'shop_quiet', status: 'DISABLED' },
  ]);
});

test('where the host is a replica, a restore goes to the server that the event names of those that are listed', async () => {
  valueOf(await backup.invoke({ source: 'shop' }));
  const secret = `postgres-${postgres.port}`;
  const login = { user: { secret, field: 'username' }, password: { secret, field: 'password' } };
  const shop = {
    postgres: { host: 'replica.invalid', port: postgres.port, database: 'shop', ...login },
    cloud: { restoreHost: ['writer.invalid', postgres.host] },
  };
  const neighbour = { rank: 'production', postgres: { ...shop.postgres, host: postgres.host, database: 'other' } };
  const toWriter = await scene.deploy('restore', {}, { config: { sources: { shop, neighbour } } });

  const refused = errorOf(await toWriter.invoke({ source: 'shop', restoreHost: 'replica.invalid' }));
  const event = { source: 'shop', to: 'shop_by_writer', restoreHost: postgres.host };
  const restored = valueOf(await toWriter.invoke(event));
  const inPlace = { source: 'shop', to: 'shop', replace: true, confirm: 'shop', restoreHost: postgres.host };
  const unranked = errorOf(await toWriter.invoke(inPlace));

  expect(refused).toMatchObject({
    errorType: 'input-invalid',
    errorMessage: expect.stringContaining(`the configuration allows writer.invalid, ${postgres.host}`),
  });
  expect(restored).toMatchObject({ status: 'restored', database: 'shop_by_writer' });
  expect(unranked).toMatchObject({
    errorType: 'input-invalid',
    errorMessage: expect.stringContaining('(hint: if it is: "into": "production")'),
  });
});

test('a restore without a target makes a new database, named after the old one and the backup', async () => {
  valueOf(await backup.invoke({ source: 'fresh' }));

  const restored = valueOf(await restore.invoke({ source: 'fresh' }));

  expect(restored).toMatchObject({ status: 'restored', database: expect.stringMatching(/^shop_\d{8}_\d{6}$/) });
});

test('a database that holds something is replaced only when the event names it twice', async () => {
  valueOf(await backup.invoke({ source: 'precious' }));
  await postgresSql(postgres, 'postgres', 'create database kept');
  await postgresSql(postgres, 'kept', 'create table treasure ()');

  const planned = valueOf(await restore.invoke({ source: 'precious', to: 'kept', replace: true, plan: true }));
  const refused = errorOf(await restore.invoke({ source: 'precious', to: 'kept' }));
  const unconfirmed = errorOf(await restore.invoke({ source: 'precious', to: 'kept', replace: true, confirm: 'keep' }));
  const replacing = { source: 'precious', to: 'kept', replace: true, confirm: 'kept' };
  const unranked = errorOf(await restore.invoke(replacing));
  const replaced = valueOf(await restore.invoke({ ...replacing, into: 'production' }));

  expect(planned).toMatchObject({ status: 'planned', state: 'occupied', holds: '1 table', wouldFail: false });
  expect(refused).toMatchObject({
    errorType: 'target-not-empty',
    errorMessage: expect.stringContaining('"confirm" with its name'),
  });
  expect(unranked).toMatchObject({
    errorType: 'input-invalid',
    errorMessage: expect.stringContaining('(hint: if it is: "into": "production")'),
  });
  expect(unconfirmed).toMatchObject({
    errorType: 'input-invalid',
    errorMessage: expect.stringContaining('confirm: with replace, write the name of the database again'),
  });
  expect(replaced).toMatchObject({ database: 'kept', proof: expect.stringContaining('proven equal') });
});
