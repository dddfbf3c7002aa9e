import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { cliScene } from '../../support/cli/scene.ts';
import type { CliScene } from '../../support/cli/scene.ts';

let scene: CliScene;

beforeAll(async () => {
  scene = await cliScene();
  await scene.sql(
    'big',
    `create table events as select g as id, repeat(md5(g::text), 20) as note from generate_series(1, 200000) g`,
  );
}, 20 * 60_000);
afterAll(() => scene.stop());

/** Holds a lock on the table, so that a backup waits for it, until released. */
async function locked(work: () => Promise<void>): Promise<void> {
  const blocker = scene.sql('big', `begin; lock table events; select pg_sleep(600)`).catch(() => undefined);
  try {
    await until(async () => (await waiting(`wait_event = 'PgSleep'`)) > 0);
    await work();
  } finally {
    await scene.sql('postgres', `select pg_terminate_backend(pid) from pg_stat_activity where wait_event = 'PgSleep'`);
    await blocker;
  }
}

async function waiting(condition: string): Promise<number> {
  const [row] = await scene.sql('postgres', `select count(*)::int as n from pg_stat_activity where ${condition}`);
  return row!['n'] as number;
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 30_000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error('it did not come to that');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

test.each([
  ['SIGTERM', 143],
  ['SIGINT', 130],
] as const)(
  '%s in the middle of a backup leaves word of it and nothing else, and frees the source',
  async (signal, exitCode) => {
    await locked(async () => {
      const running = scene.start(['backup', 'big']);
      await until(async () => (await waiting(`wait_event_type = 'Lock'`)) > 0);
      running.kill(signal);

      const { code, stderr } = await running.ended;

      expect({ code, stderr }).toEqual({ code: exitCode, stderr: `error: stopped by ${signal}\n` });
      expect(await scene.objects()).toEqual([
        expect.stringMatching(/^big\/failures\/\d{8}T\d{6}Z-[0-9a-f]{8}-aborted\.json$/),
        expect.stringMatching(/^big\/starts\/\d{8}T\d{6}Z-[0-9a-f]{6}-[0-9a-f]{8}-unscheduled\.json$/),
      ]);
    });

    await until(async () => (await waiting(`application_name like 'nightjar%'`)) === 0);
    expect(await scene.run(['backup', 'shop'])).toMatchObject({ code: 0 });
    expect(await scene.run(['backup', 'big'])).toMatchObject({ code: 0 });
    for (const source of ['shop', 'big']) await scene.forget(source);
  },
  120_000,
);

test('a second run of a source exits 11, and one that was killed is in nobody’s way', async () => {
  await locked(async () => {
    const first = scene.start(['backup', 'big']);
    await until(async () => (await waiting(`wait_event_type = 'Lock'`)) > 0);

    const second = await scene.json(['backup', 'big']);
    first.kill('SIGKILL');
    await first.ended;

    expect(second).toMatchObject({
      code: 11,
      document: { ok: false, results: [{ source: 'big', status: 'skipped', error: { code: 'lease-held' } }] },
    });
  });

  expect(await scene.run(['backup', 'big'])).toMatchObject({ code: 0, stderr: '' });
  expect(await scene.json(['list', 'big'])).toMatchObject({
    document: { backups: [{ status: 'complete', rows: 200_000 }] },
  });
}, 120_000);

test('SIGTERM in the middle of a restore drops the database that it made', async () => {
  const running = scene.start(['restore', 'big', '--to', 'half']);
  await until(async () => (await waiting(`datname = 'half' and query like 'COPY %' and state = 'active'`)) > 0);
  running.kill('SIGTERM');

  const { code, stderr } = await running.ended;

  expect({ code, stderr }).toMatchObject({
    code: 143,
    stderr: expect.stringContaining(
      'error: stopped by SIGTERM; what was restored is dropped again, and there is no database half\n',
    ),
  });
  expect(await scene.sql('postgres', `select 1 from pg_database where datname = 'half'`)).toEqual([]);
}, 120_000);

test('a failure of one source keeps none of the others from being backed up', async () => {
  await scene.sql('postgres', 'alter database shop rename to moved');

  const { code, stdout, stderr } = await scene.run(['backup', 'shop', 'big']);

  expect(code).toBe(1);
  expect(stderr).toMatch(
    /error: postgres:.*\/shop: database "shop" does not exist\n {2}hint: is the name of the database right /,
  );
  expect(stdout).toMatch(/^big {2}/);
}, 120_000);
