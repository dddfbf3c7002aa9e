import { expect, test } from '@jest/globals';
import { postgresReader } from '../../../core/pipeline/rows/postgres.ts';
import { mergeTallies } from '../../../core/pipeline/rows/tables.ts';
import { tallyOf } from './rows-oracle.ts';

const marker = '-- PostgreSQL database dump complete\n';

function read(...dump: string[]) {
  const reader = postgresReader();
  reader.write(Buffer.from(dump.join('')));
  return reader.end();
}

test('slices of a table add up to the whole table, in any order', () => {
  const slice = (...rows: string[]) => `COPY a.t (b) FROM stdin;\n${rows.map((row) => `${row}\n`).join('')}\\.\n`;
  const object = (id: number) => `SELECT pg_catalog.lo_open('${id}', 131072);\nSELECT pg_catalog.lo_close(0);\n`;
  const whole = read(slice('1', '2', '3', '4'), 'COPY a.u (c) FROM stdin;\n\\.\n', object(1), object(2), marker);

  const first = read(slice('4', '2'), object(2), marker);
  const second = read(slice('3'), slice('1'), 'COPY a.u (c) FROM stdin;\n\\.\n', object(1), marker);

  expect(mergeTallies([first, second])).toEqual(whole);
  expect(mergeTallies([second, first]).tables).toEqual(expect.arrayContaining(whole.tables));
  expect(whole.tables[0]).toEqual(tallyOf('a.t', 'b', ['1', '2', '3', '4']));
});

test('one part that has not ended means that the backup has not', () => {
  expect(mergeTallies([read(marker), read(marker)]).ended).toBe(true);
  expect(mergeTallies([read(marker), read('COPY a.t (b) FROM stdin;\n1\n')]).ended).toBe(false);
});

test('a table with other columns in another part is refused, by name', () => {
  const parts = [read('COPY a.t (b) FROM stdin;\n\\.\n'), read('COPY a.t (b, c) FROM stdin;\n\\.\n')];

  expect(() => mergeTallies(parts)).toThrow(
    expect.objectContaining({ code: 'source-changed', message: expect.stringContaining('a.t') }),
  );
});

test('a changed, a lost and a doubled row change the fingerprint or the count, a changed order does not', () => {
  const table = (...rows: string[]) =>
    read(`COPY t (a) FROM stdin;\n${rows.map((row) => `${row}\n`).join('')}\\.\n`).tables[0]!;
  const original = table('1\tx', '2\ty');

  expect(table('2\ty', '1\tx')).toEqual(original);
  for (const changed of [
    table('1\ty', '2\tx'),
    table('1\tx'),
    table('1\tx', '1\tx'),
    table('1\tx', '2\ty', '2\ty'),
    table('1\tx', '2\t\\N'),
  ]) {
    expect([changed.rows, changed.fingerprint]).not.toEqual([original.rows, original.fingerprint]);
  }
});
