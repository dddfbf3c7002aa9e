import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { backup } from '../../../../../core/commands/backup.ts';
import { restore } from '../../../../../core/commands/restore/restore.ts';
import type { Restored } from '../../../../../core/commands/restore/restore.ts';
import type { Manifest } from '../../../../../core/contract/manifest/manifest.ts';
import { limit, postgresScene } from '../../../../support/postgres.ts';
import type { PostgresScene } from '../../../../support/postgres.ts';

describe.each([18, 15] as const)('PostgreSQL %i', (major) => {
  let scene: PostgresScene;
  let manifest: Manifest;

  beforeAll(async () => {
    scene = await postgresScene(major);
    await scene.sql('postgres', 'create database shop');
    await scene.sql(
      'shop',
      `create function folded(text) returns text language sql immutable as 'select lower($1)';
    create table orders (id int primary key, placed date, note text);
    insert into orders select g, date '2026-01-01' + g % 90, 'N' || g from generate_series(1, 60000) g;
    create index orders_placed on orders (placed); create index orders_folded on orders (folded(note));
    create index orders_said on orders (note); comment on index orders_said is 'asked for each morning';
    create table "Odd 'Lines" (id int, "order" int references orders, unique (id, "order"));
    insert into "Odd 'Lines" select g, g from generate_series(1, 50000) g;
    create table last_of_all as select g as id from generate_series(1, 10000) g;
    create unique index last_index on last_of_all (id)`,
    );
    manifest = await backup(scene.source('shop', { sliceBytes: 1_000_000 }), scene.deps(), limit());
  }, 1_200_000);
  afterAll(() => scene?.stop());
  beforeEach(() => scene.sql('postgres', 'drop database if exists copy with (force)'));

  const restored = (parallel: number, made = manifest): Promise<Restored> =>
    restore(
      made,
      scene.source('copy', { login: { parallel } }).engine,
      { replace: false, owners: true, proof: true },
      { ...scene.deps(), report: () => {}, parallel },
      limit(),
    );

  /** By the numbers of the server's transactions: what was made before the last table had a row, and what after. */
  async function madeBeforeTheLastRow(): Promise<string[]> {
    const made = await scene.sql(
      'copy',
      `select relname as name from pg_class c where relkind = 'i' and relnamespace = 'public'::regnamespace
      and c.xmin::text::bigint < (select min(xmin::text::bigint) from last_of_all) order by 1`,
    );
    return made.map(({ name }) => String(name));
  }

  test('indexes that need the rows of one table alone are made as soon as all of these are in', async () => {
    const { proof } = await restored(1);

    const parts = manifest.parts.filter(({ tables }) => tables?.includes('public.orders'));
    expect(parts.length).toBeGreaterThan(1);
    expect(proof?.differences).toEqual([]);
    // neither the one that calls a function, which may read anything, nor the one with a comment, nor the last table's
    expect(await madeBeforeTheLastRow()).toEqual(["Odd 'Lines_id_order_key", 'orders_pkey', 'orders_placed']);
    expect(await scene.sql('copy', `select obj_description('orders_said'::regclass) as said`)).toEqual([
      { said: 'asked for each morning' },
    ]);
  });

  test('rows that several sessions load at once are proven with the indexes that are made meanwhile', async () => {
    const { proof } = await restored(3);

    expect(proof?.differences).toEqual([]);
  });

  test('an index that can’t be made while rows are loaded ends the restore, by its name', async () => {
    const path = `${scene.server.dataDir}/../fast`;
    await scene.sql('postgres', `copy (select 1) to program 'mkdir -p ${path}'`);
    await scene.sql('postgres', `create tablespace fast location '${path}'`);
    await scene.sql('shop', 'create index orders_fast on orders (id, placed) tablespace fast');
    const fast = await backup(scene.source('shop', { sliceBytes: 1_000_000 }), scene.deps(), limit());
    await scene.sql('shop', 'drop index orders_fast');
    await scene.sql('postgres', 'drop tablespace fast');

    await expect(restored(1, fast)).rejects.toMatchObject({
      code: 'restore-failed',
      message: expect.stringMatching(
        /(?:INDEX orders_fast|CREATE INDEX orders_fast|default_tablespace).*fast.*there is no database copy$/s,
      ),
    });

    expect(await scene.sql('postgres', `select datname from pg_database where datname ~ 'copy|nightjar'`)).toEqual([]);
  });
});
