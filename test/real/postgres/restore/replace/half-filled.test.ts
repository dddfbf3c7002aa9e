import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { backup } from '../../../../../core/commands/backup.ts';
import { planRestore } from '../../../../../core/commands/restore/plan.ts';
import { restore } from '../../../../../core/commands/restore/restore.ts';
import type { Manifest } from '../../../../../core/contract/manifest/manifest.ts';
import { limit, postgresScene } from '../../../../support/postgres.ts';
import type { PostgresScene } from '../../../../support/postgres.ts';

// A role that may make no database fills one that is there and empty; what it has left there when it was killed is known.
describe.each([13, 18] as const)('PostgreSQL %i, a database that a restore has half filled', (major) => {
  let scene: PostgresScene;
  let manifest: Manifest;
  const login = { user: 'tenant', password: 'tenant' };
  const into = (database: string) =>
    [manifest, scene.source(database, { login }).engine, { replace: false, owners: false, proof: true }] as const;
  const restoring = (database: string, signal = limit()) =>
    restore(...into(database), { ...scene.deps(), parallel: 2 }, signal);
  const hosted = async (database: string) => {
    await scene.sql('postgres', `create database ${database} owner tenant`);
    return database;
  };

  /** As a kill leaves it: definitions and rows are there, what comes behind them is not, and nobody has cleaned up. */
  async function halfFilled(database: string): Promise<void> {
    const { target } = await planRestore(...into(await hosted(database)), scene.deps(), limit());
    await target.prepare(false, limit());
    for (const step of target.stages.slice(0, 2).flat())
      await step.load(scene.deps().store.openPart(manifest, step.part, limit()), limit());
    await target.close();
  }
  const things = async (database: string) =>
    (
      await scene.sql(
        database,
        `select relname as name from pg_class where relnamespace = 'public'::regnamespace
        union all select proname from pg_proc where pronamespace = 'public'::regnamespace and proname !~ 'trgm|similarity|gin_|gtrgm|limit'
        union all select extname from pg_extension union all select nspname from pg_namespace where nspname !~ '^pg_'
        union all select 'large object' from pg_largeobject_metadata order by 1`,
      )
    ).map(({ name }) => name);
  const bare = ['information_schema', 'plpgsql', 'public'];

  beforeAll(async () => {
    scene = await postgresScene(major);
    await scene.sql('postgres', `create role tenant login password 'tenant'; create role other login`);
    await scene.sql('postgres', 'create database shop');
    await scene.sql(
      'shop',
      `create extension pg_trgm; create schema "Odd one";
       create table goods (id int generated always as identity primary key, item text);
       insert into goods (item) select 'item ' || g from generate_series(1, 500) g; create index on goods using gin (item gin_trgm_ops);
       create type "Odd one".mood as enum ('ok'); create domain positive as int check (value > 0);
       create table "Odd one".moods (id positive, mood "Odd one".mood, good int references goods);
       insert into "Odd one".moods values (1, 'ok', 1); create sequence numbers; select lo_create(4711);
       create view seen as select id from goods; create materialized view kept as select id from seen;
       create function one(int) returns int language sql as 'select 1'; create procedure two() language sql as 'select 2';
       create aggregate total(int) (sfunc = int4pl, stype = int); create operator public.=== (leftarg = int, rightarg = int, function = int4pl);
       create function stamp() returns trigger language plpgsql as 'begin return new; end';
       create trigger stamped before insert on goods for each row execute function stamp();
       create collation plain from "C"; create text search configuration words (copy = simple);
       create statistics pairs on id, item from goods; create publication all_goods for table goods`,
    );
    manifest = await backup(scene.source('shop'), scene.deps(), limit());
  }, 1_200_000);
  afterAll(() => scene?.stop());

  test('the next restore says so, empties it, and is proven', async () => {
    await halfFilled('cut');

    const plan = await planRestore(...into('cut'), scene.deps(), limit());
    await plan.target.close();
    await expect(backup(scene.source('cut'), scene.deps(), limit())).rejects.toMatchObject({ code: 'source-changed' });
    const { proof } = await restoring('cut');

    expect(plan.target).toMatchObject({
      state: 'empty',
      notes: [
        expect.stringMatching(/^database cut holds a part of a restore that was interrupted \(\d{8}T.*\): it is/),
        expect.anything(),
      ],
    });
    expect(plan.steps).toEqual([expect.stringMatching(/^empty database cut, which holds a part/), 'fill it again']);
    expect(proof).toMatchObject({ differences: [] });
    expect(await things('cut')).toEqual(await things('shop'));
    await expect(backup(scene.source('cut'), scene.deps(), limit())).resolves.toMatchObject({
      tables: manifest.tables,
    });
  });

  // what follows is the same on each
  if (major === 13) return;

  test('what somebody has put there keeps it from being emptied, and so does whoever is connected', async () => {
    await halfFilled('shared');
    await scene.sql('shared', 'create table mine (word text); insert into mine values ($$precious$$)');
    const before = await things('shared');

    await expect(restoring('shared')).rejects.toMatchObject({
      code: 'target-not-empty',
      message: expect.stringContaining('interrupted, and what that has not made (table public.mine'),
    });
    expect(await things('shared')).toEqual(before);

    await scene.sql('shared', 'drop table mine');
    const { host, port, user, password } = scene.server;
    const app = new pg.Client({ host, port, user, password, database: 'shared', application_name: 'the app' });
    await app.connect();
    await expect(restoring('shared')).rejects.toMatchObject({
      code: 'restore-failed',
      message: expect.stringMatching(/interrupted, and is in use by .*pid \d+/),
    });
    await app.end();
    expect((await restoring('shared')).proof).toMatchObject({ differences: [] });
  });

  test('a failed restore empties it itself, and of two at once one says that the other is at work', async () => {
    const stop = new AbortController();
    const target = await hosted('stopped');
    const [, engine, options] = into(target);
    const deps = { ...scene.deps(), parallel: 2 };
    const stopping = { ...deps, report: (now: { type: string }) => now.type === 'part-done' && stop.abort() };

    await expect(restore(manifest, engine, options, stopping as typeof deps, stop.signal)).rejects.toMatchObject({
      message: expect.stringMatching(/what was restored is dropped again, and database stopped is empty, as it was$/),
    });
    expect(await things('stopped')).toEqual(bare);

    const both = await Promise.allSettled([restoring('stopped'), restoring('stopped')]);
    const failed = both.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
    expect(failed).toEqual([
      expect.objectContaining({ code: expect.stringMatching(/^(lease-held|target-not-empty)$/) }),
    ]);
    expect(await things('stopped')).toEqual(await things('shop'));
  });

  test('a failed restore does not take away what somebody has made meanwhile', async () => {
    const { target } = await planRestore(...into(await hosted('joined')), scene.deps(), limit());
    try {
      await target.prepare(false, limit());
      for (const step of target.stages[0]!)
        await step.load(scene.deps().store.openPart(manifest, step.part, limit()), limit());
      await scene.sql('joined', `create table mine as select 'precious' as word`);

      await expect(target.discard(limit())).rejects.toMatchObject({
        code: 'target-not-empty',
        message: expect.stringContaining('what that has not made: table public.mine'),
      });
    } finally {
      await target.close();
    }

    expect(await scene.sql('joined', 'select word from mine')).toEqual([{ word: 'precious' }]);
    expect(await scene.sql('joined', 'select count(*)::int from goods')).toEqual([{ count: 0 }]);
  });

  test('a mark that another role has made is not believed', async () => {
    await hosted('forged');
    const mark = JSON.stringify({ backup: 'x', makes: { table: ['public.precious'] }, before: {} });
    await scene.sql(
      'forged',
      `create table precious as select 1 as x; grant create on database forged to other; set role other;
      create schema nightjar_restore_unfinished; comment on schema nightjar_restore_unfinished is 'x\n${mark}'`,
    );

    await expect(restoring('forged')).rejects.toMatchObject({
      code: 'target-not-empty',
      message: expect.stringContaining('it holds a part of a restore that was interrupted, by other'),
    });
    expect(await scene.sql('forged', 'select x from precious')).toEqual([{ x: 1 }]);
  });
});

describe('a database that holds nothing but what extensions have brought', () => {
  let scene: PostgresScene;
  const login = { user: 'tenant', password: 'tenant' };
  beforeAll(async () => {
    scene = await postgresScene(18);
    await scene.sql('postgres', `create role tenant login password 'tenant'`);
    await scene.sql(
      'template1',
      'create schema ext; create extension hstore schema ext; create extension pg_stat_statements',
    );
    for (const database of ['shop template template0', 'hosted owner tenant', 'worked_in owner tenant', 'blobs'])
      await scene.sql('postgres', `create database ${database}`);
  }, 1_200_000);
  afterAll(() => scene?.stop());

  test('counts as empty, keeps them in their version, and is filled by a role that owns none of them', async () => {
    await scene.sql(
      'shop',
      `create schema ext; create extension hstore schema ext version '1.7'; create table goods (id int primary key, facts ext.hstore);
      insert into goods values (1, 'a=>1'); create table ext.beside (id int)`,
    );
    const manifest = await backup(scene.source('shop'), scene.deps(), limit());
    const into = (database: string) =>
      [manifest, scene.source(database, { login }).engine, { replace: false, owners: false, proof: true }] as const;
    await scene.sql('hosted', 'grant all on schema ext to tenant');
    await scene.sql('worked_in', 'create table ext.mine (id int)');
    await scene.sql('blobs', 'select lo_create(1)');

    const plan = await planRestore(...into('hosted'), scene.deps(), limit());
    await plan.target.close();
    const { proof } = await restore(...into('hosted'), { ...scene.deps(), parallel: 2 }, limit());

    expect(plan.target.state).toBe('empty');
    expect(plan.findings).toContainEqual({
      weight: 'note',
      what: 'the extension hstore was 1.7, and is 1.8 in this database already: it stays as it is',
    });
    expect(proof).toMatchObject({
      differences: [],
      exceptions: [
        expect.stringMatching(/which was there before the restore, keeps of its own: .*extension version hstore/),
      ],
    });
    expect(await scene.sql('hosted', 'select facts::text from goods')).toEqual([{ facts: '"a"=>"1"' }]);
    await expect(restore(...into('worked_in'), { ...scene.deps(), parallel: 2 }, limit())).rejects.toMatchObject({
      code: 'target-not-empty',
    });
    await expect(restore(...into('blobs'), { ...scene.deps(), parallel: 2 }, limit())).rejects.toMatchObject({
      code: 'target-not-empty',
      message: expect.stringContaining('1 large object'),
    });
  });
});
