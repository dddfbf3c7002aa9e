import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { backup } from '../../../core/commands/backup.ts';
import { prove, proofSentence } from '../../../core/commands/proof/prove.ts';
import { restore } from '../../../core/commands/restore/restore.ts';
import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import type { Login } from '../../../core/engines/login.ts';
import { openStore } from '../../../core/store/store.ts';
import { limit, postgresScene } from '../../support/postgres.ts';
import type { PostgresScene } from '../../support/postgres.ts';

let scene: PostgresScene;

beforeAll(async () => {
  scene = await postgresScene(17, { wal_level: 'logical' });
  await scene.sql(
    'postgres',
    `create role reader login password 'reader'; grant pg_read_all_data to reader; create role app`,
  );
}, 1_200_000);

afterAll(() => scene?.stop());

async function taken(database: string, sql: string | string[], login: Partial<Login> = {}): Promise<Manifest> {
  await scene.sql('postgres', `create database ${database}`);
  for (const statement of [sql].flat()) await scene.sql(database, statement);
  return backup(scene.source(database, { login }), scene.deps(), limit());
}

async function proven(manifest: Manifest, database: string): Promise<string> {
  const { proof } = await restore(
    manifest,
    scene.source(database).engine,
    { replace: false, owners: true, proof: true },
    { ...scene.deps(), parallel: 2 },
    limit(),
  );
  return proofSentence(proof!);
}

test('pg_dump left the subscription and the mapping’s password out, said so to nobody, and "proven equal" it was', async () => {
  const manifest = await taken(
    'linked',
    `create extension postgres_fdw; create server far foreign data wrapper postgres_fdw; create user mapping for app server far options (user 'u', password 'p');
    create subscription orders connection 'host=127.0.0.1 port=1' publication p with (connect = false, slot_name = none)`,
    { user: 'reader', password: 'reader' },
  );

  const left = [
    'options of the user mapping for app on server far: this role may not see whether it has any',
    'subscription orders: only a superuser can dump it',
  ];
  expect(manifest.exceptions).toEqual(left);
  // the superuser who restores sees that the mapping has none
  expect(await proven(manifest, 'linked_again')).toContain(`, except ${left.join('; ')}`);
});

test('what a superuser dumps of them comes back, and is compared', async () => {
  const manifest = await backup(scene.source('linked'), scene.deps(), limit());

  expect(manifest.exceptions).toBeUndefined();
  expect(await proven(manifest, 'linked_whole')).toMatch(/^proven equal: /);
  expect(await scene.sql('linked_whole', 'select umoptions from pg_user_mapping')).toEqual([
    { umoptions: ['password=p', 'user=u'] },
  ]);
});

test('an index that CREATE INDEX CONCURRENTLY left invalid made every restore fail its proof', async () => {
  await scene.sql('postgres', 'create database halfway');
  await scene.sql('halfway', 'create table t (a int); insert into t values (1), (1)');
  await scene.sql('halfway', 'create unique index concurrently t_a on t (a)').catch(() => undefined);
  const manifest = await backup(scene.source('halfway'), scene.deps(), limit());

  expect(manifest.exceptions).toEqual(['index public.t_a: it is invalid, and pg_dump leaves it out']);
  expect(await proven(manifest, 'halfway_again')).toMatch(
    /^proven equal, except index public\.t_a: it is invalid, and pg_dump leaves it out: /,
  );
});

test('foreign keys that were switched off, operators in a family of the system, functions in pg_catalog were lost without a word', async () => {
  const manifest = await taken(
    'odd',
    `create table a (id int primary key); create table b (a int references a); alter table b disable trigger all;
    create function pg_catalog.mine() returns int language sql as 'select 1';
    create type n; create function n_in(cstring) returns n language internal immutable strict as 'int4in'; create function n_out(n) returns cstring language internal immutable strict as 'int4out';
    create type n (input = n_in, output = n_out, like = int4); create function n_eq(n, int4) returns boolean language internal immutable strict as 'int4eq';
    create operator = (leftarg = n, rightarg = int4, function = n_eq); alter operator family pg_catalog.integer_ops using btree add operator 3 = (n, int4)`,
  );

  const left = [
    'foreign key b_a_fkey on public.b: its triggers are switched off or fire in other cases, which pg_dump does ' +
      'not carry',
    'function pg_catalog.mine(): it lies in a schema of the system, which pg_dump leaves out',
    'operator family pg_catalog.integer_ops: pg_dump does not carry what was added to a family of the system',
  ];
  expect(manifest.exceptions).toEqual(left);
  expect(await proven(manifest, 'odd_again')).toContain(`, except ${left.join('; ')}: `);
});

test.each([
  [
    'options in an order that nobody sorts',
    `create extension postgres_fdw; create server far foreign data wrapper postgres_fdw options (host 'a', port ` +
      `'5432', dbname 'b')`,
  ],
  [
    'a shell operator',
    `create function same(text, text) returns boolean language sql as 'select $1 = $2'; create operator === ` +
      '(leftarg = text, rightarg = text, function = same, negator = !===)',
  ],
  [
    'a shell operator that stayed when its only user was dropped',
    `create function same(text, text) returns boolean language sql as 'select $1 = $2'; create operator === ` +
      '(leftarg = text, rightarg = text, function = same, negator = !===); drop operator === (text, text)',
  ],
  [
    'a check as a person types it',
    `create table orders (id int primary key, status varchar(10) check (status in ('new', 'paid')))`,
  ],
])('%s made every restore fail its proof', async (what, sql) => {
  const database = what.replaceAll(' ', '_');
  expect(await proven(await taken(database, sql), `${database}_again`)).toMatch(/^proven equal: /);
});

test('a child with its own compression made every restore fail its proof', async () => {
  const manifest = await taken(
    'packed',
    'create table parent (a text); create table child () inherits (parent); alter table parent alter a set ' +
      'compression pglz',
  );

  expect(manifest.exceptions).toEqual([
    'compression of public.child.a: it is not that of the parent table, and pg_dump does not carry it',
  ]);
  expect(await proven(manifest, 'packed_again')).toMatch(/^proven equal, except compression of public\.child\.a: /);
});

test('a child whose compression the dump does carry failed every proof: it was excepted, and then found', async () => {
  const manifest = await taken(
    'packed_own',
    'create table one (a text); create table other (a text compression pglz); create table child () inherits (one); ' +
      'create table grandchild () inherits (one, other); alter table child alter a set compression pglz',
  );

  expect(manifest.exceptions).toBeUndefined();
  expect(await proven(manifest, 'packed_own_again')).toMatch(/^proven equal: /);
});

const lost = `members of the extension hstore, of which pg_dump carries no change: ${[
  'index public.settings_name',
  'rule silent on public.settings',
  'table public.settings',
  'table constraint positive on public.settings',
  'trigger noted on public.settings',
]
  .map((name) => `${name} (missing)`)
  .join(', ')}`;
/** What belongs to an extension is made by that, and what a user has put on it by nobody. */
const onExtension = [
  'create extension hstore; create table settings (id int, name text); create table own (id int)',
  `create function note() returns trigger language plpgsql as 'begin return new; end'`,
  'alter extension hstore add table settings',
  `create index settings_name on settings (name); comment on index settings_name is 'mine'; alter table ` +
    'settings add constraint positive check (id > 0)',
  'create trigger noted before insert on settings for each row execute function note(); create rule silent as ' +
    'on delete to settings do instead nothing',
];

test('an index, a constraint, a trigger, a rule on a table of an extension are in no dump: the backup names them, and a good restore is proven', async () => {
  const manifest = await taken('extended', onExtension);

  expect(manifest.warnings).toEqual([
    expect.stringContaining('made, which no dump carries: index public.settings_name, '),
  ]);
  expect(await proven(manifest, 'extended_again')).toContain(`, except ${lost}: `);
});

test('a backup of before, which does not name them, is proven by what its archive makes; what the archive holds and the database lacks is missing', async () => {
  const manifest = await backup(scene.source('extended'), scene.deps(), limit());
  const catalog = await openStore(scene.vault).readCatalog(manifest, limit());
  const before = {
    ...catalog,
    index: { ...catalog['index'], 'public.settings_name': '0123456789abcdef' },
    trigger: { ...catalog['trigger'], 'noted on public.settings': '0123456789abcdef' },
  };
  const compared = () =>
    prove(
      scene.source('extended_again').engine,
      { manifest: { ...manifest, exceptions: [] }, catalog: before, owners: true },
      { ...scene.deps(), parallel: 2 },
      limit(),
    );

  const { differences, exceptions } = await compared();
  await scene.sql('extended_again', 'drop function note(); drop table own');

  expect({ differences, exceptions }).toEqual({
    differences: [],
    exceptions: [
      lost,
      ...['index public.settings_name', 'trigger noted on public.settings'].map((one) =>
        expect.stringContaining(`${one}: it is not in the backup's archive`),
      ),
    ],
  });
  expect((await compared()).differences).toEqual(
    expect.arrayContaining(['table public.own is missing', 'function public.note() is missing']),
  );
});

test('a comment that somebody gave to an extension comes back, and is compared; one that was taken away is told', async () => {
  const manifest = await taken(
    'remarked',
    `create extension hstore; comment on extension hstore is 'ours since 2019'; create extension lo; comment on ` +
      'extension lo is null',
  );

  expect(manifest.exceptions).toEqual(['comment of the extension lo: pg_dump does not carry that it was taken away']);
  expect(await proven(manifest, 'remarked_again')).toMatch(
    /^proven equal, except comment of the extension lo: .*: 0 tables/,
  );
  await scene.sql('remarked_again', `comment on extension hstore is 'theirs'`);
  const expected = { manifest, catalog: await openStore(scene.vault).readCatalog(manifest, limit()), owners: true };
  expect(
    (await prove(scene.source('remarked_again').engine, expected, { ...scene.deps(), parallel: 2 }, limit()))
      .differences,
  ).toEqual(['extension comment hstore is defined differently']);
});

test('rights on a language that is built in are told; who owns a large object of a low number, and may read it, is proven', async () => {
  const manifest = await taken('spoken', [
    'revoke usage on language sql from public; grant usage on language sql to app; grant usage on language plpgsql to app',
    'select lo_create(4711); alter large object 4711 owner to app; grant select on large object 4711 to reader',
  ]);

  const told = 'rights on the language sql: pg_dump does not carry those of a language that is built in';
  expect(manifest.exceptions).toEqual([told]);
  expect(await proven(manifest, 'spoken_again')).toContain(`proven equal, except ${told}: `);
  await scene.sql('spoken_again', 'alter large object 4711 owner to reader');
  const expected = { manifest, catalog: await openStore(scene.vault).readCatalog(manifest, limit()), owners: true };
  const { differences } = await prove(
    scene.source('spoken_again').engine,
    expected,
    { ...scene.deps(), parallel: 2 },
    limit(),
  );
  expect(differences).toContain('owner large object 4711 is defined differently');
});

test('rows of materialized views are computed anew by a restore: the proof says that it compares none', async () => {
  const manifest = await taken(
    'totals',
    'create table t as select 1 as a; create materialized view sums as select sum(a) from t; insert into t values (2)',
  );

  expect(await proven(manifest, 'totals_again')).toContain(
    'except rows of materialized views, which a restore computes anew: public.sums: ',
  );
  expect(await scene.sql('totals_again', 'select sum::int from sums')).toEqual([{ sum: 3 }]);
});

test('what replication has, and a restore does not bring back, is told when the backup is made', async () => {
  await scene.sql('postgres', 'create database replicated');
  await scene.sql('replicated', `create table t (a int); create publication p for table t`);
  await scene.sql('replicated', `select pg_create_logical_replication_slot('follower', 'pgoutput')`);
  await scene.sql('replicated', `select pg_replication_origin_create('far away')`);
  await scene.sql(
    'replicated',
    `create subscription s connection 'host=127.0.0.1 port=1' publication p with (connect = false, slot_name = none)`,
  );
  try {
    const { warnings } = await backup(scene.source('replicated'), scene.deps(), limit());

    expect(warnings.slice(0, 3)).toEqual([
      'replication slots are in no backup; make them again where they are needed: follower',
      'replication origins of this server, and how far they have come, are in no backup: "far away"',
      'a restore brings subscriptions back disabled, and without their slots and what they have received so ' +
        'far: s (disabled)',
    ]);
  } finally {
    await scene.sql(
      'replicated',
      `select pg_drop_replication_slot('follower'), pg_replication_origin_drop('far away')`,
    );
  }
});
