import type { DatabaseSync } from 'node:sqlite';
import type { TableRows } from '../../../contract/manifest/manifest.ts';
import { newScanner } from '../../../pipeline/rows/scanner.ts';
import { formatFingerprint } from '../../../pipeline/rows/tables.ts';
import { quoteName, storedTables } from './catalog.ts';
import type { RowsCounted } from './questions.ts';

/**
 * SQLite's result code for a statement that it can't interpret: a collation or function of the application is missing.
 */
const notUnderstood = 1;
/** Fewer terms than SQLite accepts in one expression (1,000). */
const mostTerms = 500;
const batchLetters = 32_768;
const rowsBetweenLooks = 10_000;
const parent = process.ppid;

/** The rows of every table, with their fingerprints, and the tables that can't be read without the application. */
export function countRows(database: DatabaseSync): RowsCounted {
  const counted: RowsCounted = { tables: [], unread: [] };
  for (const { table, columns } of storedTables(database)) {
    try {
      counted.tables.push(rowsOf(database, table, columns));
    } catch (error) {
      const { errcode, message } = error as { errcode?: number; message?: string };
      if (errcode !== notUnderstood) throw error;
      counted.unread.push({ table, why: String(message) });
    }
  }
  return counted;
}

function rowsOf(database: DatabaseSync, table: string, columns: readonly string[]): TableRows {
  const rows = database.prepare(selection(table, columns));
  rows.setReturnArrays(true);
  rows.setReadBigInts(true);
  const scanner = newScanner();
  scanner.start();
  const take = (text: string): void => {
    for (let from = 0; from < text.length; from += scanner.capacity) {
      const to = scanner.load(Buffer.from(text.slice(from, from + scanner.capacity), 'latin1'));
      scanner.lines(scanner.first, to);
    }
  };
  let batch = '';
  let count = 0;
  for (const row of rows.iterate() as Iterable<unknown>) {
    for (const text of rowText(row as unknown[], columns.length)) {
      batch += text;
      if (batch.length < batchLetters) continue;
      take(batch);
      batch = '';
    }
    count += 1;
    if (count % rowsBetweenLooks === 0 && process.ppid !== parent) process.exit();
  }
  take(batch);
  const { rows: found, sum } = scanner.counted();
  return { table, columns: columns.join(', '), rows: found, fingerprint: formatFingerprint(sum) };
}

/** Selects texts as their stored bytes and, after all columns, which of them are text. */
function selection(table: string, columns: readonly string[]): string {
  const names = columns.map(quoteName);
  const values = names.map((name) => `case typeof(${name}) when 'text' then cast(${name} as blob) else ${name} end`);
  const areText = names.map((name) => `(typeof(${name}) = 'text')`);
  const flags = Array.from({ length: Math.ceil(names.length / mostTerms) }, (_, at) =>
    areText.slice(at * mostTerms, (at + 1) * mostTerms).join(' || '),
  );
  return `select ${[...values, ...flags].join(', ')} from ${quoteName(table)} not indexed`;
}

/** A row as a line (docs/backup-format.md), in pieces. */
function* rowText(row: unknown[], columns: number): Generator<string> {
  const isText = row.slice(columns).join('');
  for (let at = 0; at < columns; at += 1) {
    if (at > 0) yield ',';
    yield* valueText(row[at], isText[at] === '1');
  }
  yield '\n';
}

const double = Buffer.alloc(8);

function* valueText(value: unknown, isText: boolean): Generator<string> {
  if (value === null) yield 'N';
  else if (typeof value === 'bigint') yield `I${value}`;
  else if (typeof value === 'number') {
    double.writeDoubleBE(value);
    yield `R${double.toString('hex')}`;
  } else {
    const { buffer, byteOffset, byteLength } = value as Uint8Array;
    yield isText ? 'T' : 'B';
    for (let from = 0; from < byteLength; from += batchLetters)
      yield Buffer.from(buffer, byteOffset + from, Math.min(batchLetters, byteLength - from)).toString('hex');
  }
}
