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
        const { passed, rest } = row.pass(text);
        out.push(passed);
        text = rest;
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

type RowFilter = { readonly ended: boolean; pass(text: Buffer): { passed: Buffer; rest: Buffer } };

type Place = 'between' | 'value' | 'text' | 'escape';

/** Follows the tuples of one statement, from the parenthesis of the first to the semicolon, and lets only the kept columns' values pass. */
function rowFilter(kept: boolean[]): RowFilter {
  const state = { place: 'between' as Place, column: 0, shown: true, first: true, ended: false };
  return {
    get ended() {
      return state.ended;
    },
    pass(text) {
      const out = Buffer.allocUnsafe(text.length);
      // variables of this call alone: the loop runs once a byte
      let { place, column, shown, first, ended } = state;
      let [length, at] = [0, 0];
      for (const size = text.length; at < size && !ended; at += 1) {
        const byte = text[at]!;
        let pass = shown;
        if (place === 'text') {
          if (byte === quote) place = 'value';
          else if (byte === backslash) place = 'escape';
        } else if (place === 'escape') place = 'text';
        else if (place === 'between') {
          if (byte === open) [place, column, shown, first] = ['value', 0, kept[0] === true, kept[0] !== true];
          else if (byte === semicolon) ended = true;
        } else if (byte === quote) place = 'text';
        else if (byte === comma) {
          column += 1;
          shown = kept[column] === true;
          pass = shown && !first;
          if (shown) first = false;
        } else if (byte === close) [place, shown, pass] = ['between', true, true];
        if (pass) out[length++] = byte;
      }
      Object.assign(state, { place, column, shown, first, ended });
      return { passed: out.subarray(0, length), rest: text.subarray(at) };
    },
  };
}
