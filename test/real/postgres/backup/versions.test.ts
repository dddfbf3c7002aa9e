import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { backup } from '../../../../core/commands/backup.ts';
import { restore } from '../../../../core/commands/restore/restore.ts';
import type { Restored } from '../../../../core/commands/restore/restore.ts';
import type { PostgresMajor } from '../../../servers/databases/postgres-packages.ts';
import { limit, makeEvery, postgresScene } from '../../../support/postgres.ts';
import type { PostgresScene } from '../../../support/postgres.ts';

const scenes = new Map<PostgresMajor, PostgresScene>();
const on = (major: PostgresMajor) => scenes.get(major)!;

beforeAll(async () => {
  for (const major of [13, 15, 17, 18] as const) {
    const scene = await postgresScene(major, { wal_level: 'logical' });
    scenes.set(major, scene);
    await makeEvery(scene);
  }
}, 1_200_000);

afterAll(async () => {
  for (const scene of scenes.values()) await scene.stop();
});

/** A database of one server, restored into a new one of another server. */
async function moved(database: string, from: PostgresMajor, to: PostgresMajor): Promise<Restored> {
  const { source, deps } = on(from);
  const manifest = await backup(source(database), deps(), limit());
  return restore(
    manifest,
    on(to).source(`of ${from}`).engine,
    { replace: false, owners: true, proof: true },
    { ...deps(), parallel: 2 },
    limit(),
  );
}

test.each([
  [13, 17],
  [13, 18],
  [15, 17],
  [15, 18],
  [17, 18],
] as const)(
  'a database of PostgreSQL %i with every feature is restored into %i, and all of it is proven equal',
  async (from, to) => {
    const { proof } = await moved('every', from, to);

    expect(proof).toMatchObject({ definitions: true, differences: [] });
    expect(proof!.tables).toBeGreaterThan(20);
  },
  120_000,
);

test.each([
  [18, 17],
  [17, 15],
  [15, 13],
  [18, 13],
] as const)(
  'a plain database of PostgreSQL %i goes back into %i',
  async (from, to) => {
    const { sql } = on(from);
    await sql('postgres', `drop database if exists plain`);
    await sql('postgres', `create database plain template template0`);
    await sql(
      'plain',
      `create table orders (id bigint generated always as identity primary key, item jsonb, at timestamptz default now()); insert into orders (item) select to_jsonb(g) from generate_series(1, 1000) g;
    create view late as select * from orders; select lo_from_bytea(0, 'large')`,
    );

    const { proof } = await moved('plain', from, to);

    expect(proof).toMatchObject({ definitions: true, differences: [] });
  },
  120_000,
);

test('what an older server does not know is refused, with what to do, and no half of a database stays', async () => {
  await expect(moved('every', 18, 15)).rejects.toMatchObject({
    code: 'restore-failed',
    hint: expect.stringMatching(
      /^the backup is of PostgreSQL 18\.\d+, and this server, of 15, .*restore into 18 or newer; or restore everything else.*--keep-going$/,
    ),
  });

  expect(await on(15).sql('postgres', `select datname from pg_database where datname = 'of 18'`)).toEqual([]);
}, 120_000);
