import { readFile } from 'node:fs/promises';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { postgresReader } from '../../../core/pipeline/rows/postgres.ts';
import { chunksOf, hex, tallyOf, xxh64 } from './rows-oracle.ts';
import { draws, ofAll } from '../../support/random/draws.ts';

const marker = '--\n-- PostgreSQL database dump complete\n--\n\n';
const chunkLengths = fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 6 });
const nastyPieces = [
  '',
  'a',
  'E',
  'é',
  '"',
  "'",
  '\n',
  '\\',
  '\\.',
  '\n\\.\n',
  '(',
  ')',
  ';',
  '--',
  '/*',
  '*/',
  ' ',
  '\t',
  '\r',
  '\nCOPY x (a) FROM stdin;\n',
  marker,
];
const nasty = fc.array(fc.constantFrom(...nastyPieces), { maxLength: 8 }).map((pieces) => pieces.join(''));

function read(dump: string | Uint8Array, lengths: readonly number[] = [65_536]) {
  const reader = postgresReader();
  for (const chunk of chunksOf(Buffer.from(dump), lengths)) reader.write(chunk);
  return reader.end();
}

for (const major of [15, 18]) {
  test(`a real dump of pg_dump ${major} is counted table by table, whatever its names and values hold`, async () => {
    const dump = await readFile(new URL(`../../fixtures/dumps/postgres-${major}.sql`, import.meta.url));

    const tally = read(dump);

    const largeObjects = dump.toString('latin1').match(/SELECT pg_catalog\.lo_open[^]*?lo_close\(0\);/g)!;
    expect(tally).toMatchObject({
      tables: [
        tallyOf('"S\'p $$ac -- e"."/* t"', 'x', ['7']),
        tallyOf('public."Odd "" Name (x)\nCOPY public.x (a) FROM stdin;\n\\.\n.dot%"', '"col )""\nx", "a, b", "ünï"', [
          '1\tx\ty',
        ]),
        tallyOf('public.emptyt', 'a, b', []),
        tallyOf('public.gen', 'a, id', ['5\t1', '6\t2']),
        tallyOf('public.one', 't', ['\\N', '', '\\\\.', '\\\\N', '\\\\.\\n']),
        tallyOf(major === 18 ? 'public.par' : 'public.par1', 'a', ['1', '2']),
        tallyOf('public.plain', 'id, t, v, j, b, a', [
          '1\ta\\tb\\nc\\\\d\tNaN\t{"a": "b\\\\\\\\n"}\t\\\\xdeadbeef\t{a,NULL,"x\\\\\\\\y"}',
          '2\t\\\\.\t\\N\t\\N\t\\N\t\\N',
          '3\t\t\\N\t\\N\t\\N\t\\N',
          '4\tCOPY public.x (a) FROM stdin;\\n\\\\.\\n\t\\N\t\\N\t\\N\t\\N',
        ]),
        tallyOf('public.zerocol', '', ['', '']),
      ],
      ended: true,
      largeObjects: { count: 3, fingerprint: hex(largeObjects.reduce((sum, text) => sum + xxh64(text), 0n)) },
    });
  });
}

test('any tables with any rows, cut into any chunks, give what a slow reader gives', () => {
  const row = fc
    .array(fc.option(nasty), { minLength: 1, maxLength: 3 })
    .map((values) => values.map(copyValue).join('\t'));
  const table = fc.record({
    schema: nasty,
    name: nasty,
    columns: fc.array(nasty, { maxLength: 3 }),
    rows: fc.array(row, { maxLength: 8 }),
  });
  const tables = fc.uniqueArray(table, {
    maxLength: 4,
    selector: ({ schema, name }) => `${quoted(schema)}.${quoted(name)}`,
  });

  fc.assert(
    fc.property(tables, fc.array(nasty, { maxLength: 3 }), chunkLengths, (list, texts, lengths) => {
      const blocks = list.map(({ schema, name, columns, rows }) => {
        const header =
          `COPY ${quoted(schema)}.${quoted(name)} ` +
          `${columns.length > 0 ? `(${columns.map(quoted).join(', ')})` : ''} FROM stdin;\n`;
        return `--\n-- Data for Name: ${name.replaceAll(/[\n\r]/g, ' ')}\n--\n\n${header}${rows.map((text) => `${text}\n`).join('')}\\.\n\n\n`;
      });
      const setvals = texts.map((text) => `SELECT pg_catalog.setval(${literal(text)}, 1, true);\n`);
      const objects = texts.map(
        (text, i) =>
          `SELECT pg_catalog.lo_open('${i}', 131072);\nSELECT pg_catalog.lowrite(0, ${literal(text)});\nSELECT ` +
          'pg_catalog.lo_close(0);',
      );
      const dump = [
        '\\restrict Key\n\nSET a = on;\n',
        ...blocks,
        ...setvals,
        'BEGIN;\n\n',
        ...objects.map((text) => `${text}\n\n`),
        'COMMIT;\n\n',
        marker,
        '\\unrestrict Key\n\n',
      ].join('');

      expect(read(dump, lengths)).toMatchObject({
        tables: list.map(({ schema, name, columns, rows }) =>
          tallyOf(`${quoted(schema)}.${quoted(name)}`, columns.map(quoted).join(', '), rows),
        ),
        ended: true,
        ...(objects.length > 0 && {
          largeObjects: {
            count: objects.length,
            fingerprint: hex(objects.reduce((sum, text) => sum + xxh64(text), 0n)),
          },
        }),
      });
    }),
    draws(500),
  );
});

test('arbitrary bytes never throw, and mean the same in any chunks', () => {
  const words = [
    'COPY t (a) FROM stdin;\n',
    'COPY t',
    "E'",
    'SELECT pg_catalog.lo_open(1);',
    'SELECT pg_catalog.lo_close(0);',
    '\\.\n',
    '\\',
    '-',
    '*',
    '/',
    ';',
    ...nastyPieces,
  ];
  const bytes = fc.array(
    fc.oneof(
      fc.constantFrom(...words).map((word) => Buffer.from(word)),
      fc.uint8Array({ maxLength: 80 }),
    ),
    { maxLength: 40 },
  );

  fc.assert(
    fc.property(bytes, chunkLengths, (pieces, lengths) => {
      const dump = Buffer.concat(pieces);

      expect(read(dump, lengths)).toEqual(read(dump));
      expect(read(dump, [1])).toEqual(read(dump));
    }),
    draws(1000),
  );
});

test.each([
  ['x', 1_200_000],
  [' ', 1_200_000],
  ['(', 1_200_000],
  ['""', 200_000],
  ['"', 200_000],
  ["''", 200_000],
] as const)('a statement that is %j over and over, %i bytes of it, does not throw', (text, length) => {
  for (const head of ['COPY ', 'COPY a (', 'SELECT pg_catalog.setval(']) {
    expect(read(`${head}${text.repeat(length / text.length)};\n${marker}`).tables).toEqual([]);
  }
});

test('a row of any length has the hash that stock libraries give, inside a chunk and across chunks', () => {
  const rows = Array.from({ length: 300 }, (_, length) => 'é0123456789'.repeat(30).slice(0, length));
  const wide = `x${'wide'.repeat(1_000_000)}`;

  for (const lengths of [[65_536], [1], [31, 33], [64], [1000]]) {
    expect(read(`COPY a.b (c) FROM stdin;\n${[...rows, wide, ...rows].join('\n')}\n\\.\n`, lengths).tables).toEqual([
      tallyOf('a.b', 'c', [...rows, wide, ...rows]),
    ]);
  }
});

test('a dump cut anywhere before its marker line is whole says that it has not ended', async () => {
  const dump = await readFile(new URL('../../fixtures/dumps/postgres-15.sql', import.meta.url));
  const whole = dump.indexOf('\n', dump.indexOf('-- PostgreSQL database dump complete')) + 1;
  const cuts = [
    ...Array.from({ length: 700 }, (_, i) => i * 50),
    ...Array.from({ length: 300 }, (_, i) => whole - 300 + i),
  ];

  for (const cut of ofAll(cuts.filter((length) => length < whole)))
    expect([cut, read(dump.subarray(0, cut)).ended]).toEqual([cut, false]);
  expect(read(dump.subarray(0, whole)).ended).toBe(true);
});

test.each(['SELECT 1;\n', 'COPY a (b) FROM stdin;\n', 'x', '-- more\n', '\\connect other\n', "'"])(
  'after the marker, %j means that the dump has not ended',
  (more) => {
    expect(read(`${marker}\\unrestrict Key\n\n`).ended).toBe(true);
    expect(read(`${marker}${more}`).ended).toBe(false);
  },
);

test('a marker inside a string, a name, a row or an open large object is none', () => {
  for (const around of [
    `SELECT '\n${marker}`,
    `COPY "\n${marker}`,
    `COPY a (b) FROM stdin;\n${marker}`,
    `SELECT pg_catalog.lo_open('1', 131072);\n${marker}`,
  ]) {
    expect(read(around).ended).toBe(false);
  }
});

test('a table cut off tells the rows that had come, and a name that is no UTF-8 is told letter by byte', () => {
  const cut = read(Buffer.from('COPY "na\xefve" (a) FROM stdin;\n1\n2\nhal', 'latin1'));

  expect(cut).toMatchObject({ tables: [tallyOf('"na\xefve"', 'a', ['1', '2'])], ended: false });
});

test('backslashes escape quotes in E strings alone', () => {
  const dump = (text: string) => `SELECT ${text};\nCOPY a (b) FROM stdin;\n1\n\\.\n\n${marker}`;

  for (const text of ["E'it''s \\'; --'", "'\\', date'\\'", "e'\\\\'", '"E"\'\\\''])
    expect(read(dump(text))).toMatchObject({ tables: [tallyOf('a', 'b', ['1'])], ended: true });
});

test('progress names the table whose rows are passing, and counts rows and bytes', () => {
  const reader = postgresReader();

  reader.write(Buffer.from('COPY a.b (c) FROM stdin;\n1\n2\n3'));
  expect(reader.progress()).toEqual({ rows: 2, bytes: 30, table: 'a.b' });

  reader.write(Buffer.from('\n\\.\n'));
  expect(reader.progress()).toEqual({ rows: 3, bytes: 34 });
});

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** As COPY prints a value in text format (PostgreSQL documentation, COPY, "Text Format"). */
function copyValue(value: string | null): string {
  const letters: Record<string, string> = {
    '\b': 'b',
    '\f': 'f',
    '\n': 'n',
    '\r': 'r',
    '\t': 't',
    '\v': 'v',
    '\\': '\\',
  };
  return value === null ? '\\N' : value.replaceAll(/[\b\f\n\r\t\v\\]/g, (letter) => `\\${letters[letter]}`);
}
