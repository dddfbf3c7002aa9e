import type { DumpReader } from './reader.ts';
import { newScanner } from './scanner.ts';
import { sqlLexer } from './sql.ts';
import type { Dialect } from './sql.ts';
import { newTables, printed } from './tables.ts';

const dialect: Dialect = {
  quotes: `'"\``,
  backslashIn: `'"`,
  psql: false,
  conditionalComments: true,
  wanted: /^(INSERT|REPLACE) /,
  rowsAfter: 'VALUES',
};
const insertStatement =
  /^(?:INSERT|REPLACE)\s[^`(]*?INTO\s+((?:`[^`]*`|[^`\s(])+)\s+(?:\(((?:`[^`]*`|[^`()])*)\)\s+)?VALUES\s*$/;
const endMarker = /^-- Dump completed( on [-\d: ]+)?$/;

/**
 * Reads the text of `mariadb-dump --no-create-info --complete-insert` of one database. A row is a tuple of an INSERT,
 * including both parentheses, wherever lines break. A table's comment prints its name with `-- ` before each line of
 * it, so a name could pose as the end marker: only the real one has a blank line before it.
 */
export function mariadbReader(): DumpReader {
  const scanner = newScanner();
  const tables = newTables();
  let inserting: { table: string; columns: string } | undefined;
  let ended = false;
  let bytes = 0;

  const lexer = sqlLexer(dialect, {
    statement() {
      ended = false;
      return false;
    },
    rows(text) {
      const insert = insertStatement.exec(text);
      if (!insert) return false;
      inserting = { table: insert[1]!, columns: insert[2] ?? '' };
      ended = false;
      scanner.start();
      return true;
    },
    aside(text, afterBlankLine) {
      ended = afterBlankLine && endMarker.test(text);
    },
  });

  function rows(from: number, to: number): number {
    const end = scanner.tuples(from, to);
    if (end < 0) return to;
    leaveTable();
    return end;
  }

  function leaveTable(): void {
    if (inserting) tables.add(inserting.table, inserting.columns, scanner.counted());
    inserting = undefined;
  }

  return {
    write(chunk) {
      bytes += chunk.length;
      for (let offset = 0; offset < chunk.length; offset += scanner.capacity) {
        const to = scanner.load(chunk.subarray(offset, offset + scanner.capacity));
        for (let at = scanner.first; at < to; ) at = inserting ? rows(at, to) : lexer.feed(scanner.text, at, to);
      }
    },
    end() {
      leaveTable();
      return { tables: tables.tallies(), ended: ended && lexer.idle() };
    },
    progress: () => ({
      rows: tables.rows() + (inserting ? scanner.rows() : 0),
      bytes,
      ...(inserting && { table: printed(inserting.table) }),
    }),
  };
}
