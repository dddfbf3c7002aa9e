import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { changed, readIdentities } from '../../../../../core/engines/postgres/plan/identity.ts';
import type { Scope } from '../../../../../core/engines/postgres/plan/identity.ts';
import { withSession } from '../../../../../core/engines/postgres/session.ts';
import { openSnapshot } from '../../../../../core/engines/postgres/plan/snapshot.ts';
import { limit, postgresScene } from '../../../../support/postgres.ts';
import type { PostgresScene } from '../../../../support/postgres.ts';

let scene: PostgresScene;

beforeAll(async () => {
  scene = await postgresScene(18);
  await scene.sql('postgres', 'create database shop');
  await scene.sql(
    'shop',
    `create role clerk; create schema extra;
    create table t (id int primary key, v int, note text); create index t_v on t (v); alter table t add constraint small check (v < 10) not valid; grant select on t to clerk;
    create view w as select id, v from t; create materialized view m as select id from t; create rule r as on insert to w do instead nothing; create sequence s;
    create function f(i int) returns int language sql as 'select i'; create function tf() returns trigger language plpgsql as 'begin return new; end';
    create function ef() returns event_trigger language plpgsql as 'begin end'; create event trigger et on ddl_command_end when tag in ('CREATE CONVERSION') execute function ef();
    create trigger g before insert on t for each row execute function tf(); create policy p on t using (v > 0); create statistics st on id, v from t;
    create aggregate a(int) (sfunc = int4pl, stype = int, initcond = '0'); create type mood as enum ('good', 'bad'); create domain d as int check (value > 0);
    create type span as range (subtype = int); create type pair as (x int, y int); create extension hstore; create publication pub for table t;
    create function eq(pair, pair) returns boolean language sql immutable as 'select true'; create operator === (leftarg = pair, rightarg = pair, function = eq);
    create operator family fam using hash; create operator class cl for type pair using hash as operator 1 === ; create cast (pair as text) with inout;
    create collation co (provider = icu, locale = 'en'); create conversion cv for 'LATIN1' to 'UTF8' from iso8859_1_to_utf8; create text search configuration tc (copy = english);
    create text search dictionary td (template = simple); create foreign data wrapper fw; create server sv foreign data wrapper fw; create access method am type index handler bthandler`,
  );
}, 1_200_000);

afterAll(() => scene?.stop());

/** What is said to have changed, of this scope, between a snapshot and now. */
async function changedBy(statement: string, scope: Scope): Promise<string[]> {
  const snapshot = await openSnapshot(scene.login('shop'), limit());
  try {
    await scene.sql('shop', statement);
    return changed(
      await readIdentities(snapshot.session, scope),
      await withSession(scene.login('shop'), limit(), (fresh) => readIdentities(fresh, scope)),
    );
  } finally {
    await snapshot.close();
  }
}

test.each([
  ['alter schema extra rename to more', 'schema extra'],
  ['alter index t_v rename to t_by_v', 'relation public.t_v'],
  ['alter table t validate constraint small', 'constraint small'],
  ['create or replace view w as select id, v, note from t', 'view public.w'],
  ['alter materialized view m rename to n', 'relation public.m'],
  ['create or replace rule r as on insert to w do instead delete from t', 'rule r'],
  ['alter sequence s set schema more', 'sequence public.s'],
  [`create or replace function f(i int) returns int language sql as 'select i + 1'`, 'function public.f(integer)'],
  ['drop function f(int)', 'function public.f(integer)'],
  ['alter event trigger et disable', 'event trigger et'],
  ['alter table t disable trigger g', 'trigger g'],
  ['alter statistics st rename to st2', 'statistics st'],
  [`create or replace aggregate a(int) (sfunc = int4pl, stype = int, initcond = '1')`, 'aggregate public.a'],
  [`alter type mood rename value 'bad' to 'worse'`, 'enum type public.mood'],
  ['alter domain d rename to e', 'type public.d'],
  ['alter type span rename to width', 'type public.span'],
  ['alter type pair rename attribute x to z', 'relation public.pair'],
  ['alter extension hstore set schema more', 'extension hstore'],
  ['alter publication pub rename to pub2', 'publication pub'],
  ['alter operator === (pair, pair) set (restrict = eqsel)', 'operator ==='],
  ['alter operator class cl using hash rename to cl2', 'operator class cl'],
  ['alter operator family fam using hash rename to fam2', 'operator family fam'],
  ['drop cast (pair as text)', 'cast '],
  ['alter collation co rename to co2', 'collation co'],
  ['alter conversion cv rename to cv2', 'conversion cv'],
  ['alter text search configuration tc rename to tc2', 'text search configuration tc'],
  ['alter text search dictionary td rename to td2', 'text search dictionary td'],
  ['alter foreign data wrapper fw rename to fw2', 'foreign data wrapper fw'],
  ['alter server sv rename to sv2', 'server sv'],
  ['drop access method am', 'access method am'],
  ['alter role clerk rename to writer', 'role clerk'],
])('%s between a snapshot and pg_dump is found', async (statement, what) => {
  await expect(changedBy(statement, 'definitions')).resolves.toContainEqual(expect.stringContaining(what));
});

test('what is made new, rights, remarks, counts and contents are no change of what was there', async () => {
  const harmless = `create table new (i int); create view newer as select 1 as one; create function fresh() returns int language sql as 'select 1'; create index on t (note); create schema fresh;
    create trigger h before update on t for each row execute function tf(); grant select on t to public; grant usage on schema more to public; grant execute on function tf() to public;
    comment on table t is 'remark'; analyze t; refresh materialized view n; select nextval('more.s'); insert into t values (1, 1, 'x'); create temp table gone (i int);
    alter type mood add value 'so so'; create role newcomer`;

  for (const scope of ['definitions', 'numbers', 'rows'] as const)
    await expect(changedBy(scope === 'definitions' ? harmless : 'select 1', scope)).resolves.toEqual([]);
});

test('a change that was taken back is found where names are looked up: each rename of a schema or sequence counts, a grant does not', async () => {
  await expect(changedBy('alter schema more rename to x; alter schema x rename to more', 'numbers')).resolves.toEqual([
    'schema more',
  ]);
  await expect(
    changedBy('alter sequence more.s rename to x; alter sequence more.x rename to s', 'numbers'),
  ).resolves.toEqual(['sequence more.s']);
  await expect(
    changedBy(`alter type mood rename value 'good' to 'x'; alter type mood rename value 'x' to 'good'`, 'rows'),
  ).resolves.toEqual([expect.stringContaining('enum type')]);
  await expect(
    changedBy(
      'grant usage on schema more to public; grant all on schema more to writer; grant select on sequence ' +
        'more.s to writer',
      'numbers',
    ),
  ).resolves.toEqual([]);
});
