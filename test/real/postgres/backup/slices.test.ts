import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { backup } from '../../../../core/commands/backup.ts';
import { restore } from '../../../../core/commands/restore/restore.ts';
import { limit, postgresScene } from '../../../support/postgres.ts';
import type { PostgresScene } from '../../../support/postgres.ts';

let scene: PostgresScene;

beforeAll(async () => {
  scene = await postgresScene(18, { autovacuum_naptime: '1s' });
  await scene.sql('postgres', 'create database busy');
  await scene.sql(
    'busy',
    `
    create table "Odd ""table" (id bigint generated always as identity primary key, "a column" text, "select" int generated always as (1) stored, touched int default 0);
    insert into "Odd ""table" ("a column") select repeat(md5(g::text), 3) from generate_series(1, 8000) g;
    create table wide (id int, big text); alter table wide alter big set storage external;
    insert into wide select g, repeat(md5(g::text), 400) from generate_series(1, 150) g;`,
  );
}, 1_200_000);

afterAll(() => scene.stop());

test('13: slices of tables that are written to all the while hold every row of the snapshot exactly once', async () => {
  const writing = new AbortController();
  const writers = [1, 2].map(async (seed) => {
    while (!writing.signal.aborted) {
      await scene.sql(
        'busy',
        `
        update "Odd ""table" set touched = touched + 1 where id % 7 = ${seed};
        delete from "Odd ""table" where id % 1001 = ${seed};
        insert into "Odd ""table" ("a column") select 'new ' || g from generate_series(1, 30) g;`,
      );
      await new Promise((wake) => setTimeout(wake, 20));
    }
  });
  try {
    for (let round = 0; round < 2; round += 1) {
      const source = scene.source('busy', { sliceBytes: 256 * 1024 });

      const manifest = await backup(source, scene.deps(), limit());
      await restore(
        manifest,
        scene.source(`calm${round}`).engine,
        { replace: false, owners: true, proof: true },
        { ...scene.deps(), parallel: 2 },
        limit(),
      );

      expect(manifest.parts.filter(({ role }) => role === 'data').length).toBeGreaterThan(5);
      const [counted] = await scene.sql(
        `calm${round}`,
        'select count(*)::int as rows, count(distinct id)::int as ids from "Odd ""table"',
      );
      const recorded = manifest.tables.find(({ table }) => table.includes('Odd'));
      expect(counted).toEqual({ rows: recorded?.rows, ids: recorded?.rows });
    }
  } finally {
    writing.abort();
    await Promise.all(writers);
  }
});

test('slices and one plain dump of a quiet database see the same rows', async () => {
  const sliced = await backup(scene.source('busy', { sliceBytes: 256 * 1024 }), scene.deps(), limit());
  const plain = await backup(scene.source('busy'), scene.deps(), limit());

  const byName = (tables: typeof plain.tables) => tables.toSorted((a, b) => (a.table < b.table ? -1 : 1));
  expect(byName(sliced.tables)).toEqual(byName(plain.tables));
});
