import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { backup } from '../../../../core/commands/backup.ts';
import { restore } from '../../../../core/commands/restore/restore.ts';
import type { RestoreOptions } from '../../../../core/commands/restore/restore.ts';
import type { Manifest } from '../../../../core/contract/manifest/manifest.ts';
import type { Catalog } from '../../../../core/ports.ts';
import { limit, postgresScene } from '../../../support/postgres.ts';
import type { PostgresScene } from '../../../support/postgres.ts';

// A server that lacks what the backup's had; and a catalog that somebody has changed in the vault.
let scene: PostgresScene;
let manifest: Manifest;

beforeAll(async () => {
  scene = await postgresScene(17, { allow_in_place_tablespaces: 'on' });
  await scene.sql('postgres', `create tablespace fast location ''`);
  await scene.sql('postgres', 'create database placed tablespace fast');
  await scene.sql(
    'placed',
    'create table t (i int primary key); insert into t values (1); create table u (i int) tablespace pg_default',
  );
  manifest = await backup(scene.source('placed'), scene.deps(), limit());
}, 1_200_000);

afterAll(() => scene?.stop());

const options = { replace: false, owners: true, proof: true };
const restoring = (to: string, more: Partial<RestoreOptions> = {}) =>
  restore(manifest, scene.source(to).engine, { ...options, ...more }, { ...scene.deps(), parallel: 2 }, limit());
const databases = async () =>
  (await scene.sql('postgres', 'select datname from pg_database where not datistemplate order by 1')).map(
    ({ datname }) => datname,
  );

test('a tablespace comes back where it is; where it is missing, the message names it and the way out, which says what it leaves out', async () => {
  await restoring('again');
  const where = async (name: string) =>
    scene.sql(
      'postgres',
      `select spcname from pg_database join pg_tablespace s on s.oid = dattablespace where datname = '${name}'`,
    );
  expect(await where('again')).toEqual([{ spcname: 'fast' }]);
  for (const name of ['placed', 'again']) await scene.sql('postgres', `drop database ${name}`);
  await scene.sql('postgres', 'drop tablespace fast');

  const options = {
    manifest,
    catalog: { 'database option': { tablespace: 'fast' }, tablespace: { 'table public.u': 'slow' } },
    owners: true,
  };
  const [told, silent] = await Promise.all([
    scene.source('x').engine.target({ ...options, tablespaces: false }, limit()),
    scene.source('x').engine.target(options, limit()),
  ]);

  expect([told.notes, silent.notes]).toEqual([
    ['left out: the tablespaces fast, slow; everything goes into the default one'],
    [],
  ]);
  await expect(restoring('elsewhere')).rejects.toMatchObject({
    message: expect.stringContaining('tablespace "fast" does not exist'),
    hint: expect.stringContaining('--no-tablespaces'),
  });
  expect(await databases()).toEqual(['postgres']);
  await expect(restoring('elsewhere', { tablespaces: false })).resolves.toMatchObject({
    failures: [],
    proof: {
      differences: [],
      exceptions: expect.arrayContaining(["the database's tablespace is not set and was fast"]),
    },
  });
  expect(await where('elsewhere')).toEqual([{ spcname: 'pg_default' }]);
});

test.each<[string, Catalog]>([
  [
    'a right that is SQL',
    {
      'database access': {
        'public CONNECT': 'CONNECT on database postgres to public; create role thief superuser; grant connect',
      },
    },
  ],
  ['a right of tables', { 'database access': { 'role postgres SELECT': 'SELECT' } }],
  ['another right in the name', { 'database access': { 'role postgres CONNECT': 'CREATE' } }],
  ['a limit that is SQL', { 'database option': { 'connection limit': '5; create role thief superuser' } }],
])('a catalog with %s is refused, and nothing is made', async (_, catalog) => {
  const target = await scene
    .source('hostile')
    .engine.target({ manifest, catalog: { schema: { public: '' }, ...catalog }, owners: true }, limit())
    .catch((error: unknown) => error);
  const outcome =
    target instanceof Error
      ? target
      : await (target as Awaited<ReturnType<ReturnType<PostgresScene['source']>['engine']['target']>>)
          .prepare(false, limit())
          .catch((error: unknown) => error);

  expect(outcome).toMatchObject({ code: 'part-corrupt', hint: expect.stringContaining('vault') });
  expect(await scene.sql('postgres', `select rolname from pg_roles where rolname = 'thief'`)).toEqual([]);
  expect(await databases()).not.toContain('hostile');
  await (target as { close?: () => Promise<void> }).close?.();
});

test('names and values of a catalog are names and values: no statement in them runs', async () => {
  const mean = `x"; create role thief superuser; --'; create role thief superuser; --`;
  const catalog = {
    schema: { public: '' },
    'database comment': { comment: mean },
    'database setting': {
      [`my.x`]: mean,
      search_path: `"${mean.replaceAll('"', '""')}"`,
      [`work_mem of ${mean}`]: '1MB',
    },
    database: { encoding: `UTF8' create role thief superuser; --` },
  };
  const target = await scene
    .source('hostile')
    .engine.target({ manifest, catalog, owners: true, keepGoing: true }, limit());
  await expect(target.prepare(false, limit())).rejects.toMatchObject({ message: expect.stringContaining('encoding') });
  await target.close();
  const { database: _, ...rest } = catalog;
  const again = await scene
    .source('hostile')
    .engine.target({ manifest, catalog: rest, owners: true, keepGoing: true }, limit());
  await again.prepare(false, limit());
  await again.finish(limit());
  await again.close();

  expect(again.failures).toMatchObject([
    { object: `database setting work_mem of ${mean}`, error: expect.stringContaining('does not exist') },
  ]);
  expect(await scene.sql('postgres', `select rolname from pg_roles where rolname = 'thief'`)).toEqual([]);
  expect(
    await scene.sql(
      'postgres',
      `select shobj_description(oid, 'pg_database') as comment from pg_database where datname = 'hostile'`,
    ),
  ).toEqual([{ comment: mean }]);
});
