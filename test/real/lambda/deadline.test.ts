import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { startEndpoint } from '../../support/endpoints/endpoint.ts';
import type { Endpoint } from '../../support/endpoints/endpoint.ts';
import { startPostgres } from '../../servers/databases/postgres.ts';
import type { DatabaseServer } from '../../servers/server.ts';
import { errorOf, logOf, valueOf } from './sandbox/outcome.ts';
import { signalAll } from './sandbox/process-tree.ts';
import { openScene, type Scene } from './scene.ts';
import { slowLink, type SlowLink } from './sandbox/slow-link.ts';
import { postgresSql } from './sql.ts';

let scene: Scene;
let server: DatabaseServer;
let slow: SlowLink;
let pager: Endpoint;

beforeAll(async () => {
  [scene, server, pager] = await Promise.all([
    openScene(),
    startPostgres({ major: 18 }),
    startEndpoint(() => ({ status: 200 })),
  ]);
  await postgresSql(server, 'postgres', 'create database shop');
  const noise = Array.from({ length: 6 }, (_, index) => `md5((g + ${index}e6)::text)`).join(' || ');
  await postgresSql(
    server,
    'shop',
    `create unlogged table orders as select g as id, ${noise} as note from generate_series(1, 200000) g`,
  );
  slow = await slowLink(server, 25_000_000);
}, 20 * 60_000);

afterAll(async () => {
  await slow?.close();
  await Promise.all([scene?.close(), server?.stop(), pager?.stop()]);
});

/** Waits until a part is half way into the bucket. */
async function uploading(): Promise<void> {
  const limit = AbortSignal.timeout(60_000);
  while ((await scene.openUploads()) === 0) await sleep(100, undefined, { signal: limit });
}

const sourceOf = (reached: DatabaseServer) =>
  ({ server: reached, engine: 'postgres', database: 'shop', secret: 'shop-db' }) as const;

test("a backup that can't be done in time stops early, says so, and leaves word of it and nothing else", async () => {
  const notify = [{ webhook: { url: { env: 'PAGER_URL' }, key: { env: 'PAGER_KEY' } } }];
  const environment = { AWS_ENDPOINT_URL_SECRETS_MANAGER: scene.aws.endpoint, PAGER_URL: pager.url, PAGER_KEY: 'key' };
  const backup = await scene.deploy(
    'backup',
    { shop: sourceOf(slow.server) },
    { timeoutMs: 20_000, environment, config: { notify } },
  );

  const [ended] = await Promise.all([backup.invoke({ source: 'shop' }), uploading()]);

  // five seconds before the end of the function, whose time began before its first line: a slow machine has used some
  // of it up
  expect(errorOf(ended)).toEqual({
    errorType: 'deadline',
    errorMessage: expect.stringMatching(
      /^backup was stopped after (?:[5-9]\.\d|1[0-5](?:\.\d)?) s of the 20 s that the function has, .*more time \(up to 15 minutes\) and more memory/,
    ),
  });
  expect(ended.durationMs).toBeLessThan(20_000);
  expect(logOf(ended).at(-1)).toMatchObject({
    level: 'ERROR',
    message: 'failed',
    code: 'deadline',
    source: 'shop',
    verb: 'backup',
  });
  expect((await scene.keys()).filter((key) => !key.startsWith('.outbox/'))).toEqual([
    expect.stringMatching(/^shop\/failures\/\d{8}T\d{6}Z-[0-9a-f]{8}-deadline\.json$/),
    'shop/lease.json',
    expect.stringMatching(/^shop\/starts\/\d{8}T\d{6}Z-[0-9a-f]{6}-[0-9a-f]{8}-unscheduled\.json$/),
  ]);
  expect(await scene.openUploads()).toBe(0);
  expect(pager.accepted.map(({ body }) => JSON.parse(body) as unknown)).toMatchObject([
    { kind: 'backup-failed', subject: 'the backup failed: deadline', source: 'shop' },
  ]);
  expect(backup.processes()).toHaveLength(1);
  expect(errorOf(await backup.invoke({}))).toMatchObject({ errorType: 'input-invalid' });
  const elsewhere = await scene.deploy('backup', { shop: sourceOf(server) });
  expect(valueOf(await elsewhere.invoke({ source: 'shop' }))).toMatchObject({ status: 'stored', rows: 200_000 });
}, 120_000);

test('a shutdown half way through a dump stops it and leaves word of it and nothing else', async () => {
  const backup = await scene.deploy('backup', { closing: sourceOf(slow.server) });

  const run = backup.invoke({ source: 'closing' });
  await uploading();
  signalAll(backup.processes().slice(0, 1), 'SIGTERM');

  expect(errorOf(await run)).toMatchObject({
    errorType: 'aborted',
    errorMessage: 'backup was stopped: the execution environment is being shut down',
  });
  expect((await scene.keys()).filter((key) => key.startsWith('closing/'))).toEqual([
    expect.stringMatching(/^closing\/failures\/\S+-aborted\.json$/),
    'closing/lease.json',
    expect.stringMatching(/^closing\/starts\/\S+-unscheduled\.json$/),
  ]);
  expect(await scene.openUploads()).toBe(0);
}, 120_000);

test("a restore that can't be done in time takes its half-filled database away again", async () => {
  const backup = await scene.deploy('backup', { whole: sourceOf(server) });
  valueOf(await backup.invoke({ source: 'whole' }));
  const restore = await scene.deploy('restore', { whole: sourceOf(slow.server) }, { timeoutMs: 20_000 });

  const ended = await restore.invoke({ source: 'whole', to: 'half' });

  expect(errorOf(ended)).toMatchObject({ errorType: 'deadline' });
  expect(logOf(ended).map(({ label }) => label)).toContain('rows');
  expect(
    await postgresSql(server, 'postgres', `select datname from pg_database where datname in ('half', 'shop')`),
  ).toEqual([{ datname: 'shop' }]);
}, 120_000);

test('what a run that was killed has left is no backup, and the next run in its place takes over from it while one elsewhere waits for its lease', async () => {
  const deaf = await scene.deploy(
    'backup',
    { killed: sourceOf(slow.server) },
    { handler: 'deaf.handler', timeoutMs: 20_000 },
  );

  const ended = await deaf.invoke({ source: 'killed' }, { over: uploading() });

  expect(ended.status).toBe('timed-out');
  expect(deaf.processes()).toEqual([]);
  expect(await scene.openUploads()).toBe(1);
  expect((await scene.keys()).filter((key) => key.startsWith('killed/') && key.endsWith('manifest.json'))).toEqual([]);
  const restore = await scene.deploy('restore', { killed: sourceOf(server) });
  expect(errorOf(await restore.invoke({ source: 'killed' }))).toMatchObject({ errorType: 'backup-missing' });
  const elsewhere = await scene.deploy('backup', { killed: sourceOf(server) });
  expect(valueOf(await elsewhere.invoke({ source: 'killed' }))).toMatchObject({
    status: 'skipped',
    heldBy: expect.stringContaining('lambda nightjar-backup'),
  });
  slow.hasten();
  expect(valueOf(await deaf.invoke({ source: 'killed' }))).toMatchObject({ status: 'stored', rows: 200_000 });
}, 120_000);
