import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import pg from 'pg';
import { nightjar, start } from '../../support/cli/command.ts';
import { makeShop, replacedOften } from '../../support/faults/kills.ts';
import { postgresScene } from '../../support/postgres.ts';
import type { PostgresScene } from '../../support/postgres.ts';

// The old database was dropped, and only then the new one renamed: killed in between, neither was there under its name.
// What killed runs left blocked every run behind them.
let scene: PostgresScene;

beforeAll(async () => {
  scene = await postgresScene(17);
  await makeShop(scene, 2000);
}, 1_200_000);

afterAll(() => scene.stop());

test('museum: --replace killed at any moment leaves a whole database under the name, and blocks no run behind it', async () => {
  const { old, replaced } = await replacedOften(8, scene, { vault: scene.folder, env: {} });

  expect(old + replaced).toBe(8);
}, 240_000);

test('museum: --replace killed between the two renames leaves the old database under its name', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'nightjar-between-'));
  const { host, port, user, password } = scene.server;
  await writeFile(
    join(folder, 'nightjar.yaml'),
    JSON.stringify({
      vault: scene.folder,
      sources: { shop: { postgres: { host, port, user, database: 'shop', password: { env: 'SHOP_PASSWORD' } } } },
    }),
  );
  const place = { cwd: folder, env: { SHOP_PASSWORD: password } };
  const replace = ['restore', 'shop', '--to', 'shop', '--replace', '--drop-old', '--yes'];
  // two seconds of loading, in which the row is locked that the rename waits for
  await scene.sql('shop', 'create table slow (i int check (pg_sleep(2) is not null)); insert into slow values (1)');
  expect(await nightjar(['backup', 'shop'], place)).toMatchObject({ code: 0 });
  const holder = new pg.Client({ host, port, user, password, database: 'postgres' });
  holder.on('error', () => undefined);
  await holder.connect();
  await scene.sql('shop', 'create table newer as select 42 as answer');

  const running = start(replace, place);
  const made = await seen<{ name: string }>(
    `select datname as name from pg_database where datname like 'nightjar_new%' and datallowconn`,
  );
  while ((await scene.sql(made.name, `select to_regclass('orders')::text as found`))[0]!['found'] === null)
    await sleep(20);
  // whoever renames it waits for this
  await holder.query(`begin; select 1 from pg_database where datname = '${made.name}' for update`);
  const waiting = await seen<{ pid: number }>(
    `select pid from pg_stat_activity where query ilike 'alter database%rename to "shop"' and wait_event_type = 'Lock'`,
  );
  running.kill('SIGKILL');
  await scene.sql('postgres', `select pg_terminate_backend(${waiting.pid})`);
  await holder.query('rollback');
  await holder.end();
  await running.ended;
  await sleep(200);

  expect(await scene.sql('shop', 'select answer from newer')).toEqual([{ answer: 42 }]);
  expect(await nightjar(replace, place)).toMatchObject({ code: 0, stdout: expect.stringContaining('proven equal') });
  expect(
    await scene.sql('postgres', `select datname from pg_database where not datistemplate and datname <> 'postgres'`),
  ).toEqual([{ datname: 'shop' }]);
  await rm(folder, { recursive: true });
}, 120_000);

async function seen<T>(question: string): Promise<T> {
  for (let left = 1500; left > 0; left -= 1) {
    const [found] = await scene.sql('postgres', question);
    if (found !== undefined) return found as T;
    await sleep(10);
  }
  throw new Error(`never seen: ${question}`);
}
