import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { backup } from '../../../../core/commands/backup.ts';
import { restore } from '../../../../core/commands/restore/restore.ts';
import type { Manifest } from '../../../../core/contract/manifest/manifest.ts';
import { openSession } from '../../../../core/engines/postgres/session.ts';
import { startStandby } from '../../../servers/databases/postgres.ts';
import type { DatabaseServer } from '../../../servers/server.ts';
import { acting } from '../../../support/faults/kills.ts';
import { limit, postgresScene, runSql } from '../../../support/postgres.ts';
import type { PostgresScene } from '../../../support/postgres.ts';

let scene: PostgresScene;
let standby: DatabaseServer;

beforeAll(async () => {
  // whose snapshot would keep dead rows from being vacuumed away
  scene = await postgresScene(18, { autovacuum: 'off' });
  await scene.sql('postgres', 'create database shop');
  await scene.sql(
    'shop',
    `create table orders (id serial primary key, item text); insert into orders (item) select md5(g::text) from generate_series(1, 50000) g;
    create table notes (id int); create view late as select * from orders where id > 900; create materialized view counted as select count(*) from orders;
    create unlogged table cache (id serial, value text); insert into cache (value) values ('b');
    select lo_from_bytea(4711, 'large');`,
  );
  standby = await startStandby(scene.server, { major: 18, settings: { max_standby_streaming_delay: '100ms' } });
  await caughtUp();
}, 1_200_000);

afterAll(async () => {
  await standby?.stop();
  await scene?.stop();
});

const source = () => scene.source('shop', { login: { port: standby.port } });

/** How many sessions in the database the standby has cancelled so far. */
async function conflicts(): Promise<number> {
  const [row] = await runSql(
    standby,
    'postgres',
    "select (confl_snapshot + confl_lock)::int as cancelled from pg_stat_database_conflicts where datname = 'shop'",
  );
  return row!['cancelled'] as number;
}

/** Until the standby has done all that the primary has done so far. */
async function caughtUp(): Promise<void> {
  const [at] = await scene.sql('postgres', 'select pg_current_wal_lsn()::text as lsn');
  for (let tries = 0; tries < 300; tries += 1) {
    const [now] = await runSql(standby, 'postgres', `select pg_last_wal_replay_lsn() >= '${at!['lsn']}' as done`);
    if (now!['done'] === true) return;
    await new Promise((wake) => setTimeout(wake, 50));
  }
  throw new Error('the standby has not caught up in 15 s');
}

const during = (act: () => Promise<void>) => ({
  ...scene.vault,
  put: (...[key, body, tags, signal]: Parameters<typeof scene.vault.put>) =>
    scene.vault.put(key, key.includes('/data/0002') ? acting(body, act) : body, tags, signal),
});

test('a hot standby is backed up, and what is restored elsewhere is proven equal', async () => {
  const manifest = await backup(source(), scene.deps(), limit());
  const { proof } = await restore(
    manifest,
    scene.source('copy').engine,
    { replace: false, owners: true, proof: true },
    { ...scene.deps(), parallel: 2 },
    limit(),
  );

  expect(proof).toMatchObject({ definitions: true, differences: [] });
  expect(await scene.sql('copy', 'select count(*)::int from orders')).toEqual([{ count: 50_000 }]);
});

test('unlogged tables, of which a standby has no rows, come back empty, and it is said', async () => {
  const manifest = await backup(source(), scene.deps(), limit());

  expect(manifest.warnings).toEqual([expect.stringMatching(/standby.*: public\.cache$/)]);
  expect(manifest.tables.find(({ table }) => table === 'public.cache')).toEqual({
    table: 'public.cache',
    columns: 'id, value',
    rows: 0,
    fingerprint: '0'.repeat(16),
  });
  expect(await scene.sql('copy', 'select * from cache')).toEqual([]);
});

test.each([
  ['rows that the backup still needs are vacuumed away', 'delete from orders where id % 2 = 0', 'vacuum orders'],
  ['a table is emptied', 'truncate notes', 'select 1'],
])(
  'when %s on the primary and the standby cancels us, that is told with its remedy, and nothing is stored',
  async (_, first, second) => {
    const before = await scene.files();
    const vault = during(async () => {
      const before = await conflicts();
      await scene.sql('shop', first);
      // a snapshot of anybody on the primary keeps the dead rows for a while
      for (let tries = 0; tries < 100 && (await conflicts()) === before; tries += 1) {
        await scene.sql('shop', second);
        await caughtUp();
      }
    });

    const cancelled = backup(source(), scene.deps(vault), limit());

    await expect(cancelled).rejects.toMatchObject({
      code: 'source-changed',
      message: expect.stringContaining('conflict with recovery'),
      hint: expect.stringContaining('max_standby_streaming_delay'),
    });
    expect(await scene.files()).toEqual(before);
  },
);

test('a session that the standby cancels in a question tells so, whatever it is asked afterwards', async () => {
  const session = await openSession(scene.login('shop', { port: standby.port }), limit());
  try {
    await session.rows('begin isolation level repeatable read read only');
    await session.rows('select count(*) from public.notes');
    const asked = session.rows('select pg_sleep(120)').catch((error: unknown) => error);
    await scene.sql('shop', 'truncate notes');
    await caughtUp();

    const cancelled = { code: 'source-changed', message: expect.stringContaining('conflict with recovery') };
    expect(await asked).toMatchObject(cancelled);
    await expect(session.rows('select 1')).rejects.toMatchObject(cancelled);
    expect(session.lost()).toMatchObject(cancelled);
  } finally {
    await session.close();
  }
});

describe('the position that the manifest records', () => {
  const copies = { primary: 'moment_of_primary', standby: 'moment_of_standby' };
  const found: Partial<Record<keyof typeof copies, Manifest>> = {};
  const value = (manifest: Manifest | undefined, name: string) =>
    manifest?.position?.find((one) => one.name === name)?.value ?? '';
  /** `committed`: where the log says that the commit of each row ends; `backed_up`: whether the copy has it. */
  const rows = (copy: string) => `from ticks t
    join pg_get_wal_records_info((select lsn from began), pg_current_wal_lsn()) c
      on c.resource_manager = 'Transaction' and c.record_type = 'COMMIT' and c.xid = t.xid::xid
    cross join lateral (select t.id = any(ids) as backed_up from ${copy}_ids) b`;

  beforeAll(async () => {
    await scene.sql(
      'shop',
      `create extension pg_walinspect; create table began as select pg_current_wal_lsn() as lsn; create table stop ();
      create table ticks (id bigserial primary key, xid xid8 default pg_current_xact_id())`,
    );
    const writing = [1, 2, 3].map(() =>
      scene.sql(
        'shop',
        `do $$ begin while not exists (select from stop) loop insert into ticks default values; commit;
          perform pg_sleep(0.0005); end loop; end $$`,
      ),
    );
    await scene.sql('shop', 'select pg_sleep(0.3)');
    await caughtUp();
    found.primary = await backup(scene.source('shop'), scene.deps(), limit());
    found.standby = await backup(source(), scene.deps(), limit());
    await scene.sql('shop', 'insert into stop default values');
    await Promise.all(writing);
    for (const [which, copy] of Object.entries(copies)) {
      const whole = { replace: false, owners: true, proof: false };
      const deps = { ...scene.deps(), parallel: 2 };
      await restore(found[which as keyof typeof copies]!, scene.source(copy).engine, whole, deps, limit());
      const [ids] = await scene.sql(copy, 'select array_agg(id)::text as list from ticks');
      await scene.sql('shop', `create table ${copy}_ids as select '${ids!['list']}'::bigint[] as ids`);
    }
  }, 120_000);

  test('of a primary names exactly the transactions that are in the backup', async () => {
    const snapshot = value(found.primary, 'snapshot');

    const [counts] = await scene.sql(
      'shop',
      `select count(*) filter (where backed_up)::int as inside, count(*) filter (where not backed_up)::int as outside,
        count(*) filter (where backed_up <> pg_visible_in_snapshot(t.xid, '${snapshot}'))::int as wrong
        ${rows(copies.primary)}`,
    );

    expect(counts).toEqual({ inside: expect.any(Number), outside: expect.any(Number), wrong: 0 });
    expect(Number(counts!['inside'])).toBeGreaterThan(0);
    expect(Number(counts!['outside'])).toBeGreaterThan(0);
  });

  test('of a primary is a place in its log that all of the backup was committed before', async () => {
    const [lsn, timeline] = [value(found.primary, 'lsn'), value(found.primary, 'timeline')];

    const [counts] = await scene.sql(
      'shop',
      `select count(*) filter (where backed_up and c.end_lsn > '${lsn}')::int as wrong,
        count(*) filter (where not backed_up and c.end_lsn > '${lsn}')::int as behind ${rows(copies.primary)}`,
    );

    expect(counts).toEqual({ wrong: 0, behind: expect.any(Number) });
    expect(Number(counts!['behind'])).toBeGreaterThan(0);
    expect(timeline).toBe('1');
  });

  test('of a standby is a place in the log up to which everything is in the backup', async () => {
    const { position = [] } = found.standby!;
    expect(position).toEqual([{ name: 'lsn', value: expect.stringMatching(/^\w+\/\w+$/), relation: 'at-or-before' }]);

    const [counts] = await scene.sql(
      'shop',
      `select count(*) filter (where not backed_up and c.end_lsn <= '${position[0]!.value}')::int as wrong,
        count(*) filter (where backed_up and c.end_lsn <= '${position[0]!.value}')::int as before
        ${rows(copies.standby)}`,
    );

    expect(counts).toEqual({ wrong: 0, before: expect.any(Number) });
    expect(Number(counts!['before'])).toBeGreaterThan(0);
  });
});
