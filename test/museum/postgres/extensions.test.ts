import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { backup } from '../../../core/commands/backup.ts';
import { proofSentence } from '../../../core/commands/proof/prove.ts';
import { restore } from '../../../core/commands/restore/restore.ts';
import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import { limit, postgresScene } from '../../support/postgres.ts';
import type { PostgresScene } from '../../support/postgres.ts';

/** Extensions that others have made, from Debian's packages. */
let scene: PostgresScene;

beforeAll(async () => {
  scene = await postgresScene(18, {
    shared_preload_libraries: 'timescaledb',
    'timescaledb.telemetry_level': 'off',
    max_worker_processes: '16',
  });
}, 1_200_000);

afterAll(() => scene?.stop());

async function filled(database: string, sql: string[]): Promise<Manifest> {
  await scene.sql('postgres', `create database ${database}`);
  for (const statement of sql) await scene.sql(database, statement);
  return backup(scene.source(database), scene.deps(), limit());
}

function restored(
  manifest: Manifest,
  database: string,
  more: { replace?: boolean; events?: boolean; tables?: string[] } = {},
) {
  const options = { replace: false, owners: true, proof: true, ...more };
  return restore(manifest, scene.source(database).engine, options, { ...scene.deps(), parallel: 2 }, limit());
}

describe('TimescaleDB', () => {
  let manifest: Manifest;

  beforeAll(async () => {
    manifest = await filled('metrics', [
      'create extension timescaledb',
      'create table readings (at timestamptz not null, device int, value float, primary key (at, device))',
      `select create_hypertable('readings', 'at', chunk_time_interval => interval '1 day')`,
      `insert into readings select '2026-01-01'::timestamptz + i * interval '1 hour', i % 3, i from generate_series(1, 200) i`,
      'create index on readings (device, at desc)',
    ]);
  }, 120_000);

  const sums = 'select count(*)::int as rows, sum(value)::int as sum, max(at) as last from readings';
  const schedulers = (database: string) =>
    scene.sql(
      'postgres',
      `select count(*)::int as count from pg_stat_activity where datname = '${database}' and backend_type like 'TimescaleDB%'`,
    );

  test('the keys of a hypertable were refused once its own tables said that it is one: no backup could be restored', async () => {
    const { proof, notes } = await restored(manifest, 'metrics_again');

    expect(proofSentence(proof!)).toMatch(/^proven equal: /);
    expect(await scene.sql('metrics_again', sums)).toEqual(await scene.sql('metrics', sums));
    await scene.sql('metrics_again', `insert into readings values ('2030-01-01', 1, 1)`);
    expect(await scene.sql('metrics_again', `select count(*)::int as count from show_chunks('readings')`)).toEqual([
      { count: 10 },
    ]);
    // retention would drop what was just restored
    expect(await schedulers('metrics_again')).toEqual([{ count: 0 }]);
    expect(notes.join()).toContain('SELECT _timescaledb_functions.start_background_workers();');
  });

  test('a database that was there and empty is filled with them, and nothing tells of the restore any more', async () => {
    await scene.sql('postgres', 'create database metrics_given');

    const { proof } = await restored(manifest, 'metrics_given');

    expect(proofSentence(proof!)).toMatch(/^proven equal: /);
    expect(await scene.sql('metrics_given', sums)).toEqual(await scene.sql('metrics', sums));
    const left = `select to_regnamespace('nightjar_restore_unfinished') as mark, current_setting('timescaledb.restoring') as restoring`;
    expect(await scene.sql('metrics_given', left)).toEqual([{ mark: null, restoring: 'off' }]);
    expect(await schedulers('metrics_given')).toEqual([{ count: 0 }]);
  });

  test('in place, its scheduler is in the way, and the remedy is not to stop an application', async () => {
    const refused = restored(manifest, 'metrics', { replace: true, events: true });
    await expect(refused).rejects.toMatchObject({
      message: expect.stringContaining('TimescaleDB Background Worker Scheduler'),
      hint: 'run SELECT _timescaledb_functions.stop_background_workers(); in that database, then run the restore again',
    });

    await scene.sql('metrics', 'select _timescaledb_functions.stop_background_workers()');
    const { proof } = await restored(manifest, 'metrics', { replace: true, events: true });

    expect(proofSentence(proof!)).toMatch(/^proven equal: /);
    expect(await schedulers('metrics')).toEqual([{ count: 1 }]);
  });

  test('a hypertable alone would come back without a row', async () => {
    await expect(restored(manifest, 'some', { tables: ['readings'] })).rejects.toMatchObject({
      code: 'input-invalid',
      message: expect.stringContaining('public.readings is a hypertable of TimescaleDB'),
    });
  });
});

test('indexes of pgvector, and vectors to the last bit', async () => {
  const manifest = await filled('vectors', [
    'create extension vector',
    'create table items (id serial primary key, e vector(3), h halfvec(2), s sparsevec(9), b bit(4))',
    `insert into items (e, h, s, b) select array[i, i / 7.0, -i]::vector, array[i, 0.1]::halfvec, '{1:0.1,3:2}/9', i::bit(4) from generate_series(1, 100) i`,
    'create index on items using hnsw (e vector_l2_ops)',
    'create index on items using ivfflat (e vector_cosine_ops) with (lists = 4)',
    'create index on items using hnsw (b bit_hamming_ops)',
  ]);

  expect(proofSentence((await restored(manifest, 'vectors_again')).proof!)).toMatch(/^proven equal: /);
  const all = `select md5(string_agg(items::text, '|' order by id)) as sum from items`;
  expect(await scene.sql('vectors_again', all)).toEqual(await scene.sql('vectors', all));
});
