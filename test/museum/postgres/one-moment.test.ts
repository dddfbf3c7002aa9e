import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import pg from 'pg';
import { backup } from '../../../core/commands/backup.ts';
import { restore } from '../../../core/commands/restore/restore.ts';
import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import type { Vault } from '../../../core/vault.ts';
import { acting } from '../../support/faults/kills.ts';
import { makePart } from '../../support/parts.ts';
import { limit, postgresScene } from '../../support/postgres.ts';
import type { PostgresScene } from '../../support/postgres.ts';

let scene: PostgresScene;

beforeAll(async () => {
  scene = await postgresScene(17, { max_prepared_transactions: '5' });
}, 1_200_000);

afterAll(() => scene?.stop());

beforeEach(async () => {
  await scene.sql('postgres', 'drop database if exists shop with (force)');
  await scene.sql('postgres', 'drop database if exists copy with (force)');
  await scene.sql('postgres', 'create database shop');
});

const source = (login = {}) => scene.source('shop', { login });

/** A session of somebody else's, which may leave a transaction open. */
async function another(): Promise<pg.Client> {
  const { host, port, user, password } = scene.server;
  const client = new pg.Client({ host, port, user, password, database: 'shop' });
  await client.connect();
  return client;
}

async function untilWaiting(client: pg.Client): Promise<void> {
  for (;;) {
    const { rowCount } = await client.query(`select from pg_locks where not granted and locktype = 'relation'`);
    if (rowCount! > 0) return;
    await new Promise((wake) => setTimeout(wake, 10));
  }
}

/** What a stock client counts in the restored copy. */
async function restored(manifest: Manifest, query: string): Promise<unknown[]> {
  await restore(
    manifest,
    scene.source('copy').engine,
    { replace: false, owners: true, proof: true },
    { ...scene.deps(), parallel: 2 },
    limit(),
  );
  return scene.sql('copy', query);
}

/** The vault; once the first bytes of this file are on their way, another session does something. */
function during(file: string, sql: string): Vault {
  const put: Vault['put'] = (key, body, tags, signal) =>
    scene.vault.put(
      key,
      key.endsWith(file) ? acting(body, async () => void (await scene.sql('shop', sql))) : body,
      tags,
      signal,
    );
  return { ...scene.vault, put };
}

test('a log that was rotated while the backup waited for it is not 0 rows: old and new are both there', async () => {
  await scene.sql('shop', 'create table log as select g as id from generate_series(1, 5000) g');
  const rotation = await another();
  await rotation.query('begin; alter table log rename to log_2026; create table log (like log_2026 including all)');

  const running = backup(source(), scene.deps(), limit());
  await untilWaiting(rotation);
  await rotation.query('commit');
  await rotation.end();

  expect(
    await restored(
      await running,
      'select (select count(*)::int from log) as new, (select count(*)::int from log_2026) as old',
    ),
  ).toEqual([{ new: 0, old: 5000 }]);
});

test.each([
  ['truncate', 'truncate log', [{ rows: 0 }]],
  [
    'an exchange of two tables',
    'alter table log rename to l; alter table other rename to log; alter table l rename to other',
    [{ rows: 1 }],
  ],
  [
    'a move of the table into another schema, where a new one takes its place',
    'create schema old; alter table log set schema old; create table log (id int)',
    [{ rows: 0 }],
  ],
  ['a drop and a new table', 'drop table log; create table log as select 1 as id', [{ rows: 1 }]],
  ['a rewrite', 'alter table log alter id type bigint', [{ rows: 5000 }]],
])('%s while the backup waits is before the backup’s moment', async (_, statements, expected) => {
  await scene.sql(
    'shop',
    'create table log as select g as id from generate_series(1, 5000) g; create table other as select 1 as id',
  );
  const migration = await another();
  await migration.query(`begin; lock table log in access exclusive mode; ${statements}`);

  const running = backup(source(), scene.deps(), limit());
  await untilWaiting(migration);
  await migration.query('commit');
  await migration.end();

  expect(await restored(await running, 'select count(*)::int as rows from log')).toEqual(expected);
});

test('tables that are rotated faster than they can be locked are an error that says so', async () => {
  await scene.sql('shop', 'create table log (id int)');
  const rotations = await another();
  let over = false;
  const rotating = (async () => {
    for (let i = 0; !over; i += 1)
      await rotations.query(
        `begin; alter table log rename to log_${i}; create table log (id int); select pg_sleep(0.02); commit`,
      );
  })();

  const ended = await backup(source(), scene.deps(), limit()).then(
    () => 'complete',
    (error: { code: string }) => error.code,
  );
  over = true;
  await rotating;
  await rotations.end();

  expect(ended).toMatch(/^(complete|source-changed)$/);
});

test('schemas that change places while rows are read are an error: each table’s rows would be the other one’s', async () => {
  await scene.sql(
    'shop',
    `create schema blue; create schema green; create table filler as select g as id, repeat(md5(g::text), 20) as text from generate_series(1, 40000) g;
    create table blue.t as select g as id from generate_series(1, 10) g; create table green.t as select 1 as id`,
  );
  const swap =
    'begin; alter schema blue rename to x; alter schema green rename to blue; alter schema x rename to green; commit';

  const running = backup(source(), scene.deps(during('schema.pgdump', swap)), limit());

  await expect(running).rejects.toMatchObject({ code: 'source-changed', hint: expect.stringContaining('again') });
});

test('a function that is dropped before pg_dump prints it is an error: it would be printed without its arguments', async () => {
  await scene.sql('shop', `create function half(i int) returns int language sql as 'select i / 2'`);
  const plan = await source().engine.plan({}, limit());
  try {
    await scene.sql('shop', 'drop function half(int)');

    await expect(makePart(source().engine, plan.parts[0]!)).rejects.toMatchObject({
      code: 'source-changed',
      message: expect.stringContaining('half'),
    });
  } finally {
    await plan.close();
  }
});

test.each([
  ['a view', 'alter view late rename to later'],
  ['a view’s column', 'alter view late rename column id to number'],
  ['a function', 'alter function half(int) rename to halve'],
  ['a type', 'alter type mood rename to temper'],
  ['a label', `alter type mood rename value 'bad' to 'worse'`],
  ['a sequence', 'alter sequence counter rename to numbers'],
  [
    'a sequence, for another one that takes its name',
    'alter sequence counter rename to numbers; create sequence counter',
  ],
  ['a schema', 'alter schema extra rename to additional'],
  ['an index', 'alter index orders_item rename to orders_by_item'],
  ['a role', 'alter role clerk rename to writer'],
])(
  '%s that is renamed between the snapshot and pg_dump is an error: definitions would not be those of one moment',
  async (_, statement) => {
    await scene.sql(
      'shop',
      `create table orders (id int, item text); create index orders_item on orders (item); create view late as select id from orders; create sequence counter;
    create function half(i int) returns int language sql as 'select i / 2'; create type mood as enum ('good', 'bad'); create schema extra;
    drop role if exists clerk, writer; create role clerk; grant select on orders to clerk`,
    );
    const plan = await source().engine.plan({}, limit());
    try {
      await scene.sql('shop', statement);

      await expect(makePart(source().engine, plan.parts[0]!)).rejects.toMatchObject({ code: 'source-changed' });
    } finally {
      await plan.close();
    }
  },
);

test('sequences that change names before their values are read are an error: each would have the other’s', async () => {
  await scene.sql(
    'shop',
    'create table t (id int); create sequence small; create sequence large start 1000000; select ' +
      `nextval('small'), nextval('large')`,
  );
  const plan = await source().engine.plan({}, limit());
  try {
    await scene.sql(
      'shop',
      'alter sequence small rename to x; alter sequence large rename to small; alter sequence x rename to large',
    );

    await expect(makePart(source().engine, plan.parts.at(-1)!)).rejects.toMatchObject({ code: 'source-changed' });
  } finally {
    await plan.close();
  }
});

test('a sequence that is dropped before its value is read is an error that says so, in the words of pg_dump 18 too', async () => {
  const newest = await postgresScene(18);
  try {
    await newest.sql('postgres', 'create sequence counter');
    const { engine } = newest.source('postgres');
    const plan = await engine.plan({}, limit());
    await newest.sql('postgres', 'drop sequence counter');

    await expect(makePart(engine, plan.parts.at(-1)!)).rejects.toMatchObject({
      code: 'source-changed',
      message: expect.stringContaining('counter'),
    });
    await plan.close();
  } finally {
    await newest.stop();
  }
});

test('a label that is renamed while rows are read is an error: definitions say the old one, rows the new one', async () => {
  await scene.sql('shop', `create type mood as enum ('good', 'bad'); create table t as select 'bad'::mood as m`);
  const plan = await source().engine.plan({}, limit());
  try {
    await makePart(source().engine, plan.parts[0]!);
    await scene.sql('shop', `alter type mood rename value 'bad' to 'worse'`);
    for (const part of plan.parts.slice(1)) await makePart(source().engine, part);

    await expect(
      plan.confirm([{ table: 'public.t', columns: 'm', rows: 1, fingerprint: '0' }], [], limit()),
    ).rejects.toMatchObject({ code: 'source-changed', message: expect.stringContaining('mood') });
  } finally {
    await plan.close();
  }
});

test('a name that rows print by its number (regclass) and that changes while they are read is an error: no restore would find it', async () => {
  await scene.sql(
    'shop',
    `create view late as select 1 as id; create table watched (what regclass); insert into watched values ('late')`,
  );
  const plan = await source().engine.plan({}, limit());
  try {
    await makePart(source().engine, plan.parts[0]!);
    await scene.sql('shop', 'alter view late rename to later');
    for (const part of plan.parts.slice(1)) await makePart(source().engine, part);

    await expect(
      plan.confirm([{ table: 'public.watched', columns: 'what', rows: 1, fingerprint: '0' }], [], limit()),
    ).rejects.toMatchObject({ code: 'source-changed', message: expect.stringContaining('late') });
  } finally {
    await plan.close();
  }
});

test('what an extension configures is locked as well: emptied behind the snapshot, it would be dumped as empty', async () => {
  await scene.sql(
    'shop',
    `create table settings (name text); insert into settings values ('kept'); alter extension plpgsql add table ` +
      'settings',
  );
  const plan = await source().engine.plan({}, limit());
  try {
    await expect(scene.sql('shop', `set lock_timeout = '200ms'; truncate settings`)).rejects.toThrow(/lock timeout/);
  } finally {
    await plan.close();
  }
});

test('a lock of a prepared transaction is told with its name and the statements that end it', async () => {
  await scene.sql('shop', `create table orders (id int)`);
  await scene.sql('shop', `begin; lock table orders in access exclusive mode; prepare transaction 'it''s left'`);
  try {
    await expect(backup(source({ lockTimeoutMs: 200 }), scene.deps(), limit())).rejects.toMatchObject({
      code: 'lock-timeout',
      message: expect.stringContaining(`orders is locked by the prepared transaction 'it''s left' (postgres, prepared`),
      hint: expect.stringMatching(
        /database shop: COMMIT PREPARED 'it''s left', or ROLLBACK PREPARED 'it''s left'.*pg_prepared_xacts/,
      ),
    });
  } finally {
    await scene.sql('shop', `rollback prepared 'it''s left'`);
  }
});
