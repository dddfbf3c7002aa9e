import { expect, test } from '@jest/globals';
import { blocksOf } from '../../../core/engines/postgres/plan/blocks.ts';
import { withoutTransactions } from '../../../core/engines/postgres/plan/without-transactions.ts';
import type { ByteStream } from '../../../core/ports.ts';

const part = `SET a = b;
COPY public.t (a) FROM stdin;
COPY public.t (a) FROM stdin;
BEGIN;
drop table x;
\\\\.
\\.
SELECT pg_catalog.setval('public."a
BEGIN;
b"', 1, true);
COPY public."new
line" (b) FROM stdin;
\\.
BEGIN;

SELECT pg_catalog.lo_open('1', 131072);
SELECT pg_catalog.lowrite(0, '\\x00');
SELECT pg_catalog.lo_close(0);

COMMIT;
-- end
`;

async function* cut(text: string, size: number): ByteStream {
  for (let from = 0; from < text.length; from += size) yield Buffer.from(text.slice(from, from + size));
}

async function* onward(content: ByteStream): ByteStream {
  yield* content;
}

const textOf = async (content: ByteStream): Promise<string> => Buffer.concat(await Array.fromAsync(content)).toString();

test.each([1, 2, 3, 7, 64, 10_000])(
  'a part cut into pieces of %i bytes is taken apart at its COPYs, and nothing is lost',
  async (size) => {
    const blocks: { copy: string | undefined; text: string }[] = [];
    for await (const { copy, content } of blocksOf(cut(part, size))) blocks.push({ copy, text: await textOf(content) });

    expect(blocks.map(({ text }) => text).join('')).toBe(part);
    expect(blocks.map(({ copy }) => copy)).toEqual([
      undefined,
      'COPY public.t (a) FROM stdin;',
      undefined,
      'COPY public."new\nline" (b) FROM stdin;',
      undefined,
    ]);
  },
);

test.each([1, 5, 40])(
  'rows that nobody reads to their end are skipped, and never taken for statements (pieces of %i bytes)',
  async (size) => {
    const statements: string[] = [];
    for await (const { copy, content } of blocksOf(cut(part, size))) {
      if (copy === undefined) statements.push(await textOf(onward(content)));
      else for await (const _ of onward(content)) break;
    }

    expect(statements.join('')).toBe(
      part.replace(/COPY public\.t[^]*\n\\\.\n(?=SELECT)/, '').replace(/COPY public\."new[^]*\n\\\.\n(?=BEGIN)/, ''),
    );
  },
);

test.each([1, 9, 10_000])(
  'pg_dump’s own transactions are taken out, and nothing that looks like one (pieces of %i bytes)',
  async (size) => {
    expect(await textOf(withoutTransactions(cut(part, size)))).toBe(
      part.replace('BEGIN;\n\nSELECT pg_catalog.lo', '\nSELECT pg_catalog.lo').replace('COMMIT;\n', ''),
    );
  },
);
