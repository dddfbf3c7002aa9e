import { mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { backup } from '../../../../core/commands/backup.ts';
import { restore, restorePlanned } from '../../../../core/commands/restore/restore.ts';
import { hindrance, planRestore } from '../../../../core/commands/restore/plan.ts';
import type { RestorePlan } from '../../../../core/commands/restore/plan.ts';
import type { Manifest } from '../../../../core/contract/manifest/manifest.ts';
import type { Login } from '../../../../core/engines/login.ts';
import type { Foreseen } from '../../../../core/ports.ts';
import { limit, postgresScene } from '../../../support/postgres.ts';
import type { PostgresScene } from '../../../support/postgres.ts';

const extensions = join(tmpdir(), `nightjar-plan-${process.pid}`);
const replace = { replace: true, owners: true, proof: true, foresee: true };
const helper = { user: 'helper', password: 'helper' };
let scene: PostgresScene;

beforeAll(async () => {
  await mkdir(join(extensions, 'extension'), { recursive: true, mode: 0o755 });
  scene = await postgresScene(18, {
    extension_control_path: `$system:${extensions}`,
    allow_in_place_tablespaces: 'on',
  });
  await scene.sql('postgres', `create role helper login createdb password 'helper'; create role app`);
  await scene.sql('postgres', 'create database shop');
  await scene.sql('postgres', 'create database live owner helper');
  await scene.sql('live', `create table precious as select g as id, md5(g::text) as t from generate_series(1, 500) g`);
}, 1_200_000);

afterAll(async () => {
  await scene?.stop();
  await rm(extensions, { recursive: true, force: true });
});

/** What stands on the server, as far as SQL tells it: databases, and every row of the one that would be replaced. */
const standing = async () => [
  await scene.sql('postgres', `select datname, oid, shobj_description(oid, 'pg_database') from pg_database order by 1`),
  await scene.sql('live', `select md5(string_agg(p::text, ',' order by id)) as rows, min(xmin::text) from precious p`),
];
const taken = () => backup(scene.source('shop'), scene.deps(), limit());
const planned = async (manifest: Manifest, login: Partial<Login> = {}, more: object = {}): Promise<RestorePlan> => {
  const { engine } = scene.source('live', { login });
  const plan = await planRestore(manifest, engine, { ...replace, ...more }, scene.deps(), limit());
  await plan.target.close();
  return plan;
};
const reading = (): never => {
  throw new Error('it reads the backup');
};
const failing = ({ findings }: Foreseen) => findings.filter(({ weight }) => weight === 'fails');

describe('each thing that is missing is told beforehand, with what mends it, and the old database is as it was', () => {
  beforeEach(async () => {
    await scene.sql('postgres', 'drop database shop');
    await scene.sql('postgres', 'create database shop');
    await scene.sql('shop', 'create table goods as select 1 as id');
  });

  /** Refused with this one finding; and not any more, when its SQL has been run. */
  async function refusedFor(manifest: Manifest, said: RegExp, login: Partial<Login> = {}): Promise<void> {
    const before = await standing();
    const plan = await planned(manifest, login);
    const { engine } = scene.source('live', { login });
    const refused = await restore(manifest, engine, replace, { ...scene.deps(), parallel: 2 }, limit()).then(
      () => undefined,
      (error: Error) => error,
    );

    expect(failing(plan)).toEqual([expect.objectContaining({ what: expect.stringMatching(said) })]);
    expect(refused?.message).toBe(`${failing(plan)[0]!.what}; database live is as it was`);
    expect(await standing()).toEqual(before);
    const [statement] = /^(?:CREATE|GRANT|ALTER) [^;]*;/.exec(failing(plan)[0]!.remedy ?? '') ?? [];
    if (statement === undefined || statement.includes('…')) return;
    await scene.sql('postgres', statement);
    expect(failing(await planned(manifest, login))).toEqual([]);
  }

  test('a role that owns something', async () => {
    await scene.sql('postgres', 'create role "the old owner"');
    await scene.sql('shop', 'alter table goods owner to "the old owner"');
    const manifest = await taken();
    await scene.sql('shop', 'drop table goods; drop role "the old owner"');

    await refusedFor(manifest, /^role "the old owner" does not exist on this server, and the backup names it$/);
  });

  test('a role that something is granted to, whatever a function says about another', async () => {
    await scene.sql('postgres', 'create role reader');
    await scene.sql('shop', 'grant select on goods to reader');
    await scene.sql(
      'shop',
      `create function f() returns void language plpgsql as $$begin\nGRANT ALL ON goods TO nobody;\nend$$`,
    );
    const manifest = await taken();
    await scene.sql('shop', 'drop owned by reader; drop role reader');

    await refusedFor(manifest, /^role "reader" does not exist on this server, and the backup names it$/);
  });

  test('a role that owns the database, and one that a policy is for', async () => {
    await scene.sql('postgres', 'create role boss; create role guest; alter database shop owner to boss');
    await scene.sql('shop', 'create policy p on goods for select to guest using (id > 0)');
    const manifest = await taken();
    await scene.sql('shop', 'drop table goods');
    await scene.sql('postgres', 'alter database shop owner to postgres; drop role boss; drop role guest');

    expect(failing(await planned(manifest))).toEqual([
      expect.objectContaining({
        what: 'roles "boss", "guest" do not exist on this server, and the backup names them',
        remedy: expect.stringContaining('CREATE ROLE "boss"; CREATE ROLE "guest";'),
      }),
    ]);
    expect(failing(await planned(manifest, {}, { owners: false }))).toEqual([]);
  });

  test('the right to act for an owner', async () => {
    await scene.sql('shop', 'alter table goods owner to app');
    await scene.sql('postgres', 'alter database shop owner to app');

    await refusedFor(await taken(), /^helper may not act for app, which owns table public\.goods$/, helper);
  });

  test('the right to make databases', async () => {
    await scene.sql('shop', 'alter table goods owner to helper');
    await scene.sql('postgres', 'alter database shop owner to helper');
    const manifest = await taken();
    await scene.sql('postgres', 'alter role helper nocreatedb');

    await refusedFor(manifest, /^helper may not replace database live: it may not make databases$/, helper);
    await scene.sql('postgres', 'alter role helper nocreatedb');
    const fresh = await planRestore(
      manifest,
      scene.source('fresh', { login: helper }).engine,
      { ...replace, replace: false },
      scene.deps(),
      limit(),
    );
    await fresh.target.close();
    await scene.sql('postgres', 'alter role helper createdb');

    expect(failing(fresh)).toEqual([
      expect.objectContaining({ what: 'helper may not make databases', remedy: expect.stringContaining('CREATEDB;') }),
    ]);
  });

  test('an extension', async () => {
    const [control, script] = ['shelf.control', 'shelf--1.0.sql'].map((name) => join(extensions, 'extension', name));
    await writeFile(control!, `default_version = '1.0'\n`);
    await writeFile(script!, 'create function shelf() returns int language sql return 1;\n');
    await scene.sql('shop', 'create extension shelf');
    const manifest = await taken();
    await rm(control!);

    await refusedFor(manifest, /^this server does not have the extension shelf \(1\.0 in the backup\)$/);
    await writeFile(control!, `default_version = '2.0'\n`);
    await writeFile(
      join(extensions, 'extension/shelf--2.0.sql'),
      'create function shelf() returns int language sql return 2;\n',
    );
    const other = await planned(manifest);

    expect(other.findings).toEqual([
      { weight: 'note', what: 'the extension shelf was 1.0, and will be 2.0: pg_dump carries no version' },
    ]);
  });

  test('a tablespace', async () => {
    await scene.sql('postgres', `create tablespace fast location ''`);
    await scene.sql('shop', 'alter table goods set tablespace fast');
    const manifest = await taken();
    await scene.sql('shop', 'drop table goods');
    await scene.sql('postgres', 'drop tablespace fast');

    await refusedFor(manifest, /^this server has no tablespace fast$/);
    expect(failing(await planned(manifest, {}, { tablespaces: false }))).toEqual([]);
  });

  test('a locale of the system, and knowledge of what a newer server has', async () => {
    const manifest = await taken();
    const catalog = { database: { encoding: 'UTF8', collate: 'tlh_KX.UTF-8', ctype: 'tlh_KX.UTF-8' } };
    const newer = { ...manifest, server: { ...manifest.server, version: '99.1' } };
    const target = await scene.source('new').engine.target({ manifest: newer, catalog, owners: false }, limit());
    const { findings } = await target.foresee!(false, reading, limit());

    expect(findings).toEqual([
      expect.objectContaining({ weight: 'may-fail', what: expect.stringContaining('of PostgreSQL 99.1') }),
      expect.objectContaining({ weight: 'fails', what: expect.stringContaining('the locale tlh_KX.UTF-8') }),
    ]);
  });

  test('an application that is connected, and everything else with it, at once', async () => {
    await scene.sql('postgres', 'create role gone');
    await scene.sql('shop', 'alter table goods owner to gone');
    const manifest = await taken();
    await scene.sql('shop', 'drop table goods; drop role gone');
    const { host, port, user, password } = scene.server;
    const app = new pg.Client({ host, port, user, password, database: 'live', application_name: 'the app' });
    await app.connect();
    const before = await standing();

    const plan = await planned(manifest).finally(() => app.end());

    expect(hindrance(plan)).toMatchObject({
      code: 'restore-failed',
      message: expect.stringMatching(
        /^database live is in use by .*the app\); role "gone" does not exist .*as it was$/,
      ),
      hint: expect.stringMatching(/^stop the application first, .* CREATE ROLE "gone";/),
    });
    expect(await standing()).toEqual(before);
  });
});

describe('what was shown is what is done', () => {
  let manifest: Manifest;
  const deps = () => ({ ...scene.deps(), parallel: 2 });
  const look = (database: string) => planRestore(manifest, scene.source(database).engine, replace, deps(), limit());

  beforeAll(async () => {
    await scene.sql('postgres', 'drop database if exists shop');
    await scene.sql('postgres', 'create database shop');
    await scene.sql('shop', 'create table goods as select 1 as id');
    manifest = await taken();
  });

  test('a database that appears between the look and the yes is not dropped', async () => {
    const plan = await look('arriving');
    await scene.sql('postgres', 'create database arriving');
    await scene.sql('arriving', 'create table somebodys as select 42 as answer');

    await expect(restorePlanned(plan, deps(), limit())).rejects.toMatchObject({ code: 'target-not-empty' });

    expect(await scene.sql('arriving', 'select answer from somebodys')).toEqual([{ answer: 42 }]);
  });

  test('nor one that somebody has made anew under the name that was shown', async () => {
    await scene.sql('postgres', 'create database changing');
    await scene.sql('changing', 'create table known as select 1 as id');
    const plan = await look('changing');
    await scene.sql('postgres', 'drop database changing');
    await scene.sql('postgres', 'create database changing');
    await scene.sql('changing', 'create table somebodys as select 42 as answer');

    await expect(restorePlanned(plan, deps(), limit())).rejects.toMatchObject({
      code: 'target-not-empty',
      message: expect.stringContaining('another one than was looked at'),
    });

    expect(await scene.sql('changing', 'select answer from somebodys')).toEqual([{ answer: 42 }]);
  });

  test('and what nothing stands against is done', async () => {
    await scene.sql('postgres', 'create database meant');
    await scene.sql('meant', 'create table known as select 1 as id');
    const plan = await look('meant');

    const restored = await restorePlanned(plan, deps(), limit());

    expect(plan.steps.at(-2)).toMatch(/^rename database meant to meant_before_/);
    expect(restored).toMatchObject({ database: 'meant', proof: { differences: [] } });
    expect(await scene.sql('meant', 'select id from goods')).toEqual([{ id: 1 }]);
  });
});
