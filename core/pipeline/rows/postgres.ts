import type { DumpReader } from './reader.ts';
import { newScanner } from './scanner.ts';
import { sqlLexer } from './sql.ts';
import type { Dialect } from './sql.ts';
import { formatFingerprint, newTables, printed } from './tables.ts';

const dialect: Dialect = {
  quotes: `'"`,
  backslashIn: '',
  psql: true,
  conditionalComments: false,
  wanted: /^(?:COPY |SELECT pg_catalog\.setval\()/,
};
const copyStatement = /^COPY ((?:"[^"]*"|[^"\s()])+)\s+(?:\(((?:"[^"]*"|[^"()])*)\)\s+)?FROM stdin$/;
const setvalStatement = /^SELECT pg_catalog\.setval\(('(?:[^']|'')*'), (.*)\)$/s;
const endMarker = '-- PostgreSQL database dump complete';
const newline = 0x0a;

/**
 * Reads the text of `pg_dump --section=data`, 13 to 18, or of a slice printed in the same form. A row is a line of COPY
 * text without its newline. Dollar quotes and nested comments are not understood; that section never has any.
 */
export function postgresReader(): DumpReader {
  const scanner = newScanner();
  const tables = newTables();
  const large = { count: 0, sum: 0n, open: false };
  let largeStatement: string | undefined;
  const sequences: Record<string, string> = {};
  let copying: { table: string; columns: string } | undefined;
  let inRows = false; // behind the line of the COPY statement
  let ended = false;
  let bytes = 0;

  const lexer = sqlLexer(dialect, {
    statement(text) {
      ended = false;
      const copy = copyStatement.exec(text);
      if (copy) {
        copying = { table: copy[1]!, columns: copy[2] ?? '' };
        inRows = false;
        large.open = false;
        scanner.start();
      } else if (/^SELECT pg_catalog\.lo_(open|close)\(/.test(text)) {
        largeStatement = text;
      } else {
        const setval = setvalStatement.exec(text);
        if (setval) sequences[printed(setval[1]!)] = setval[2]!;
      }
      return copy !== null || largeStatement !== undefined;
    },
    aside(text) {
      if (text === endMarker) ended = !large.open;
      else if (text !== '--' && !text.startsWith('\\unrestrict ')) ended = false;
    },
  });

  function sql(from: number, to: number): number {
    const end = lexer.feed(scanner.text, from, to);
    if (large.open) scanner.hash(from, end);
    if (largeStatement !== undefined) passLargeObject(largeStatement);
    largeStatement = undefined;
    return end;
  }

  function passLargeObject(statement: string): void {
    const opens = statement.startsWith('SELECT pg_catalog.lo_open');
    if (opens) scanner.beginHash(`${statement};`);
    else if (large.open) {
      large.count += 1;
      large.sum += scanner.digest();
    }
    large.open = opens;
  }

  function rows(from: number, to: number): number {
    if (!inRows) {
      const lineEnd = scanner.text.subarray(from, to).indexOf(newline);
      inRows = lineEnd >= 0;
      return inRows ? from + lineEnd + 1 : to;
    }
    const end = scanner.lines(from, to);
    if (end < 0) return to;
    leaveTable();
    return end;
  }

  function leaveTable(): void {
    if (copying) tables.add(copying.table, copying.columns, scanner.counted());
    copying = undefined;
  }

  return {
    write(chunk) {
      bytes += chunk.length;
      for (let offset = 0; offset < chunk.length; offset += scanner.capacity) {
        const to = scanner.load(chunk.subarray(offset, offset + scanner.capacity));
        for (let at = scanner.first; at < to; ) at = copying ? rows(at, to) : sql(at, to);
      }
    },
    end() {
      leaveTable();
      return {
        tables: tables.tallies(),
        ended: ended && lexer.idle(),
        sequences,
        ...(large.count > 0 && { largeObjects: { count: large.count, fingerprint: formatFingerprint(large.sum) } }),
      };
    },
    progress: () => ({
      rows: tables.rows() + (copying ? scanner.rows() : 0),
      bytes,
      ...(copying && { table: printed(copying.table) }),
    }),
  };
}
