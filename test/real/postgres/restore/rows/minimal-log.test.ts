import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { backup } from '../../../../../core/commands/backup.ts';
import { restore } from '../../../../../core/commands/restore/restore.ts';
import type { Restored } from '../../../../../core/commands/restore/restore.ts';
import type { Manifest } from '../../../../../core/contract/manifest/manifest.ts';
import type { Login } from '../../../../../core/engines/login.ts';
import { limit, postgresScene } from '../../../../support/postgres.ts';
import type { PostgresScene } from '../../../../support/postgres.ts';

/** A server that writes no more of its log than it must. */
let scene: PostgresScene;
let manifest: Manifest;

beforeAll(async () => {
  scene = await postgresScene(18, { wal_level: 'minimal', max_wal_senders: '0' });
  await scene.sql('postgres', 'create database shop');
  await scene.sql('postgres', `create role clerk login password 'pass' createdb`);
  await scene.sql(
    'shop',
    `create table deliveries as select g as id, md5(g::text) || md5('a' || g) as body from generate_series(1, 40000) g;
    create table stamps as select g as id, md5('b' || g) as word from generate_series(1, 40000) g;
    create table "Odd 'Table" (id int); insert into "Odd 'Table" values (1);
    create table parent (id int); create table child () inherits (parent); insert into parent values (1); insert into child values (2);
    create table log (id int) partition by range (id); create table log_1 partition of log for values from (0) to (9);
    insert into log values (3); create table none_in_it (id int)`,
  );
  manifest = await backup(scene.source('shop', { sliceBytes: 1_500_000 }), scene.deps(), limit());
}, 1_200_000);
afterAll(() => scene?.stop());
beforeEach(() => scene.sql('postgres', 'drop database if exists copy with (force)'));

const restored = (login: Partial<Login> = {}, owners = true): Promise<Restored> =>
  restore(
    manifest,
    scene.source('copy', { login }).engine,
    { replace: false, owners, proof: true },
    { ...scene.deps(), report: () => {}, parallel: 2 },
    limit(),
  );
const logged = async (work: () => Promise<unknown>): Promise<number> => {
  const [before] = await scene.sql('postgres', 'select pg_current_wal_insert_lsn() as at');
  await work();
  const [after] = await scene.sql(
    'postgres',
    `select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '${String(before!['at'])}')::int as bytes`,
  );
  return Number(after!['bytes']);
};

test('rows in several parts come into empty tables without the server’s log, where a superuser loads them', async () => {
  const parts = manifest.parts.filter(({ tables }) => tables?.includes('public.deliveries'));
  const outcomes: Restored[] = [];

  const byClerk = await logged(async () => outcomes.push(await restored({ user: 'clerk', password: 'pass' }, false)));
  await scene.sql('postgres', 'drop database copy with (force)');
  const bySuperuser = await logged(async () => outcomes.push(await restored()));

  expect(parts.length).toBeGreaterThan(1);
  expect(outcomes.map(({ proof }) => proof?.differences)).toEqual([[], []]);
  // of the database that is made both write, and of 6 MB of rows one alone
  expect(byClerk - bySuperuser).toBeGreaterThan(4_000_000);
});

test('rows of a table that was truncated for them need no VACUUM to be seen by everybody', async () => {
  await restored();

  await scene.sql('copy', 'create extension pg_visibility');
  const unseen = async (table: string) => {
    const [found] = await scene.sql(
      'copy',
      `select count(*)::int as rows from ${table} t left join pg_visibility_map('${table}') m on m.blkno = (t.ctid::text::point)[0]::bigint
        where m.all_frozen is not true`,
    );
    return found!['rows'];
  };
  expect(await Promise.all(['deliveries', 'stamps'].map(unseen))).toEqual([0, 0]);
  expect(await scene.sql('copy', `select count(*)::int as wrong from pg_check_frozen('deliveries')`)).toEqual([
    { wrong: 0 },
  ]);
});
