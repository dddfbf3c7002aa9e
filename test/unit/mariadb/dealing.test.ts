import { setImmediate } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { dealRows } from '../../../core/engines/mariadb/restore/rows/dealing.ts';
import { dataGrammar } from '../../../core/engines/mariadb/restore/text/data-grammar.ts';
import { piecesOf } from '../../../core/pipeline/guard.ts';
import type { ByteStream } from '../../../core/ports.ts';
import { limit, pieces } from '../../support/mariadb/mariadb.ts';

const insert = (table: string, row: number) =>
  `INSERT INTO \`${table}\` (\`i\`, \`t\`) VALUES\n(${row},'${"UNIQUE_CHECKS=0; \\'x".repeat(30)}');\n`;
const rows = (table: string, count: number) => Array.from({ length: count }, (_, row) => insert(table, row));
const part = [
  '/*!40014 SET @OLD_UNIQUE_CHECKS=@@UNIQUE_CHECKS, UNIQUE_CHECKS=0 */;\n',
  'DO SETVAL(`next`, 7, 0, 0);\n',
  'LOCK TABLES `keyed` WRITE;\n/*!40000 ALTER TABLE `keyed` DISABLE KEYS */;\n',
  ...rows('keyed', 9),
  '/*!40000 ALTER TABLE `keyed` ENABLE KEYS */;\nUNLOCK TABLES;\nCOMMIT;\n',
  ...rows('heap', 5),
  'COMMIT;\n',
  ...rows('odd`` name', 4),
  'COMMIT;\n/*!40014 SET UNIQUE_CHECKS=@OLD_UNIQUE_CHECKS */;\n-- Dump completed\n',
];
const dealing = { shared: new Set(['keyed', 'odd` name']), asBytes: new Set(['keyed']), file: 'data/0001.sql' };

/** A session that notes what it is told, or fails at the first statement that it is to refuse. */
type Noted = { statements: string[]; asBytes: string[]; closed: boolean };

async function deal(
  content: ByteStream,
  count: number,
  read: (text: ByteStream) => Promise<unknown>,
  run: (statement: string, session: number) => Promise<unknown> = async () => {},
) {
  const sessions: Noted[] = [];
  const open = async () => {
    const noted: Noted = { statements: [], asBytes: [], closed: false };
    const number = sessions.push(noted) - 1;
    const take = async (statement: string) => {
      await run(statement, number);
      noted.statements.push(statement);
    };
    return {
      run: (statement: string) => setImmediate(undefined).then(() => take(statement)), // whoever is at work is not free
      // read when it is sent at the latest: until it is done nobody else may write to its bytes
      send: async (statement: Buffer, asBytes: boolean) => {
        await setImmediate(undefined);
        if (asBytes) noted.asBytes.push(statement.toString('latin1'));
        await take(statement.toString('latin1'));
      },
      close: async () => void (noted.closed = true),
    };
  };
  const judged = piecesOf(content, dataGrammar, dealing.file);
  const done = dealRows(judged, { ...dealing, sessions: count }, { load: read, open }, limit());
  return {
    sessions,
    ended: await done.then(
      () => undefined,
      (error: unknown) => error,
    ),
  };
}

const whole = async (text: ByteStream) => Buffer.concat(await Array.fromAsync(text)).toString();
const seen = (text: string, one: string) => text.split(one).length - 1;

test.each([1, 2, 3])('client and %i sessions get each row once, and all else that a session needs', async (count) => {
  let client = '';

  const { sessions, ended } = await deal(
    pieces(Buffer.from(part.join('')), 97),
    count,
    async (text) => (client = await whole(text)),
  );

  expect(ended).toBeUndefined();
  const texts = sessions.map(({ statements }) => statements.join('\n'));
  const all = [client, ...texts].join('\n');
  expect(part.filter((text) => text.startsWith('INSERT')).map((text) => seen(all, text.trim()))).toEqual(
    Array(18).fill(1),
  );
  expect(seen(client, 'COMMIT;\n')).toBe(3);
  expect(texts.map((text) => seen(text, 'COMMIT;\n'))).toEqual(Array(count).fill(3));
  expect(sessions.every(({ statements, closed }) => closed && statements.at(-1) === 'COMMIT')).toBe(true);
  expect([client, ...texts].map((text) => text.includes('@@UNIQUE_CHECKS, UNIQUE_CHECKS=1 */;\n'))).toEqual(
    Array(count + 1).fill(true),
  );
  expect(client.endsWith('-- Dump completed\n')).toBe(true);
  expect(texts.join('')).not.toContain('Dump completed');
  expect(all).not.toMatch(/LOCK TABLES|ALTER TABLE/);
  expect(seen(client, 'SETVAL')).toBe(1);
  expect(seen(texts.join(''), 'SETVAL')).toBe(0);
  expect(client.match(/`heap`.*\n\(\d/g)).toEqual(rows('heap', 5).map((text) => text.match(/`heap`.*\n\(\d/)![0]));
  expect(client).not.toContain('`keyed`');
  expect(texts.every((text) => text.includes('`keyed`'))).toBe(true);
});

test('rows stay between what stood before and behind them, and whichever session is free gets the next ones', async () => {
  const slow = Promise.withResolvers<void>();
  const order: string[] = [];
  const run = async (statement: string, session: number) => {
    if (statement.startsWith('INSERT') && session === 0) await slow.promise;
    order.push(`${session} ${statement.split(/[ ;(]/, 1)[0]}`);
    if (order.filter((one) => one === '1 INSERT').length === 8) slow.resolve();
  };

  const { ended } = await deal(
    pieces(Buffer.from([...part.slice(0, 12), 'COMMIT;\n', '-- Dump completed\n'].join(''))),
    2,
    whole,
    run,
  );

  expect(ended).toBeUndefined();
  expect(order.filter((one) => one.endsWith('INSERT'))).toEqual([...Array(8).fill('1 INSERT'), '0 INSERT']);
  for (const session of [0, 1])
    expect(order.lastIndexOf(`${session} INSERT`)).toBeLessThan(order.indexOf(`${session} COMMIT`));
});

test('a session that is done with a table goes on with the next, while another is not', async () => {
  const slow = Promise.withResolvers<void>();
  const order: string[] = [];
  const run = async (statement: string, session: number) => {
    if (statement.startsWith('INSERT') && session === 0) await slow.promise;
    order.push(`${session} ${statement.split(/[ ;(]/, 3).join(' ')}`);
    if (order.at(-1) === '1 INSERT INTO `odd``') slow.resolve();
  };
  const content = [
    ...rows('keyed', 2),
    ...Array(20).fill('COMMIT;\n'),
    ...rows('odd`` name', 2),
    'COMMIT;\n-- Dump completed\n',
  ];

  const { sessions, ended } = await deal(pieces(Buffer.from(content.join(''))), 2, whole, run);

  expect(ended).toBeUndefined();
  expect(order.indexOf('1 INSERT INTO `odd``')).toBeLessThan(order.indexOf('0 INSERT INTO `keyed`'));
  expect(sessions.map(({ statements }) => seen(statements.join('\n'), 'COMMIT;\n'))).toEqual([21, 21]);
});

test('an INSERT that is longer than any but one of a single long row goes to the client', async () => {
  const long = `INSERT INTO \`keyed\` (\`i\`, \`t\`) VALUES\n(1,'${'x'.repeat(3 * 1024 ** 2)}');\n`;
  let client = '';

  const { sessions, ended } = await deal(
    pieces(
      Buffer.from([part[0], ...rows('keyed', 2), long, ...rows('keyed', 1), 'COMMIT;\n-- Dump completed\n'].join('')),
      65_536,
    ),
    1,
    async (text) => (client = await whole(text)),
  );

  expect(ended).toBeUndefined();
  expect(seen(client, long)).toBe(1);
  expect(sessions[0]!.statements.filter((one) => one.startsWith('INSERT'))).toHaveLength(3);
});

test('of a part that is cut or wrong the client sees no end, and nobody the COMMIT of the table', async () => {
  async function* broken(): ByteStream {
    yield* pieces(Buffer.from([...part.slice(0, 3), ...rows('keyed', 20), ...rows('heap', 2000)].join('')));
    throw new Error('the part is damaged');
  }
  let client = '';

  const { sessions, ended } = await deal(broken(), 2, async (text) => {
    for await (const chunk of text) client += Buffer.from(chunk).toString();
    client += 'THE END';
  });

  expect(ended).toMatchObject({ message: 'the part is damaged' });
  expect(client).toContain('INSERT INTO `heap`');
  expect(sessions.map(({ closed }) => closed)).toEqual([true, true]);
  const all = [client, ...sessions.flatMap(({ statements }) => statements)].join('\n');
  expect(all).toContain('INSERT INTO `keyed`');
  expect(all).not.toMatch(/COMMIT|THE END/);
});

test('a client or session that fails, or a client that ends early, stops the others, and its own error is told', async () => {
  const long = () => pieces(Buffer.from([...part.slice(0, 3), ...rows('heap', 500), ...rows('keyed', 2000)].join('')));
  const reading = (first: () => Promise<void>) => async (text: ByteStream) => {
    for await (const _ of text) return first();
  };

  const failing = await deal(
    long(),
    2,
    reading(() => Promise.reject(new Error('refused'))),
  );
  const early = await deal(
    long(),
    2,
    reading(() => Promise.resolve()),
  );
  const refusing = await deal(long(), 2, whole, async (statement, session) => {
    if (statement.startsWith('INSERT') && session === 1) throw new Error('no such row');
  });

  expect(failing.ended).toMatchObject({ message: 'refused' });
  expect(early.ended).toMatchObject({
    code: 'restore-failed',
    message: expect.stringContaining('ended before its rows'),
  });
  expect(refusing.ended).toMatchObject({ message: 'no such row' });
  for (const { sessions } of [failing, early, refusing]) {
    expect(sessions.every(({ closed }) => closed)).toBe(true);
    expect(sessions.flatMap(({ statements }) => statements)).not.toContainEqual(expect.stringMatching(/^COMMIT/));
  }
});

test.each([
  ['SET NAMES utf8mb4;\n', true],
  ['/*!40101 SET NAMES utf8mb4 */;\n', true],
  ['/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;\n', true],
  ['SET NAMES latin1;\n-- rows of `SET NAMES utf8mb4`\n', false],
  ['SET NAMES binary;\nDO SETVAL(`SET NAMES utf8mb4`, 1, 0);\n', false],
  ['SET NAMES utf8mb4, CHARACTER_SET_CLIENT=@OLD_CHARACTER_SET_CLIENT;\n', false],
  ['SET NAMES latin1;\nSET NAMES utf8mb4;\n', true],
])(
  'strings of a table that allows it are bytes to the server only where they are in utf8mb4: after %j',
  async (head, areBytes) => {
    const content = [head, ...rows('keyed', 2), ...rows('odd`` name', 2), 'COMMIT;\n-- Dump completed\n'];

    const { sessions, ended } = await deal(pieces(Buffer.from(content.join(''))), 1, whole);

    expect(ended).toBeUndefined();
    const inserts = sessions[0]!.statements.filter((one) => one.startsWith('INSERT'));
    expect(inserts).toHaveLength(4);
    expect(sessions[0]!.asBytes).toEqual(areBytes ? inserts.slice(0, 2) : []);
  },
);

test('no session gets a statement before it is done with the one before', async () => {
  const [busy, overlapping] = [new Set<number>(), new Set<number>()];
  const run = async (_: string, session: number) => {
    if (busy.has(session)) overlapping.add(session);
    busy.add(session);
    await setImmediate(undefined);
    busy.delete(session);
  };

  const { ended } = await deal(pieces(Buffer.from(part.join('')), 97), 2, whole, run);

  expect(ended).toBeUndefined();
  expect([...overlapping]).toEqual([]);
});
