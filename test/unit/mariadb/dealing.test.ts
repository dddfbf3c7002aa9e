import { expect, test } from '@jest/globals';
import { dealRows } from '../../../core/engines/mariadb/restore/dealing.ts';
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
const dealing = { shared: new Set(['keyed', 'odd` name']), clients: 3, file: 'data/0001.sql' };

async function deal(
  content: ByteStream,
  read: (text: ByteStream, client: number) => Promise<unknown>,
  clients = dealing.clients,
) {
  let started = 0;
  const judged = piecesOf(content, dataGrammar, dealing.file);
  await dealRows(judged, { ...dealing, clients }, (text) => read(text, started++), limit());
}

test.each([1, 2, 3])('%i clients get each row once, and all else that a session needs', async (clients) => {
  const texts: string[] = [];

  await deal(
    pieces(Buffer.from(part.join('')), 97),
    async (text, client) => (texts[client] = Buffer.concat(await Array.fromAsync(text)).toString()),
    clients,
  );

  const all = texts.join('');
  const seen = (text: string, one: string) => text.split(one).length - 1;
  expect(part.filter((text) => text.startsWith('INSERT')).map((text) => seen(all, text))).toEqual(Array(18).fill(1));
  expect(texts.map((text) => seen(text, 'COMMIT;\n'))).toEqual(Array(clients).fill(3));
  expect(texts.map((text) => text.includes('@@UNIQUE_CHECKS, UNIQUE_CHECKS=1 */;\n'))).toEqual(
    Array(clients).fill(true),
  );
  expect(texts.every((text) => text.endsWith('-- Dump completed\n'))).toBe(true);
  expect(all).not.toMatch(/LOCK TABLES|ALTER TABLE/);
  expect(seen(all, 'SETVAL')).toBe(1);
  expect(texts[0]!.match(/`heap`.*\n\(\d/g)).toEqual(rows('heap', 5).map((text) => text.match(/`heap`.*\n\(\d/)![0]));
  if (clients > 1) expect(texts.filter((text) => text.includes('`keyed`'))).toHaveLength(clients);
});

test('of a part that is cut or wrong no client sees an end, or the COMMIT of the table', async () => {
  async function* broken(): ByteStream {
    yield* pieces(Buffer.from([...part.slice(0, 3), ...rows('keyed', 2000)].join('')));
    throw new Error('the part is damaged');
  }
  const seen: string[] = [];

  await expect(
    deal(broken(), async (text, client) => {
      for await (const chunk of text) seen[client] = (seen[client] ?? '') + Buffer.from(chunk).toString();
      seen[client] += 'THE END';
    }),
  ).rejects.toThrow('the part is damaged');

  expect(seen.join('')).toContain('INSERT INTO `keyed`');
  expect(seen.join('')).not.toMatch(/COMMIT|THE END/);
});

test('a client that fails, or ends early, stops the others, and its own error is told', async () => {
  const long = [...part.slice(0, 3), ...rows('keyed', 2000)].join('');
  const reading = (first: () => Promise<void>) => async (text: ByteStream, client: number) => {
    for await (const _ of text) if (client === 1) return first();
  };

  await expect(
    deal(
      pieces(Buffer.from(long)),
      reading(() => Promise.reject(new Error('refused'))),
    ),
  ).rejects.toThrow('refused');
  await expect(
    deal(
      pieces(Buffer.from(long)),
      reading(() => Promise.resolve()),
    ),
  ).rejects.toMatchObject({ code: 'restore-failed', message: expect.stringContaining('ended before its rows') });
});
