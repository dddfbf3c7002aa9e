import type { ByteStream } from '../../ports.ts';
import { byteText, quoteName } from './quoting.ts';

const insertMark = Buffer.from('\nINSERT INTO `');
const headPattern = /^\nINSERT INTO (`(?:[^`]|``)*`) \(((?:`(?:[^`]|``)*`|[^`)])*)\) VALUES \(/;
const [quote, backslash, comma, open, close, semicolon] = [...Buffer.from("'\\,();")] as [number, number, number, number, number, number];

/** Columns to leave out, by table. */
export type LeftOut = { table: string; columns: string[] }[];

/**
 * A dump's rows without some columns. MySQL refuses values for generated columns, and mariadb-dump writes them. Only the INSERT
 * statements of these tables are looked into; of those no more than the head is held, whatever the length of a row.
 */
export async function* withoutColumns(dump: ByteStream, leftOut: LeftOut): ByteStream {
  const tables = new Map(leftOut.map(({ table, columns }) => [byteText(quoteName(table)), new Set(columns.map((column) => byteText(quoteName(column))))]));
  let row: RowFilter | undefined;
  let held: Buffer = Buffer.alloc(0);
  for await (const bytes of dump) {
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let text = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    const out: Buffer[] = [];
    while (text.length > 0) {
      if (row !== undefined) {
        const end = row.pass(text, out);
        text = text.subarray(end);
        if (row.ended) row = undefined;
        continue;
      }
      const { passed, filter, rest } = nextStatement(text, tables);
      out.push(...passed);
      text = rest;
      row = filter;
      if (filter === undefined) break;
    }
    held = Buffer.from(text);
    if (out.length > 0) yield Buffer.concat(out);
  }
  if (held.length > 0) yield held;
}

/** Passes text up to the first row of a table that is to be filtered; `rest` may begin with the head of a statement that is not whole yet. */
function nextStatement(text: Buffer, tables: Map<string, Set<string>>): { passed: Buffer[]; filter?: RowFilter; rest: Buffer } {
  let from = 0;
  for (let at = text.indexOf(insertMark); at >= 0; at = text.indexOf(insertMark, from)) {
    const head = headPattern.exec(text.toString('latin1', at, Math.min(text.length, at + 1_500_000)));
    if (head === null) return { passed: [text.subarray(0, at)], rest: text.subarray(at) };
    const [whole, table = '', list = ''] = head;
    const left = tables.get(table);
    if (left !== undefined) {
      const columns = list.match(/`(?:[^`]|``)*`/g) ?? [];
      const kept = columns.map((column) => !left.has(column));
      const shown = columns.filter((_, index) => kept[index]).join(', ');
      const written = Buffer.from(`\nINSERT INTO ${table} (${shown}) VALUES `, 'latin1');
      return { passed: [text.subarray(0, at), written], filter: rowFilter(kept), rest: text.subarray(at + whole.length - 1) };
    }
    from = at + whole.length;
  }
  const end = Math.max(from, text.length - insertMark.length + 1);
  return { passed: [text.subarray(0, end)], rest: text.subarray(end) };
}

type RowFilter = { readonly ended: boolean; pass(text: Buffer, out: Buffer[]): number };

/** Follows the tuples of one statement, from the parenthesis of the first to the semicolon, and lets only the kept columns' values pass. */
function rowFilter(kept: boolean[]): RowFilter {
  let [column, inRow, quoted, escaped, ended, first] = [0, false, false, false, false, true];
  return {
    get ended() {
      return ended;
    },
    pass(text, out) {
      let start = 0;
      const flush = (to: number) => {
        if (to > start && (!inRow || kept[column])) out.push(text.subarray(start, to));
        start = to;
      };
      for (let at = 0; at < text.length; at += 1) {
        const byte = text[at]!;
        if (quoted) {
          if (escaped) escaped = false;
          else if (byte === backslash) escaped = true;
          else if (byte === quote) quoted = false;
        } else if (byte === quote) quoted = true;
        else if (!inRow && byte === open) {
          flush(at + 1);
          [inRow, column, first] = [true, 0, !kept[0]];
        } else if (inRow && byte === comma) {
          flush(at);
          start = at + 1;
          column += 1;
          if (kept[column]) {
            if (!first) out.push(text.subarray(at, at + 1));
            first = false;
          }
        } else if (inRow && byte === close) {
          flush(at);
          inRow = false;
        } else if (!inRow && byte === semicolon) {
          flush(at + 1);
          ended = true;
          return at + 1;
        }
      }
      flush(text.length);
      return text.length;
    },
  };
}
