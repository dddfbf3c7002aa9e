import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { backup } from '../../core/commands/backup.ts';
import { proofSentence } from '../../core/commands/prove.ts';
import { restore } from '../../core/commands/restore.ts';
import type { Manifest } from '../../core/contract/manifest.ts';
import type { Login } from '../../core/engines/login.ts';
import { limit, postgresScene } from '../support/postgres.ts';
import type { PostgresScene } from '../support/postgres.ts';

let scene: PostgresScene;

beforeAll(async () => {
  scene = await postgresScene(17, { wal_level: 'logical' });
  await scene.sql('postgres', `create role reader login password 'reader'; grant pg_read_all_data to reader; create role app`);
}, 1_200_000);

afterAll(() => scene?.stop());

async function taken(database: string, sql: string, login: Partial<Login> = {}): Promise<Manifest> {
  await scene.sql('postgres', `create database ${database}`);
  await scene.sql(database, sql);
  return backup(scene.source(database, { login }), scene.deps(), limit());
}

async function proven(manifest: Manifest, database: string): Promise<string> {
  const { proof } = await restore(manifest, scene.source(database).engine, { replace: false, owners: true, proof: true }, { ...scene.deps(), parallel: 2 }, limit());
  return proofSentence(proof!);
}

test('pg_dump left the subscription and the mapping’s password out, said so to nobody, and "proven equal" it was', async () => {
  const manifest = await taken('linked', `create extension postgres_fdw; create server far foreign data wrapper postgres_fdw; create user mapping for app server far options (user 'u', password 'p');
    create subscription orders connection 'host=127.0.0.1 port=1' publication p with (connect = false, slot_name = none)`, { user: 'reader', password: 'reader' });

  const left = ['options of the user mapping for app on server far: this role may not see whether it has any', 'subscription orders: only a superuser can dump it'];
  expect(manifest.exceptions).toEqual(left);
  // the superuser who restores sees that the mapping has none
  expect(await proven(manifest, 'linked_again')).toContain(`, except ${left.join('; ')}`);
});

test('what a superuser dumps of them comes back, and is compared', async () => {
  const manifest = await backup(scene.source('linked'), scene.deps(), limit());

  expect(manifest.exceptions).toBeUndefined();
  expect(await proven(manifest, 'linked_whole')).toMatch(/^proven equal: /);
  expect(await scene.sql('linked_whole', 'select umoptions from pg_user_mapping')).toEqual([{ umoptions: ['password=p', 'user=u'] }]);
});

test('an index that CREATE INDEX CONCURRENTLY left invalid made every restore fail its proof', async () => {
  await scene.sql('postgres', 'create database halfway');
  await scene.sql('halfway', 'create table t (a int); insert into t values (1), (1)');
  await scene.sql('halfway', 'create unique index concurrently t_a on t (a)').catch(() => undefined);
  const manifest = await backup(scene.source('halfway'), scene.deps(), limit());

  expect(manifest.exceptions).toEqual(['index public.t_a: it is invalid, and pg_dump leaves it out']);
  expect(await proven(manifest, 'halfway_again')).toMatch(/^proven equal, except index public\.t_a: it is invalid, and pg_dump leaves it out: /);
});

test('foreign keys that were switched off, operators in a family of the system, functions in pg_catalog were lost without a word', async () => {
  const manifest = await taken('odd', `create table a (id int primary key); create table b (a int references a); alter table b disable trigger all;
    create function pg_catalog.mine() returns int language sql as 'select 1';
    create type n; create function n_in(cstring) returns n language internal immutable strict as 'int4in'; create function n_out(n) returns cstring language internal immutable strict as 'int4out';
    create type n (input = n_in, output = n_out, like = int4); create function n_eq(n, int4) returns boolean language internal immutable strict as 'int4eq';
    create operator = (leftarg = n, rightarg = int4, function = n_eq); alter operator family pg_catalog.integer_ops using btree add operator 3 = (n, int4)`);

  const left = [
    'foreign key b_a_fkey on public.b: its triggers are switched off or fire in other cases, which pg_dump does not carry',
    'function pg_catalog.mine(): it lies in a schema of the system, which pg_dump leaves out',
    'operator family pg_catalog.integer_ops: pg_dump does not carry what was added to a family of the system',
  ];
  expect(manifest.exceptions).toEqual(left);
  expect(await proven(manifest, 'odd_again')).toContain(`, except ${left.join('; ')}: `);
});

test.each([
  ['options in an order that nobody sorts', `create extension postgres_fdw; create server far foreign data wrapper postgres_fdw options (host 'a', port '5432', dbname 'b')`],
  ['a shell operator', `create function same(text, text) returns boolean language sql as 'select $1 = $2'; create operator === (leftarg = text, rightarg = text, function = same, negator = !===)`],
  ['a check as a person types it', `create table orders (id int primary key, status varchar(10) check (status in ('new', 'paid')))`],
])('%s made every restore fail its proof', async (what, sql) => {
  const database = what.replaceAll(' ', '_');
  expect(await proven(await taken(database, sql), `${database}_again`)).toMatch(/^proven equal: /);
});

test('a child with its own compression made every restore fail its proof', async () => {
  const manifest = await taken('packed', `create table parent (a text); create table child () inherits (parent); alter table parent alter a set compression pglz`);

  expect(manifest.exceptions).toEqual(['compression of public.child.a: it is not that of the parent table, and pg_dump does not carry it']);
  expect(await proven(manifest, 'packed_again')).toMatch(/^proven equal, except compression of public\.child\.a: /);
});
