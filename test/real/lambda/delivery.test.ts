import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { startPostgres } from '../../servers/databases/postgres.ts';
import { holdMs } from '../../../core/store/lease/hold.ts';
import { createQueue, eventsInto, subscribedTopic } from '../../servers/queue.ts';
import type { DatabaseServer } from '../../servers/server.ts';
import { errorOf, logOf, valueOf } from './sandbox/outcome.ts';
import { openScene, type Scene, type SceneSource } from './scene.ts';
import { postgresSql } from './sql.ts';

let scene: Scene;
let server: DatabaseServer;
let shop: SceneSource;

beforeAll(async () => {
  [scene, server] = await Promise.all([openScene(), startPostgres({ major: 18 })]);
  await postgresSql(server, 'postgres', 'create database shop');
  await postgresSql(
    server,
    'shop',
    'create table orders (id int)',
    'insert into orders select generate_series(1, 100)',
  );
  shop = { server, engine: 'postgres', database: 'shop' };
}, 20 * 60_000);

afterAll(async () => {
  await Promise.all([scene?.close(), server?.stop()]);
});

/** Locks the table, so that a backup waits while it holds its lease; returns what unlocks it. */
async function lockOrders(): Promise<() => Promise<void>> {
  const { host, port, user, password } = server;
  const blocker = new pg.Client({ host, port, user, password, database: 'shop' });
  await blocker.connect();
  await blocker.query('begin; lock table orders in access exclusive mode');
  return () => blocker.end();
}

test('an event delivered twice is done once: the second is skipped, and a retry of the same request fails, so that it is tried again', async () => {
  const [first, second, third] = await Promise.all([
    scene.deploy('backup', { shop }),
    scene.deploy('backup', { shop }),
    scene.deploy('backup', { shop }),
  ]);
  const unlock = await lockOrders();

  const running = first.invoke({ source: 'shop' }, { requestId: 'aaaaaaaa-1111' });
  const limit = AbortSignal.timeout(60_000);
  while (!(await scene.keys()).includes('shop/lease.json')) await sleep(50, undefined, { signal: limit });
  const [other, same] = await Promise.all([
    second.invoke({ source: 'shop' }, { requestId: 'bbbbbbbb-2222' }),
    third.invoke({ source: 'shop' }, { requestId: 'aaaaaaaa-1111' }),
  ]);
  await unlock();

  expect(valueOf(other)).toEqual({
    status: 'skipped',
    source: 'shop',
    heldBy: expect.stringMatching(/^lambda nightjar-backup \S+ request aaaaaaaa-1111$/),
    why: expect.stringContaining('run aaaaaaaa'),
  });
  expect(errorOf(same)).toMatchObject({ errorType: 'lease-held' });
  expect(valueOf(await running)).toMatchObject({ status: 'stored', rows: 100 });
});

test('an execution environment that was lost costs no night: the next try of the same request takes over its lease', async () => {
  const backup = await scene.deploy('backup', { lost: shop });
  const leaseOf = (request: string, agoMs: number): object => ({
    run: request.slice(0, 8),
    holder: `lambda nightjar-backup 2026/11/21/[$LATEST]gone request ${request}`,
    until: new Date(Date.now() + holdMs - agoMs).toISOString(),
  });
  const retried = async (request: string, agoMs: number) => {
    await scene.store('lost/lease.json', leaseOf(request, agoMs));
    return backup.invoke({ source: 'lost' }, { requestId: 'aaaaaaaa-1111' });
  };

  const ofAnother = await retried('bbbbbbbb-2222', 200_000);
  const alive = await retried('aaaaaaaa-1111', 10_000);
  const dead = await retried('aaaaaaaa-1111', 95_000);

  expect(valueOf(ofAnother)).toMatchObject({ status: 'skipped' });
  expect(errorOf(alive)).toMatchObject({ errorType: 'lease-held' });
  expect(valueOf(dead)).toMatchObject({ status: 'stored', rows: 100 });
}, 90_000);

test('a request that has run out of its time is not tried again: it would leave as much behind, and end as it did', async () => {
  const backup = await scene.deploy('backup', { late: shop });
  await scene.store('late/failures/20261121T021445Z-aaaaaaaa-deadline.json', {});
  await scene.store('late/failures/20261121T021445Z-bbbbbbbb-lock-timeout.json', {});
  const tried = (requestId: string) => backup.invoke({ source: 'late' }, { requestId });

  expect(errorOf(await tried('aaaaaaaa-1111'))).toMatchObject({
    errorType: 'deadline',
    errorMessage: expect.stringContaining('it is not tried again'),
  });
  expect((await scene.keys()).filter((key) => key.startsWith('late/'))).toHaveLength(2);
  expect(valueOf(await tried('bbbbbbbb-2222'))).toMatchObject({ status: 'stored' });
}, 90_000);

test('of two deliveries at the same moment one is done and the other is skipped', async () => {
  const both = await Promise.all([scene.deploy('backup', { twice: shop }), scene.deploy('backup', { twice: shop })]);
  for (const one of both) valueOf(await one.invoke({ source: 'twice' }));
  const unlock = await lockOrders();

  const runs = both.map((one) => one.invoke({ source: 'twice' }));
  const earlier = valueOf(await Promise.race(runs));
  await unlock();

  expect(earlier).toMatchObject({ status: 'skipped' });
  expect((await Promise.all(runs)).map((run) => (valueOf(run) as { status: string }).status).sort()).toEqual([
    'skipped',
    'stored',
  ]);
});

test('an event that comes again when its work is done gets the backup that is there, whether Lambda repeats it or the Scheduler', async () => {
  const backup = await scene.deploy('backup', { again: shop });
  const stored = async (requestId: string, scheduled?: string) =>
    valueOf(await backup.invoke({ source: 'again', ...(scheduled && { scheduled }) }, { requestId })) as {
      status: string;
      id: string;
      rows: number;
    };

  const byHand = [await stored('aaaaaaaa-1111'), await stored('aaaaaaaa-1111')];
  const byScheduler = [
    await stored('bbbbbbbb-2222', '2026-11-21T02:00:00Z'),
    await stored('cccccccc-3333', '2026-11-21T02:00:00Z'),
  ];
  const next = await stored('dddddddd-4444', '2026-11-22T02:00:00Z');

  for (const [first, second] of [byHand, byScheduler])
    expect(second).toMatchObject({ status: 'stored', id: first!.id, rows: 100 });
  expect(new Set([byHand[0]!.id, byScheduler[0]!.id, next.id]).size).toBe(3);
  expect((await scene.keys()).filter((key) => /^again\/.*manifest\.json$/.test(key))).toHaveLength(3);
});

test('a run that stored its backup and could not call its hook is tried again: the hook is called, and there is one backup', async () => {
  const queue = await createQueue(scene.aws, 'of-hooks');
  await eventsInto(scene.aws, queue);
  const config = { hooks: [{ eventBus: 'default' }] };
  const [broken, whole] = await Promise.all(
    ['http://127.0.0.1:1', scene.aws.endpoint].map((AWS_ENDPOINT_URL_EVENTBRIDGE) =>
      scene.deploy('backup', { hooked: shop }, { config, environment: { AWS_ENDPOINT_URL_EVENTBRIDGE } }),
    ),
  );

  const failed = await broken!.invoke({ source: 'hooked' }, { requestId: 'eeeeeeee-5555' });
  const stored = valueOf(await whole!.invoke({ source: 'hooked' }, { requestId: 'eeeeeeee-5555' }));

  expect(errorOf(failed)).toMatchObject({ errorType: 'hook-failed' });
  expect(stored).toMatchObject({ status: 'stored', rows: 100 });
  expect((await scene.keys()).filter((key) => /^hooked\/.*manifest\.json$/.test(key))).toHaveLength(1);
  expect((await queue.take()).map((event) => (JSON.parse(event) as { detail: unknown }).detail)).toMatchObject([
    { status: 'succeeded', run: 'eeeeeeee', result: { id: (stored as { id: string }).id } },
  ]);
});

test('the topic of the stack is told what goes wrong, a broken configuration too', async () => {
  const queue = await createQueue(scene.aws, 'of-stack');
  const environment = {
    NIGHTJAR_TOPIC: await subscribedTopic(scene.aws, 'of-stack', queue),
    AWS_ENDPOINT_URL_SNS: scene.aws.endpoint,
  };
  const [backup, unread] = await Promise.all([
    scene.deploy('backup', { told: { ...shop, database: 'gone' } }, { environment }),
    scene.deploy('backup', { unread: shop }, { environment, config: { defaults: { parallel: 99 } } }),
  ]);

  await backup.invoke({ source: 'told' });
  await unread.invoke({ source: 'unread' });

  const messages = (await queue.take()).map(
    (body) => JSON.parse((JSON.parse(body) as { Message: string }).Message) as { kind: string; source?: string },
  );
  expect(messages).toMatchObject([
    { kind: 'backup-failed', source: 'told' },
    { kind: 'backup-failed', source: 'unread' },
  ]);
});

test('a function that was frozen for a while takes its next backup with new connections', async () => {
  const backup = await scene.deploy('backup', { frozen: shop });

  const first = await backup.invoke({ source: 'frozen' });
  await postgresSql(
    server,
    'postgres',
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = 'shop' and pid <> pg_backend_pid()`,
  );
  await sleep(1500);
  const second = await backup.invoke({ source: 'frozen' });

  expect([valueOf(first), valueOf(second)]).toMatchObject([{ status: 'stored' }, { status: 'stored' }]);
  expect([first.initMs === undefined, second.initMs === undefined]).toEqual([false, true]);
});

test('a full /tmp does a backup no harm', async () => {
  const backup = await scene.deploy('backup', { full: shop }, { handler: 'full-tmp.handler', tmpMb: 10 });

  expect(valueOf(await backup.invoke({ source: 'full' }))).toMatchObject({ status: 'stored', rows: 100 });
});

test('a wrong event is refused with everything that is wrong with it', async () => {
  const [backup, restore] = await Promise.all([scene.deploy('backup', { shop }), scene.deploy('restore', { shop })]);

  const refused = [
    await backup.invoke({ sorce: 'shop', now: true }),
    await backup.invoke('shop'),
    await backup.invoke({ source: 'shob' }),
    await restore.invoke({ source: 'shop', backup: 7, replace: true, owners: 'no' }),
    await backup.invoke({ source: 'shop', scheduled: '<aws.scheduler.scheduled-time>' }),
  ];

  expect(refused.map(errorOf)).toEqual([
    {
      errorType: 'input-invalid',
      errorMessage:
        `the event can't be used: source: is missing: the name of a source, as in the configuration; sorce: ` +
        'unknown key, did you mean "source"?; now: unknown key (hint: an event looks like {"source":"shop"})',
    },
    {
      errorType: 'input-invalid',
      errorMessage:
        `the event can't be used: expected the event, a group of keys (source, scheduled, doctor) (hint: an event looks ` +
        'like {"source":"shop"})',
    },
    {
      errorType: 'input-invalid',
      errorMessage: 'there is no source shob in the configuration, did you mean "shop"? (hint: configured are: shop)',
    },
    {
      errorType: 'input-invalid',
      errorMessage: expect.stringMatching(
        /backup: expected "latest", "latest-proven", or the id of a backup: put it in quotes; owners: expected true or false, got "no"; to: is missing: with replace, name the database/,
      ),
    },
    {
      errorType: 'input-invalid',
      errorMessage: expect.stringContaining(
        'scheduled: expected a moment in UTC, as 2026-11-21T02:00:00Z, got "<aws.scheduler.scheduled-time>"',
      ),
    },
  ]);
  expect(logOf(refused[0]!)).toMatchObject([{ level: 'ERROR', message: 'failed', code: 'input-invalid' }]);
});

test('a secret that is not there is named, and no other secret is in the log', async () => {
  const [backup, working] = await Promise.all([
    scene.deploy('backup', { shop: { ...shop, secret: 'missing' } }),
    scene.deploy('backup', { told: shop }),
  ]);

  const failed = await backup.invoke({ source: 'shop' });
  const logs = [failed, await working.invoke({ source: 'told' })].flatMap((one) => one.logs).join('\n');

  expect(errorOf(failed)).toMatchObject({
    errorType: 'secret-missing',
    errorMessage: expect.stringContaining('the secret missing in AWS Secrets Manager'),
  });
  expect(logs).toContain('"stored"');
  for (const secret of [
    server.password,
    JSON.stringify(server.password).slice(1, -1),
    'moto-takes-any',
    'of-the-execution-role',
  ])
    expect(logs).not.toContain(secret);
});

test('a run tells its story in a line for each step, all with the request, the run and the source', async () => {
  const backup = await scene.deploy('backup', { story: shop });

  const lines = logOf(await backup.invoke({ source: 'story' }, { requestId: 'cccccccc-3333' }));

  expect(lines.map(({ message }) => message)).toEqual([
    'start',
    'planned',
    'part-done',
    'part-done',
    'part-done',
    'part-done',
    'end',
  ]);
  for (const line of lines)
    expect(line).toMatchObject({
      level: 'INFO',
      requestId: 'cccccccc-3333',
      run: 'cccccccc',
      verb: 'backup',
      source: 'story',
    });
});
