import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { backup } from '../../../../../core/commands/backup.ts';
import { planRestore } from '../../../../../core/commands/restore/plan.ts';
import { restore } from '../../../../../core/commands/restore/restore.ts';
import type { Manifest } from '../../../../../core/contract/manifest/manifest.ts';
import { limit, postgresScene } from '../../../../support/postgres.ts';
import type { PostgresScene } from '../../../../support/postgres.ts';

// As many hosts have it: a role owns one database, and may make no other.
describe.each([13, 18] as const)('PostgreSQL %i, by a role that owns one database alone', (major) => {
  let scene: PostgresScene;
  let manifest: Manifest;
  const login = { user: 'tenant', password: 'tenant' };
  const into = (replace: boolean, owners: boolean, database = 'hosted') =>
    [manifest, scene.source(database, { login }).engine, { replace, owners, proof: true }] as const;
  const restoring = (...how: Parameters<typeof into>) =>
    restore(...into(...how), { ...scene.deps(), parallel: 2 }, limit());
  const things = async (database = 'hosted') =>
    (
      await scene.sql(
        database,
        `select relname as name from pg_class where relnamespace = 'public'::regnamespace
        union all select extname from pg_extension union all select nspname from pg_namespace where nspname !~ '^pg_' order by 1`,
      )
    ).map(({ name }) => name);

  beforeAll(async () => {
    scene = await postgresScene(major);
    await scene.sql('postgres', `create role app; create role tenant login password 'tenant'`);
    for (const database of ['shop', 'hosted owner tenant', 'lent', 'strange'])
      await scene.sql('postgres', `create database ${database}`);
    await scene.sql('lent', 'grant create on database lent to tenant; revoke create on schema public from public');
    await scene.sql(
      'shop',
      `create extension pg_trgm; create table goods (id int generated always as identity primary key, item text);
       insert into goods (item) select 'item ' || g from generate_series(1, 500) g; create index on goods using gin (item gin_trgm_ops);
       create view seen as select id from goods; create function one() returns int language sql as 'select 1';
       alter table goods owner to app; grant select on goods to app`,
    );
    manifest = await backup(scene.source('shop'), scene.deps(), limit());
  }, 1_200_000);
  afterAll(() => scene?.stop());

  test('what would fail is said before anything is written, and the empty database stays empty', async () => {
    const before = await things();

    await expect(restoring(false, true)).rejects.toMatchObject({
      code: 'privilege-missing',
      message: expect.stringMatching(/tenant may not act for app, which owns .*; database hosted is empty, as it was$/),
      hint: expect.stringContaining('--no-owner'),
    });
    await expect(restoring(false, false, 'lent')).rejects.toMatchObject({
      message: 'tenant may make nothing in schema public of database lent; database lent is empty, as it was',
      hint: expect.stringContaining('GRANT CREATE ON SCHEMA public TO "tenant";'),
    });
    await expect(restoring(false, false, 'strange')).rejects.toMatchObject({
      message: expect.stringContaining('tenant may make nothing in database strange'),
      hint: expect.stringContaining('ALTER DATABASE "strange" OWNER TO "tenant";'),
    });
    expect(await things()).toEqual(before);
  });

  test('it is filled and proven, and what can not be put beside it has a way without that right', async () => {
    const plan = await planRestore(...into(false, false), scene.deps(), limit());
    await plan.target.close();
    const filled = await restoring(false, false);
    const refused = await restoring(true, false).catch((error: unknown) => error);

    expect(plan.findings.filter(({ weight }) => weight === 'fails')).toEqual([]);
    expect(filled.proof).toMatchObject({ differences: [] });
    expect(refused).toMatchObject({
      code: 'privilege-missing',
      message: 'tenant may not replace database hosted: it may not make databases; database hosted is as it was',
      hint: expect.stringMatching(
        /^ALTER ROLE "tenant" CREATEDB; or .*\(DROP OWNED BY "tenant" CASCADE; in hosted\).* --to hosted, without --replace$/,
      ),
    });
    await scene.sql('hosted', 'set role tenant; delete from goods; drop owned by tenant cascade');
    expect((await restoring(false, false)).proof).toMatchObject({ differences: [] });
    expect(await scene.sql('hosted', 'select count(*)::int as n from goods')).toEqual([{ n: 500 }]);
  });
});
