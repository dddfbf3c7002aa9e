import { readFile } from 'node:fs/promises';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { mariadbReader } from '../../../core/pipeline/rows/mariadb.ts';
import { chunksOf, tallyOf } from './rows-oracle.ts';
import { draws, ofAll } from '../../support/random/draws.ts';

const marker = '\n-- Dump completed on 2026-11-21  0:43:40\n';
const chunkLengths = fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 6 });
const nastyPieces = [
  '',
  'a',
  'é',
  '"',
  "'",
  '`',
  '\n',
  '\\',
  '\\\\',
  "\\'",
  '(',
  ')',
  '),\n(',
  ';',
  ');\n',
  '-- ',
  '/*',
  '*/',
  ' VALUES (',
  '\0',
  '\x1a',
  '\r',
  marker,
];
const nasty = fc.array(fc.constantFrom(...nastyPieces), { maxLength: 8 }).map((pieces) => pieces.join(''));

function read(dump: string | Uint8Array, lengths: readonly number[] = [65_536]) {
  const reader = mariadbReader();
  for (const chunk of chunksOf(Buffer.from(dump), lengths)) reader.write(chunk);
  return reader.end();
}

test('a real dump of mariadb-dump 11.8 is counted table by table, whatever its names and values hold', async () => {
  const dump = await readFile(new URL('../../fixtures/dumps/mariadb-11.8.sql', import.meta.url));

  const tally = read(dump);

  const nulls = ',NULL'.repeat(9);
  expect(tally).toEqual({
    tables: [
      tallyOf('`Dump completed`', '`a`', ['(1)']),
      tallyOf('`back\\slash`', '`a`', ['(1)']),
      tallyOf('`gen`', '`a`, `v`, `s`, `inv`', ['(1,2,3,5)', '(2,4,6,5)']),
      tallyOf('`geo`', '`g`, `p`', [
        '(0x000000000101000000000000000000F03F000000000000F03F,0x000000000101000000000000000000F03F0000000000000040)',
      ]),
      tallyOf(
        '`long1`',
        '`a`, `t`',
        Array.from({ length: 150 }, (_, i) => `(${i + 1},'${`r\\'\\\\${i + 1}`.repeat(20)}')`),
      ),
      tallyOf('`nocolsafter`', '`a`', ['(0)']),
      tallyOf(
        '`o``\nINSERT INTO ``x`` VALUES\n(1);\n-- Dump completed\n*/ ;\'" VALUES`',
        '`a)b`, `c``d ;\nVALUES (`, `e\'f"`',
        ['(1,2,3)', '(4,5,6)'],
      ),
      tallyOf('`part`', '`a`', ['(1)', '(2)', '(3)', '(4)']),
      tallyOf('`plain`', '`id`, `t`, `d`, `b`, `j`, `bt`, `e`, `dt`, `n`, `u`, `v`', [
        String.raw`(1,'a	b\nc\\d\'e\"f\0g\Zh\r),\n(2,\'x',1e300,0x00FF270A,'{\"k\\\"\": \"v),\\n(\"}',0x0005,'a','2020-01-01 00:00:00.500000',-1.50000,'513b568e-e543-11f1-9c6f-02fc00000001',0x780A)`,
        `(2,NULL${nulls})`,
        "(3,'',-0,'','null',0x0000,'b','0000-00-00 00:00:00.000000',0.00000,NULL,'')",
        `(4,'-- Dump completed\\n;'${nulls})`,
        `(5,'ends with \\\\'${nulls})`,
        `(6,'😀)(;'${nulls})`,
      ]),
      tallyOf('`sysv`', '`a`', ['(2)', '(3)']),
      tallyOf('`z\nDump completed\n`', '`a`', ['(1)']),
    ],
    ended: true,
  });
});

test('any tables with any rows, cut into any chunks, give what a slow reader gives', () => {
  const value = fc.oneof(
    nasty.map(escaped),
    nasty.map(escapedButNewlines),
    fc.constantFrom('NULL', '-1.5', '0x00FF', "''"),
  );
  const row = fc.array(value, { minLength: 1, maxLength: 4 }).map((values) => `(${values.join(',')})`);
  const inserts = fc.array(fc.array(row, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 3 });
  const table = fc.record({
    name: nasty,
    columns: fc.array(nasty, { minLength: 1, maxLength: 3 }),
    inserts,
    separator: fc.constantFrom(',\n', ','),
  });

  fc.assert(
    fc.property(
      fc.uniqueArray(table, { maxLength: 4, selector: ({ name }) => name }),
      chunkLengths,
      (list, lengths) => {
        const blocks = list.map(({ name, columns, inserts: statements, separator }) => {
          const comment = `\n--\n-- Dumping data for table ${quoted(name).replaceAll('\n', '\n-- ')}\n--\n\n`;
          const lock = `LOCK TABLES ${quoted(name)} WRITE;\n/*!40000 ALTER TABLE ${quoted(name)} DISABLE KEYS */;\n`;
          const lines = statements.map(
            (rows) =>
              `INSERT INTO ${quoted(name)} (${columns.map(quoted).join(', ')}) VALUES ${rows.join(separator)};\n`,
          );
          return `${comment}${lock}${lines.join('')}/*!40000 ALTER TABLE ${quoted(name)} ENABLE KEYS */;\nUNLOCK TABLES;\n`;
        });
        const dump = [
          '/*M!999999\\- enable the sandbox mode */ \n-- MariaDB dump 10.19\n',
          "/*!40101 SET @A='it\\'s' */;\n",
          ...blocks,
          marker,
        ].join('');

        expect(read(dump, lengths)).toEqual({
          tables: list.map(({ name, columns, inserts: statements }) =>
            tallyOf(quoted(name), columns.map(quoted).join(', '), statements.flat()),
          ),
          ended: true,
        });
      },
    ),
    draws(500),
  );
});

test('arbitrary bytes never throw, and mean the same in any chunks', () => {
  const words = [
    'INSERT INTO `t` (`a`) VALUES ',
    'INSERT INTO t VALUES (',
    '/*!',
    '/*M!',
    '-',
    '*',
    '/',
    '\n\n',
    "'",
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
  [')', 1_200_000],
  [',', 1_200_000],
  ['``', 200_000],
  ['`', 200_000],
] as const)('a statement that is %j over and over, %i bytes of it, does not throw', (text, length) => {
  for (const head of ['INSERT INTO ', 'INSERT INTO t (']) {
    expect(read(`${head}${text.repeat(length / text.length)} VALUES (1)`).ended).toBe(false);
  }
});

test('runs of backslashes of every length end strings where the server ends them', () => {
  const rows = Array.from({ length: 200 }, (_, n) => [
    `('${'\\\\'.repeat(n)}','(')`,
    `('${'x'.repeat(n)}${'\\\\'.repeat(n % 70)}\\'),(')`,
  ]).flat();

  for (const lengths of [[65_536], [1], [63, 64, 65], [7]]) {
    expect(read(`INSERT INTO \`t\` (\`a\`) VALUES ${rows.join(',\n')};\n`, lengths).tables).toEqual([
      tallyOf('`t`', '`a`', rows),
    ]);
  }
});

test('a row wider than any buffer is counted and hashed whole', () => {
  const rows = [`(1,'${"(;\\\\\\'".repeat(500_000)}')`, `(2,0x${'0F'.repeat(2_000_000)})`];

  expect(read(`INSERT INTO \`t\` (\`a\`, \`b\`) VALUES ${rows.join(',\n')};\n${marker}`)).toEqual({
    tables: [tallyOf('`t`', '`a`, `b`', rows)],
    ended: true,
  });
});

test('a dump cut anywhere before its marker line is whole says that it has not ended', async () => {
  const dump = await readFile(new URL('../../fixtures/dumps/mariadb-11.8.sql', import.meta.url));

  for (const cut of ofAll([
    ...Array.from({ length: 500 }, (_, i) => i * 50),
    ...Array.from({ length: 1500 }, (_, i) => dump.length - 1500 + i),
  ])) {
    expect([cut, read(dump.subarray(0, cut)).ended]).toEqual([cut, false]);
  }
  expect(read(dump).ended).toBe(true);
});

test.each(['SELECT 1;\n', 'INSERT INTO `t` VALUES (1);\n', 'x', '-- more\n', '/*!40101 SET A=1 */;\n', "'"])(
  'after the marker, %j means that the dump has not ended',
  (more) => {
    expect(read(`\n${marker}\n\n`).ended).toBe(true);
    expect(read(`\n${marker}${more}`).ended).toBe(false);
  },
);

test('a table whose name poses as the end marker does not end a dump', () => {
  expect(read('\n--\n-- Dumping data for table `a\n-- Dump completed\n').ended).toBe(false);
  expect(read("INSERT INTO `t` (`a`) VALUES ('\n\n-- Dump completed\n").ended).toBe(false);
  expect(read('LOCK TABLES `a\n\n-- Dump completed\n').ended).toBe(false);
});

test('a statement for each row, and a list of columns without quotes, count as well', () => {
  const dump =
    "INSERT INTO `h` (`a`, row_start) VALUES (1,'2026');\nINSERT INTO `h` (`a`, row_start) VALUES " +
    "(2,'2027');\nINSERT IGNORE INTO `i` VALUES (3);\nREPLACE INTO `r` VALUES (4),(5);\n";

  expect(read(dump).tables).toEqual([
    tallyOf('`h`', '`a`, row_start', ["(1,'2026')", "(2,'2027')"]),
    tallyOf('`i`', '', ['(3)']),
    tallyOf('`r`', '', ['(4)', '(5)']),
  ]);
});

test('progress names the table whose rows are passing, and counts rows and bytes', () => {
  const reader = mariadbReader();

  reader.write(Buffer.from("INSERT INTO `t` (`a`) VALUES (1),\n(2),\n('"));
  expect(reader.progress()).toEqual({ rows: 2, bytes: 41, table: '`t`' });

  reader.write(Buffer.from("');\n"));
  expect(reader.progress()).toEqual({ rows: 3, bytes: 45 });
});

function quoted(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}

/** As mysql_real_escape_string does (MariaDB documentation, "String Literals"). */
function escaped(text: string): string {
  const letters: Record<string, string> = { '\0': '0', '\n': 'n', '\r': 'r', '\x1a': 'Z' };
  return `'${text.replaceAll(/[\0\n\r\x1a\\'"]/g, (letter) => `\\${letters[letter] ?? letter}`)}'`;
}

function escapedButNewlines(text: string): string {
  return escaped(text).replaceAll('\\n', (all, at: number, whole: string) =>
    /(^|[^\\])(\\\\)*$/.test(whole.slice(0, at)) ? '\n' : all,
  );
}
