import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, expect, jest, test } from '@jest/globals';
import { postgresRun } from '../../../core/engines/postgres/programs.ts';
import { openSession } from '../../../core/engines/postgres/session.ts';
import type { Tools } from '../../../core/tools.ts';

afterEach(() => void jest.useRealTimers());

/** Connections are taken, and nobody says a word: so does the door of a cluster that sleeps. */
async function sleeping() {
  // what is not read never sees its end
  const server = createServer((socket) => void socket.resume());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return { server, port };
}

const loginAt = (port: number, host: string) => ({
  host,
  address: '127.0.0.1',
  port,
  database: 'shop',
  user: 'backup',
  password: 'p',
  tls: { mode: 'off' as const },
  lockTimeoutMs: 1_000,
  idleLimitMs: 1_000,
  parallel: 1,
});

test('a connection that is given up while it is made is over, also where the server ends it in good order', async () => {
  const stop = new AbortController();
  const server = createServer((socket) => {
    // the driver has said who it is; then it says good-bye
    socket.once('data', () => {
      socket.once('data', () => socket.end());
      stop.abort();
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');

  const opening = openSession(loginAt((server.address() as AddressInfo).port, 'db.internal'), stop.signal);

  await expect(opening).rejects.toMatchObject({ code: 'aborted' });
  server.close();
}, 5_000);

test.each([
  ['of RDS that needs half a minute to wake is waited for', 'shop.c1x2y3.eu-west-1.rds.amazonaws.com', true],
  ['that is elsewhere is not', 'db.internal', false],
])('a database %s, and none for ever', async (_, host, waits) => {
  const { server, port } = await sleeping();
  const connected = once(server, 'connection');
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
  const login = loginAt(port, host);
  let ended: unknown;
  const opening = openSession(login, new AbortController().signal).catch((error: unknown) => (ended = error));
  await connected;

  await jest.advanceTimersByTimeAsync(40_000);
  await turn();
  const afterFortySeconds = ended;
  await jest.advanceTimersByTimeAsync(40_000);
  await opening;
  server.close();

  expect(afterFortySeconds === undefined).toBe(waits);
  expect(ended).toMatchObject({ code: 'source-unreachable' });
});

test('a program is told of no file of passwords that is there: of one that is no plain file, libpq warns', () => {
  const tools = { program: (name: string) => name } as unknown as Tools;
  const login = { host: 'db', port: 5432, database: 'shop', user: 'backup', tls: { mode: 'off' as const } };
  const limits = { lockTimeoutMs: 1_000, idleLimitMs: 1_000, parallel: 1 };
  const { env } = postgresRun(tools, 'pg_dump', 17, { ...login, ...limits }, []);

  expect(env!['PGPASSFILE']).toMatch(/^\/dev\/null\//);
  expect(existsSync(env!['PGPASSFILE']!)).toBe(false);
});
