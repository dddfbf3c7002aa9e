import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { backup } from '../../../../../core/commands/backup.ts';
import { restore } from '../../../../../core/commands/restore/restore.ts';
import type { Manifest } from '../../../../../core/contract/manifest/manifest.ts';
import { limit, postgresScene } from '../../../../support/postgres.ts';
import type { PostgresScene } from '../../../../support/postgres.ts';

let scene: PostgresScene;

beforeAll(async () => {
  scene = await postgresScene(17);
}, 1_200_000);

afterAll(() => scene.stop());

const replacing = (manifest: Manifest, database: string) =>
  restore(
    manifest,
    scene.source(database).engine,
    { replace: true, owners: true, proof: true, dropOld: true },
    { ...scene.deps(), parallel: 2 },
    limit(),
  );
const databases = async () =>
  (await scene.sql('postgres', 'select datname from pg_database where not datistemplate order by 1')).map(
    ({ datname }) => datname,
  );

test('a restore that fails half way through does not cost the database that it was to replace', async () => {
  await scene.sql('postgres', 'create role gone');
  await scene.sql('postgres', 'create database kept');
  await scene.sql(
    'kept',
    'create table t (i int); insert into t values (1); create table later (i int); alter table later owner to gone',
  );
  const manifest = await backup(scene.source('kept'), scene.deps(), limit());
  await scene.sql('kept', 'alter table later owner to postgres; insert into t values (2)');
  await scene.sql('postgres', 'drop role gone');

  await expect(replacing(manifest, 'kept')).rejects.toMatchObject({
    code: 'restore-failed',
    message: expect.stringContaining('role "gone" does not exist'),
    hint: expect.stringContaining('CREATE ROLE'),
  });

  expect(await scene.sql('kept', 'select i from t order by i')).toEqual([{ i: 1 }, { i: 2 }]);
  expect(await databases()).toEqual(['kept', 'postgres']);
});

test('while somebody is connected nothing is replaced, and who it is stands in the message', async () => {
  await scene.sql('postgres', 'create database busy');
  await scene.sql('busy', 'create table t (i int)');
  const manifest = await backup(scene.source('busy'), scene.deps(), limit());
  const sleeping = scene.sql('busy', `set application_name = 'the shop'; select pg_sleep(600)`).catch(() => {});
  const connected = () => scene.sql('postgres', `select pid from pg_stat_activity where application_name = 'the shop'`);
  while ((await connected()).length === 0) await new Promise((wake) => setTimeout(wake, 50));

  await expect(replacing(manifest, 'busy')).rejects.toMatchObject({
    message: expect.stringMatching(/busy is in use by postgres \(pid \d+, the shop\)/),
  });

  await scene.sql(
    'postgres',
    `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'the shop'`,
  );
  await sleeping;
  while ((await connected()).length > 0) await new Promise((wake) => setTimeout(wake, 50));
  await expect(replacing(manifest, 'busy')).resolves.toMatchObject({ proof: { differences: [] } });
  expect(await databases()).toEqual(['busy', 'kept', 'postgres']);
});

test('who owns the database, who may connect, and its comment come back and are compared', async () => {
  await scene.sql('postgres', 'create role app; create role "App Reader"');
  await scene.sql('postgres', 'create database own owner app');
  await scene.sql(
    'postgres',
    'revoke connect on database own from public; grant connect, create on database own to "App Reader" with ' +
      `grant option; comment on database own is 'the shop''s'`,
  );
  const manifest = await backup(scene.source('own'), scene.deps(), limit());

  await restore(
    manifest,
    scene.source('own2').engine,
    { replace: false, owners: true, proof: true },
    { ...scene.deps(), parallel: 2 },
    limit(),
  );

  const of = (name: string) =>
    scene.sql(
      'postgres',
      `select r.rolname, shobj_description(d.oid, 'pg_database') as comment, array(select x::text from ` +
        'unnest(datacl) x order by 1) as acl from pg_database d join pg_roles r on r.oid = datdba where datname = ' +
        `'${name}'`,
    );
  const plain = (rows: Record<string, unknown>[]) =>
    rows.map(({ acl, ...row }) => ({ ...row, acl: String(acl).replace(/\/\w+/g, '') }));
  expect(plain(await of('own2'))).toEqual(plain(await of('own')));
});
