import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { backup } from '../../../../core/commands/backup.ts';
import { restore } from '../../../../core/commands/restore/restore.ts';
import type { RestoreOptions } from '../../../../core/commands/restore/restore.ts';
import type { Manifest } from '../../../../core/contract/manifest/manifest.ts';
import { limit, postgresScene } from '../../../support/postgres.ts';
import type { PostgresScene } from '../../../support/postgres.ts';

/**
 * Rows that a foreign key and a check of today would refuse, and a materialized view that can't be filled under an
 * empty search_path.
 */
const world = `
  create table customers (id int primary key, name text); insert into customers values (1, 'Ann'), (2, 'Bob');
  create table orders (id int primary key, customer int); insert into orders values (1, 1), (2, 7);
  alter table orders add constraint orders_customer foreign key (customer) references customers not valid;
  update pg_constraint set convalidated = true where conname = 'orders_customer';
  create index orders_by_customer on orders (customer);
  create function helper() returns int language sql as 'select 1';
  create materialized view totals as select helper() as x;
  create or replace function helper() returns int language sql as 'select count(*)::int from customers';
  create sequence numbers; select setval('numbers', 41);
  select lo_from_bytea(0, 'large');`;
const options = { replace: false, owners: true, proof: true };

const scenes: PostgresScene[] = [];
const manifests: Manifest[] = [];

afterAll(() => Promise.all(scenes.map((scene) => scene.stop())));

describe.each([13, 18] as const)('PostgreSQL %i', (major) => {
  let scene: PostgresScene;
  let manifest: Manifest;

  beforeAll(async () => {
    scene = await postgresScene(major);
    scenes.push(scene);
    await scene.sql('postgres', 'create database broken');
    await scene.sql('broken', world);
    manifest = await backup(scene.source('broken'), scene.deps(), limit());
    manifests.push(manifest);
  }, 1_200_000);

  const restoring = (to: string, more: Partial<RestoreOptions> = {}, of = manifest) =>
    restore(of, scene.source(to).engine, { ...options, ...more }, { ...scene.deps(), parallel: 2 }, limit());
  const databases = async () =>
    (await scene.sql('postgres', 'select datname from pg_database where not datistemplate order by 1')).map(
      ({ datname }) => datname,
    );

  test('a foreign key with orphans ends a restore, and the message has the error, the object, the statement and the way out', async () => {
    const error = await restoring('refused').then(
      () => undefined,
      (caught: Error) => caught,
    );

    expect(error).toMatchObject({ code: 'restore-failed', hint: expect.stringContaining('--keep-going') });
    expect(error?.message).toMatch(
      /ERROR: {2}(insert or update on table "orders" violates foreign key constraint "orders_customer"|relation "customers" does not exist)/,
    );
    expect(error?.message).toMatch(
      /statement: (ALTER TABLE ONLY public\.orders ADD CONSTRAINT orders_customer FOREIGN KEY|REFRESH MATERIALIZED VIEW public\.totals)/,
    );
    expect(error?.message).toContain('what was restored is dropped again, and there is no database refused');
    expect(error?.message).not.toMatch(/\(7\)|worker process/);
    expect(await databases()).toEqual(['broken', 'postgres']);
  });

  test('a restore that goes on keeps everything else, and names each failure with its error and its statement', async () => {
    const restored = await restoring('kept', { keepGoing: true });

    expect(restored).toMatchObject({ database: 'kept' });
    expect(
      restored.failures.map(
        ({ object, error, statement }) => `${object} | ${error.replace(/ \(HINT.*/, '')} | ${statement}`,
      ),
    ).toEqual([
      'FK CONSTRAINT orders orders_customer | ERROR:  insert or update on table "orders" violates foreign key ' +
        'constraint "orders_customer" | ALTER TABLE ONLY public.orders ADD CONSTRAINT orders_customer FOREIGN KEY ' +
        '(customer) REFERENCES public.customers(id);',
      'MATERIALIZED VIEW DATA totals | ERROR:  relation "customers" does not exist | REFRESH MATERIALIZED VIEW ' +
        'public.totals;',
    ]);
    expect(restored.proof?.differences.join('\n')).toMatch(/orders_customer/);
    expect(
      await scene.sql(
        'kept',
        'select count(*)::int as orders, (select last_value::int from numbers) as number, (select count(*)::int ' +
          'from pg_largeobject_metadata) as large from orders',
      ),
    ).toEqual([{ orders: 2, number: 41, large: 1 }]);
    expect(await scene.sql('kept', `select indexname from pg_indexes where schemaname = 'public' order by 1`)).toEqual([
      { indexname: 'customers_pkey' },
      { indexname: 'orders_by_customer' },
      { indexname: 'orders_pkey' },
    ]);
  });

  test('what goes on with failures replaces nothing: it stays beside, under a name that is told', async () => {
    await scene.sql('postgres', 'create database live');
    await scene.sql('live', 'create table precious as select 42 as answer');

    const restored = await restoring('live', { keepGoing: true, replace: true });

    expect(restored).toMatchObject({ notReplaced: 'live', database: expect.stringMatching(/^nightjar_new_/) });
    expect(await scene.sql('live', 'select answer from precious')).toEqual([{ answer: 42 }]);
    expect(await scene.sql(restored.database, 'select count(*)::int as orders from orders')).toEqual([{ orders: 2 }]);
  });

  test('a table whose check reads another one is restored in the end, whatever their order', async () => {
    await scene.sql('postgres', 'create database checked');
    await scene.sql(
      'checked',
      `create table zz_limits (most int); insert into zz_limits values (10);
      create function below(int) returns boolean language sql as 'select exists (select from public.zz_limits where most >= $1)';
      create table amounts (amount int check (below(amount))); insert into amounts values (3), (4)`,
    );
    const one = await backup(scene.source('checked'), scene.deps(), limit());

    await expect(restoring('checked1', {}, one)).rejects.toMatchObject({
      message: expect.stringContaining('statement: COPY public.amounts (amount) FROM stdin'),
      hint: expect.stringContaining('--keep-going'),
    });
    await expect(restoring('checked2', { keepGoing: true }, one)).resolves.toMatchObject({
      failures: [],
      proof: { differences: [] },
    });
  });

  test('rows that no pass can load cost no others, and none of them is taken for a statement', async () => {
    await scene.sql('postgres', 'create database rows');
    await scene.sql(
      'rows',
      `create table mean (t text, constraint mean check (length(t) > 0)); insert into mean values ('drop table fine;'), (E'\\\\! touch /tmp/nightjar-canary'), ('');
      create table fine (i int); insert into fine values (1), (2)`
        .replace(`(''), ('')`, `('')`)
        .replace(', constraint mean check (length(t) > 0)', ''),
    );
    await scene.sql(
      'rows',
      'alter table mean add constraint mean check (length(t) > 0) not valid; update pg_constraint set ' +
        `convalidated = true where conname = 'mean'`,
    );
    const one = await backup(scene.source('rows'), scene.deps(), limit());

    const restored = await restoring('rows2', { keepGoing: true }, one);

    expect(restored.failures).toEqual([
      {
        object: 'rows of public.mean',
        error: expect.stringContaining('violates check constraint "mean"'),
        statement: 'COPY public.mean (t) FROM stdin;',
      },
    ]);
    expect(restored.proof?.differences).toEqual(['table public.mean has 0 rows instead of 3']);
    expect(await scene.sql('rows2', 'select i from fine order by 1')).toEqual([{ i: 1 }, { i: 2 }]);
  });

  test('a server without the roles of a backup: --no-owner leaves out what names them, and says so; going on lists it', async () => {
    await scene.sql('postgres', 'create role gone; create role "Gone Too"');
    await scene.sql('postgres', 'create database roles');
    await scene.sql(
      'postgres',
      `alter role gone in database roles set work_mem to '8MB'; grant connect on database roles to gone`,
    );
    await scene.sql(
      'roles',
      `create table t (i int); alter table t owner to gone; alter table t enable row level security; create table u (i int); grant select on u to "Gone Too";
      create policy "a policy" on t for select to "Gone Too" using (i > 0); comment on policy "a policy" on t is 'about it'; create policy everybody on t using (i > 1)`,
    );
    const one = await backup(scene.source('roles'), scene.deps(), limit());
    await scene.sql('roles', 'drop owned by gone, "Gone Too"; drop table if exists t');
    await scene.sql('postgres', 'revoke all on database roles from gone; drop owned by gone');
    await scene.sql('postgres', 'drop role gone; drop role "Gone Too"');

    await expect(restoring('roles1', {}, one)).rejects.toMatchObject({
      message: expect.stringMatching(/role "[Gg]one.*" does not exist.*statement: /),
      hint: expect.stringContaining('--no-owner'),
    });
    const bare = await restoring('roles2', { owners: false }, one);
    const listed = await restoring('roles3', { keepGoing: true }, one);

    expect(bare).toMatchObject({
      failures: [],
      proof: {
        differences: [],
        exceptions: [
          'database setting work_mem of gone: left out, with all that names a role',
          'policy "a policy" on public.t: left out, for the role Gone Too is not on this server',
          expect.stringContaining('comment policy "a policy" on public.t'),
        ],
      },
    });
    expect(await scene.sql('roles2', 'select polname from pg_policy')).toEqual([{ polname: 'everybody' }]);
    expect(listed.failures.map(({ object, error }) => `${object}: ${error}`)).toEqual(
      expect.arrayContaining([
        'database setting work_mem of gone: ERROR:  role "gone" does not exist',
        'database access role gone CONNECT: ERROR:  role "gone" does not exist',
        'TABLE t: ERROR:  role "gone" does not exist',
        'POLICY t a policy: ERROR:  role "Gone Too" does not exist',
      ]),
    );
  });
});

test('an older server refuses the same by way of psql, and goes on likewise', async () => {
  const [older, newer] = scenes as [PostgresScene, PostgresScene];
  const restoring = (to: string, keepGoing: boolean) =>
    restore(
      manifests[1]!,
      older.source(to).engine,
      { ...options, keepGoing },
      { ...newer.deps(), parallel: 2 },
      limit(),
    );

  await expect(restoring('older1', false)).rejects.toMatchObject({
    message: expect.stringMatching(/ERROR: .*statement: (ALTER TABLE ONLY public\.orders|REFRESH MATERIALIZED)/),
    hint: expect.stringContaining('--keep-going'),
  });
  const kept = await restoring('older2', true);

  expect(kept.failures.map(({ object }) => object)).toEqual([
    'FK CONSTRAINT orders orders_customer',
    'MATERIALIZED VIEW DATA totals',
  ]);
});

test('the rows of a table that could not be made are left, and never read as statements, however many they are', async () => {
  const [older, newer] = scenes as [PostgresScene, PostgresScene];
  await newer.sql('postgres', 'create database unmade');
  await newer.sql(
    'unmade',
    `create table fine (i int); insert into fine values (1), (2); create table unmade (t text, m int4multirange);
    insert into unmade select 'drop table if exists public.fine;', '{[1,2)}' from generate_series(1, 60000)`,
  );
  const manifest = await backup(newer.source('unmade'), newer.deps(), limit());

  const restored = await restore(
    manifest,
    older.source('unmade').engine,
    { ...options, keepGoing: true },
    { ...newer.deps(), parallel: 1 },
    limit(),
  );

  expect(restored.failures).toEqual([
    {
      object: 'TABLE unmade',
      error: expect.stringContaining('type "int4multirange" does not exist'),
      statement: expect.stringContaining('CREATE TABLE public.unmade'),
    },
    expect.objectContaining({ object: expect.stringMatching(/unmade/) }),
    {
      object: 'rows of public.unmade',
      error: expect.stringContaining('relation "public.unmade" does not exist'),
      statement: 'COPY public.unmade (t, m) FROM stdin;',
    },
  ]);
  expect(await older.sql('unmade', 'select i from fine order by 1')).toEqual([{ i: 1 }, { i: 2 }]);
});
