import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, expect, jest, test } from '@jest/globals';
import type { Login } from '../../../core/engines/login.ts';
import { copiedOut } from '../../../core/engines/postgres/plan/copied-out.ts';
import {
  afterRows,
  done,
  message,
  notification,
  row,
  rowsFollow,
  said,
  setting,
} from '../../support/postgres-messages.ts';

/** What a server answers to its nth message, which is a statement; undefined: nothing. */
type Answer = (statement: string, socket: Socket) => Buffer | undefined;

const open: (() => void)[] = [];
afterEach(() => {
  jest.useRealTimers();
  for (const close of open.splice(0)) close();
});

/** A server without a database, that says to each statement what it is to say. `gone`: its client has left. */
async function speaking(answer: Answer) {
  const statements: string[] = [];
  const gone = Promise.withResolvers<void>();
  const server = createServer((socket) => {
    let got = Buffer.alloc(0);
    let begun = false;
    socket.on('error', () => {});
    socket.on('close', () => gone.resolve());
    socket.on('data', (chunk) => {
      got = Buffer.concat([got, chunk]);
      for (;;) {
        const head = begun ? 1 : 0;
        if (got.length < head + 4) return;
        const end = head + got.readUInt32BE(head);
        if (got.length < end) return;
        const [kind, content] = [begun ? String.fromCharCode(got[0]!) : 'startup', got.subarray(head + 4, end)];
        got = got.subarray(end);
        begun = true;
        if (kind === 'X') return void socket.end();
        if (kind === 'Q') statements.push(content.toString('utf8', 0, content.length - 1));
        const said = kind === 'Q' ? answer(statements.at(-1)!, socket) : answer(kind, socket);
        if (said !== undefined) socket.write(said);
      }
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  open.push(() => void server.close());
  return { port: (server.address() as AddressInfo).port, statements, gone: gone.promise };
}

const welcome = Buffer.concat([message('R', Uint8Array.of(0, 0, 0, 0)), message('Z', 'I')]);
const rows = ['1\tone\n', '2\t\\\\.\\n\n', '3\t\\N\n'];

/** The answers of a server that has three rows, which it tells as `copy` says. */
function usual(copy: Answer = () => Buffer.concat([rowsFollow, ...rows.map(row), afterRows])): Answer {
  return (statement, socket) => {
    if (statement === 'startup') return welcome;
    return statement.startsWith('copy ') ? copy(statement, socket) : done;
  };
}

const pieces = [{ name: 'public.orders', columns: ['id', 'note'], slice: { first: 0, end: 8 } }];
const under = { database: 'shop', address: null, name: '0003-1', serverMajor: 18, join: 'select 1', waitMs: 1000 };

function read(port: number, signal: AbortSignal, more: Partial<Login> = {}) {
  const login: Login = {
    host: '127.0.0.1',
    port,
    database: 'shop',
    user: 'backup',
    tls: { mode: 'off' },
    lockTimeoutMs: 1000,
    idleLimitMs: 60_000,
    parallel: 1,
    ...more,
  };
  return copiedOut(pieces, { login, under, encoding: 'UTF8' }, signal);
}

async function text(content: AsyncIterable<Uint8Array>): Promise<string> {
  let all = '';
  for await (const chunk of content) all += Buffer.from(chunk).toString();
  return all;
}
const never = new AbortController().signal;

test('rows come between the lines of a dump, under the snapshot, and the session is ended', async () => {
  const server = await speaking(usual());

  const printed = await text(read(server.port, never));

  expect(printed).toMatch(/^SET client_encoding = 'UTF8';\n/);
  expect(printed).toContain(`\nCOPY public.orders (id, note) FROM stdin;\n${rows.join('')}\\.\n`);
  expect(printed).toMatch(/-- PostgreSQL database dump complete\n$/);
  expect(server.statements.slice(1)).toEqual([
    'select 1',
    `begin isolation level repeatable read read only; set transaction snapshot '0003-1'`,
    `copy (select id, note from only public.orders where ctid < '(8,0)'::tid) to stdout`,
    'rollback',
  ]);
  await server.gone;
});

test('notices, settings and notifications between rows are no rows', async () => {
  const between = [said('N', 'NOTICE', '00000', 'd'), setting('TimeZone', 'UTC'), notification];
  const server = await speaking(
    usual(() => Buffer.concat([rowsFollow, ...rows.flatMap((one, index) => [between[index]!, row(one)]), afterRows])),
  );

  expect(await text(read(server.port, never))).toContain(`FROM stdin;\n${rows.join('')}\\.\n`);
});

test.each([
  ['58P01', 'could not open file "base/5/16384": No such file or directory', { code: 'dump-failed' }],
  ['XX001', 'invalid page in block 3 of relation "base/5/16384"', { code: 'dump-failed' }],
  ['40001', 'canceling statement due to conflict with recovery', { code: 'source-changed' }],
  ['55P03', 'canceling statement due to lock timeout', { code: 'lock-timeout' }],
  ['42P01', 'relation "public.orders" does not exist', { code: 'source-changed' }],
  ['42501', 'permission denied for table orders', { code: 'privilege-missing' }],
])('an error %s amid the rows is the error of the part', async (state, words, expected) => {
  const server = await speaking(
    usual(() => Buffer.concat([rowsFollow, row(rows[0]!), said('E', 'ERROR', state, words), message('Z', 'E')])),
  );

  await expect(text(read(server.port, never))).rejects.toMatchObject({
    ...expected,
    message: expect.stringContaining(words),
  });
  await server.gone;
});

test.each([
  ['amid a row', [rowsFollow, row('1\tone\n'), row('2\ttwo\n').subarray(0, 8)]],
  ['after its last row, before it says so', [rowsFollow, row('1\tone\n')]],
  ['while it says that there are no more', [rowsFollow, row('1\tone\n'), message('c'), message('C', 'COPY 1\0')]],
  ['before the first', []],
])('a server that goes away %s has not sent all rows', async (_, sent) => {
  const server = await speaking(usual((__, socket) => void socket.end(Buffer.concat(sent))));

  await expect(text(read(server.port, never))).rejects.toMatchObject({
    code: 'dump-failed',
    message: expect.stringMatching(/^postgres:\/\/backup@127\.0\.0\.1:\d+\/shop: .*terminated/),
  });
});

test('a server that refuses the connection can’t be reached', async () => {
  const server = await speaking(() =>
    Buffer.concat([said('E', 'FATAL', '57P03', 'the database system is shutting down')]),
  );

  await expect(text(read(server.port, never))).rejects.toMatchObject({ code: 'source-unreachable' });
});

test.each(['startup', 'set ', 'select', 'begin', 'copy ', 'a row', 'rollback'])(
  'a run that is ended while %s is waited for leaves at once',
  async (moment) => {
    const stop = new AbortController();
    const waits = (statement: string) => moment !== 'a row' && statement.startsWith(moment);
    const ended = () => void setImmediate(() => stop.abort());
    const server = await speaking((statement, socket) => {
      if (waits(statement)) return ended();
      if (moment !== 'a row' || !statement.startsWith('copy ')) return usual()(statement, socket);
      ended();
      return Buffer.concat([rowsFollow, row(rows[0]!)]);
    });

    await expect(text(read(server.port, stop.signal))).rejects.toMatchObject({ code: 'aborted' });
    await server.gone;
  },
);

test('whoever needs no more rows has the session ended', async () => {
  const server = await speaking(usual(() => Buffer.concat([rowsFollow, row(rows[0]!)])));

  for await (const chunk of read(server.port, never)) if (Buffer.from(chunk).toString() === rows[0]) break;

  await server.gone;
});

/** Time that passes only when it is told to; what sockets do goes on. */
function heldTime(): void {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
}

test('a server that is silent for too long amid the rows is left', async () => {
  heldTime();
  const silent = Promise.withResolvers<void>();
  const server = await speaking(
    usual(() => {
      silent.resolve();
      return Buffer.concat([rowsFollow, row(rows[0]!)]);
    }),
  );

  const outcome = text(read(server.port, never)).catch((error: unknown) => error);
  await silent.promise;
  await jest.advanceTimersByTimeAsync(120_000);

  expect(await outcome).toMatchObject({
    code: 'dump-failed',
    message: expect.stringMatching(/did nothing for 1 min and was left/),
  });
  await server.gone;
});

test('a server that waits for a slow reader is not silent, and waits', async () => {
  heldTime();
  const letter = '~';
  const wide = row(`${letter.repeat(65_000)}\n`);
  let sent = 0;
  const server = await speaking(
    usual((_, socket) => {
      socket.write(rowsFollow);
      const most = 1000;
      const more = (): void => {
        while (sent < most && socket.write(wide)) sent += 1;
        if (sent < most) return void socket.once('drain', more);
        socket.write(afterRows);
      };
      more();
      return undefined;
    }),
  );

  let bytes = 0;
  let sentMeanwhile: number | undefined;
  for await (const chunk of read(server.port, never)) {
    if (!chunk.includes(letter.charCodeAt(0))) continue;
    bytes += chunk.length;
    if (sentMeanwhile !== undefined) continue;
    await jest.advanceTimersByTimeAsync(3_600_000);
    for (let times = 0; times < 100; times += 1) await turn();
    sentMeanwhile = sent;
  }

  // what the system keeps for both sockets, and a few chunks
  expect(sentMeanwhile).toBeLessThan(400);
  expect(bytes).toBeGreaterThanOrEqual(1000 * 65_001);
});
