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
    shared_preload_libraries: 'timescaledb,pg_cron',
    'cron.database_name': 'jobs',
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
  more: { replace?: boolean; events?: boolean; tables?: string[]; drill?: { assert: string[] } } = {},
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

describe('pg_cron, which a server makes in one database alone', () => {
  let manifest: Manifest;
  const except =
    'proven equal, except extension pg_cron and all in schema cron, its jobs, which this server makes in database ' +
    'jobs alone; view public.planned, which needs pg_cron; table constraint owned_job_fkey on public.owned, which needs pg_cron: ';

  beforeAll(async () => {
    manifest = await filled('jobs', [
      'create extension pg_cron',
      `select cron.schedule('nightly', '0 3 * * *', 'vacuum')`,
      'create view planned as select * from cron.job',
      `comment on column planned.jobid is 'which'`,
      'create table owned (job bigint references cron.job, who text)',
      'create table orders (id serial primary key, note text)',
      `insert into orders (note) select 'cron.job ' || i from generate_series(1, 50) i`,
      `select lo_from_bytea(4711, 'large')`,
    ]);
  }, 120_000);

  test('no drill of it, and no copy beside it, could ever succeed', async () => {
    const drilled = await restored(manifest, 'jobs_drill_1', {
      drill: { assert: ['select count(*) = 50 from orders'] },
    });
    expect(proofSentence(drilled.proof!)).toContain(except);

    const { proof, notes } = await restored(manifest, 'jobs_copy');
    expect(proofSentence(proof!)).toContain(except);
    expect(notes).toContain('left out: view public.planned, which needs pg_cron');
    const content = `select count(*)::int as rows, nextval('orders_id_seq')::int as next, convert_from(lo_get(4711), 'UTF8') as large from orders`;
    expect(await scene.sql('jobs_copy', content)).toEqual([{ rows: 50, next: 51, large: 'large' }]);

    const again = await restored(manifest, 'jobs_copy', { replace: true });
    expect(proofSentence(again.proof!)).toContain(except);

    await scene.sql('postgres', 'create database jobs_empty');
    const filledUp = await restored(manifest, 'jobs_empty');
    expect(proofSentence(filledUp.proof!)).toContain(except);
  });

  test('in place it would lose its jobs: it is refused before anything is made', async () => {
    await expect(restored(manifest, 'jobs', { replace: true })).rejects.toThrow(
      'pg_cron can be made in database jobs alone, and so in none beside it that would take its place',
    );
    expect(await scene.sql('jobs', 'select jobname from cron.job')).toEqual([{ jobname: 'nightly' }]);
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
