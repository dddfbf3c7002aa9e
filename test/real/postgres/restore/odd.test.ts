import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { backup } from '../../../../core/commands/backup.ts';
import { restore } from '../../../../core/commands/restore/restore.ts';
import type { Tools } from '../../../../core/tools.ts';
import { limit, postgresScene } from '../../../support/postgres.ts';
import type { PostgresScene } from '../../../support/postgres.ts';

let scene: PostgresScene;

beforeAll(async () => {
  scene = await postgresScene(18, { max_locks_per_transaction: '10' });
}, 1_200_000);

afterAll(() => scene?.stop());

async function database(name: string, sql: string, options = ''): Promise<void> {
  await scene.sql('postgres', `create database "${name}" template template0 ${options}`);
  await scene.sql(name, sql);
}

async function restored(from: string, to: string, replace = false): Promise<string[] | undefined> {
  const manifest = await backup(scene.source(from), scene.deps(), limit());
  const { proof } = await restore(
    manifest,
    scene.source(to).engine,
    { replace, owners: true, proof: true },
    { ...scene.deps(), parallel: 2 },
    limit(),
  );
  return proof?.differences;
}

test('partitions of partitions by hash of an enum are loaded through their root, for an enum hashes otherwise in another database', async () => {
  await database(
    'hashed',
    `
    create type mood as enum ('a', 'b', 'c', 'd', 'e', 'f');
    create table root (m mood, k int) partition by hash (m);
    create table half0 partition of root for values with (modulus 2, remainder 0) partition by list (k);
    create table half1 partition of root for values with (modulus 2, remainder 1) partition by list (k);
    create table leaf0 partition of half0 default; create table leaf1 partition of half1 default;
    insert into root select m, g from unnest(enum_range(null::mood)) m, generate_series(1, 5) g;`,
  );

  await expect(restored('hashed', 'hashed again')).resolves.toEqual([]);
});

test.each([
  ['LATIN1', 'schön'],
  ['EUC_JP', '日本'],
  ['SQL_ASCII', 'schön'],
])('names beyond ASCII in a database in %s come back', async (encoding, word) => {
  await database(
    `in ${encoding}`,
    `create table "${word}" ("${word}" text, id serial); insert into "${word}" values ('${word}'); create table ` +
      'plain (t text)',
    `encoding '${encoding}' lc_collate 'C' lc_ctype 'C'`,
  );

  await expect(restored(`in ${encoding}`, `in ${encoding} again`)).resolves.toEqual([]);
});

test('names with dots are not taken for one another', async () => {
  await database(
    'dotted',
    `create schema a; create schema "a.b"; create table a."b.c" as select 1 as one; create table "a.b".c as select g as many from generate_series(1, 10) g;
    create table a."b"".c" (); create schema "a""b"; create table "a""b"."c,d" as select 'x' as "e.f, g"`,
  );

  await expect(restored('dotted', 'dotted again')).resolves.toEqual([]);
});

test('names with line breaks are not taken for one another, nor are their columns', async () => {
  await database(
    'broken',
    `create schema "a\nb"; create schema a; create table "a\nb".c (x text, y text); create table a."b\nc" (y text, x text);
    insert into "a\nb".c values ('1', '2'); insert into a."b\nc" values ('3', '4')`,
  );

  await expect(restored('broken', 'broken again')).resolves.toEqual([]);
});

test('a table that psql leaves out is missed, though the name of another looks like its own', async () => {
  const program: Tools['program'] = (name, major) => {
    const real = scene.tools.program(name, major);
    return name === 'psql'
      ? {
          ...real,
          command: '/bin/sh',
          args: ['-c', `"$@" | sed '/^COPY "a.b".c /,/^\\\\.$/d'`, 'sh', real.command, ...real.args],
        }
      : real;
  };

  await expect(
    backup(scene.source('dotted', { tools: { ...scene.tools, program } }), scene.deps(), limit()),
  ).rejects.toMatchObject({
    code: 'dump-cut',
    message: expect.stringContaining('lacks the tables [a.b.c] and holds []'),
  });
});

test('a database without the schema public, and without any other, has none after a restore', async () => {
  await database('bare', 'drop schema public');

  await expect(restored('bare', 'bare again')).resolves.toEqual([]);
});

// each of these alone would end a backup or a restore, or change what comes back, whatever stands beside it
test.each([
  [{ idle_in_transaction_session_timeout: '1', idle_session_timeout: '500', transaction_timeout: '2s' }],
  [{ default_transaction_read_only: 'on', client_encoding: 'LATIN1', xmloption: 'document' }],
  [{ array_nulls: 'off', quote_all_identifiers: 'on', standard_conforming_strings: 'off' }],
])('a database that sets %j is backed up and restored', async (settings) => {
  const name = `sets ${Object.keys(settings)[0]}`;
  await database(
    name,
    `create table t (id serial primary key, x xml, a text[], s text default 'a\\b'); insert into t (x, a, s) ` +
      `values (xmlparse(content 'a<b/>'), '{NULL,"NULL"}', '日本'); create sequence "back\\slash"`,
  );
  for (const [setting, value] of Object.entries(settings))
    await scene.sql('postgres', `alter database "${name}" set ${setting} to '${value}'`);

  await expect(restored(name, `${name} again`)).resolves.toEqual([]);
});

test('a database whose successor can’t be made is not dropped', async () => {
  await database('kept', 'create table t as select 1 as id');
  await scene.sql('postgres', 'create role passing; alter role passing in database kept set work_mem to 65536');
  const manifest = await backup(scene.source('kept'), scene.deps(), limit());
  await scene.sql('postgres', 'drop role passing');

  const replaced = restore(
    manifest,
    scene.source('kept').engine,
    { replace: true, owners: true, proof: true },
    { ...scene.deps(), parallel: 2 },
    limit(),
  );

  await expect(replaced).rejects.toThrow('role "passing" does not exist');
  await expect(scene.sql('kept', 'select id from t')).resolves.toEqual([{ id: 1 }]);
  await expect(
    scene.sql('postgres', `select datname from pg_database where datname like 'nightjar%'`),
  ).resolves.toEqual([]);
});

test('a database is replaced by what was backed up', async () => {
  await expect(restored('kept', 'kept', true)).resolves.toEqual([]);
});

test('a database with as many tables as its server has locks for is restored', async () => {
  await database('many', '');
  for (let first = 1; first <= 700; first += 100) {
    await scene.sql(
      'many',
      `do $$ begin for i in ${first}..${first + 99} loop execute format('create table tenant_%s (id serial ` +
        `primary key, t text)', i); end loop; end $$`,
    );
  }

  await expect(restored('many', 'many again')).resolves.toEqual([]);
});

test('nothing is restored into what every new database is made of', async () => {
  await database('plain', 'create table t (id int)');

  await expect(restored('plain', 'template1')).rejects.toMatchObject({
    code: 'input-invalid',
    message: expect.stringContaining('template1'),
    hint: 'name another database',
  });
  await scene.sql('postgres', 'create database born');
  await expect(scene.sql('born', `select to_regclass('t') as t`)).resolves.toEqual([{ t: null }]);
});
