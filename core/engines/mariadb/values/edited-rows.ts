import type { ByteStream } from '../../../ports.ts';
import { byteText, quoteName } from '../quoting.ts';

/**
 * How a column's values are edited: left out with their column; or `before` is put in front of each string; or
 * `rewrite` makes another text of each one's (as SQL writes it, one character per byte).
 */
export type ValueEdit = 'leave out' | { before: string } | { rewrite(value: string): string };

/** Edits of a table's rows, by column. */
export type TableEdits = { table: string; columns: ReadonlyMap<string, ValueEdit> };

const insertMark = Buffer.from('\nINSERT INTO `');
const headPattern = /^\nINSERT INTO (`(?:[^`]|``)*`) \(((?:`(?:[^`]|``)*`|[^`)])*)\) VALUES \(/;
/** A table has up to 4,096 columns, each name up to 64 characters. */
const [usualHead, longestHead] = [8192, 1_500_000];
/** A longer value is not rewritten: it would have to be held in memory whole. */
const longestRewritten = 16 * 1024 ** 2;
const [quote, backslash, comma, open, close, semicolon] = [...Buffer.from("'\\,();")] as [
  number,
  number,
  number,
  number,
  number,
  number,
];

/**
 * A dump's rows with the values of some columns edited. Only the INSERT statements of these tables are parsed, and of
 * those no more is held than the head and a value to be rewritten, whatever the length of a row.
 */
export async function* editedRows(dump: ByteStream, edited: TableEdits[]): ByteStream {
  const tables = new Map(edited.map(({ table, columns }) => [byteText(quoteName(table)), byColumn(columns)]));
  let row: RowEditor | undefined;
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
      const { passed, editor, rest } = nextStatement(text, tables);
      out.push(...passed);
      text = rest;
      row = editor;
      if (editor === undefined) break;
    }
    held = Buffer.from(text);
    if (out.length > 0) yield Buffer.concat(out);
  }
  if (held.length > 0) yield held;
}

function byColumn(columns: TableEdits['columns']): Map<string, ValueEdit> {
  return new Map([...columns].map(([name, edit]) => [byteText(quoteName(name)), edit]));
}

type Passing = { passed: Buffer[]; editor?: RowEditor; rest: Buffer };

/**
 * Passes text up to the first row of a table to be edited; `rest` may begin with the incomplete head of a statement.
 */
function nextStatement(text: Buffer, tables: Map<string, Map<string, ValueEdit>>): Passing {
  let from = 0;
  for (let at = text.indexOf(insertMark); at >= 0; at = text.indexOf(insertMark, from)) {
    const head = headAt(text, at);
    if (head === null) return { passed: [text.subarray(0, at)], rest: text.subarray(at) };
    const [whole, table = '', list = ''] = head;
    const edits = tables.get(table);
    if (edits !== undefined) {
      const columns = list.match(/`(?:[^`]|``)*`/g) ?? [];
      const shown = columns.filter((column) => edits.get(column) !== 'leave out').join(', ');
      const written = Buffer.from(`\nINSERT INTO ${table} (${shown}) VALUES `, 'latin1');
      const editor = rowEditor(columns.map((column) => edits.get(column)));
      return { passed: [text.subarray(0, at), written], editor, rest: text.subarray(at + whole.length - 1) };
    }
    from = at + whole.length;
  }
  const end = Math.max(from, text.length - insertMark.length + 1);
  return { passed: [text.subarray(0, end)], rest: text.subarray(end) };
}

function headAt(text: Buffer, at: number): RegExpExecArray | null {
  const within = (bytes: number) => headPattern.exec(text.toString('latin1', at, Math.min(text.length, at + bytes)));
  return within(usualHead) ?? within(longestHead);
}

type RowEditor = { readonly ended: boolean; pass(text: Buffer): { passed: Buffer; rest: Buffer } };

type TokenPlace = 'between' | 'value' | 'text' | 'escape';

/** Follows the tuples of one statement, from the first parenthesis to the semicolon. */
function rowEditor(edits: (ValueEdit | undefined)[]): RowEditor {
  const shownColumns = edits.map((edit) => edit !== 'leave out');
  const prefixes = edits.map((edit) =>
    typeof edit === 'object' && 'before' in edit ? Buffer.from(edit.before) : undefined,
  );
  const rewrites = edits.map((edit) => (typeof edit === 'object' && 'rewrite' in edit ? edit.rewrite : undefined));
  const state = { place: 'between' as TokenPlace, column: 0, shown: true, first: true, ended: false };
  const begun = begunValue();
  return {
    get ended() {
      return state.ended;
    },
    pass(text) {
      // local variables, because the loop runs once per byte
      let { place, column, shown, first, ended } = state;
      let out: Buffer = Buffer.allocUnsafe(text.length + 1024);
      let [length, at, valueFrom] = [0, 0, begun.held() ? 0 : -1];
      for (const size = text.length; at < size && !ended; at += 1) {
        if (place === 'text') {
          const end = endOfPlainText(text, at);
          if (shown) length += copy(text, at, end, out, length);
          at = end;
          if (at === size) break;
        }
        const byte = text[at]!;
        let pass = shown;
        if (place === 'text') {
          if (byte === quote) place = 'value';
          else if (byte === backslash) place = 'escape';
        } else if (place === 'escape') place = 'text';
        else if (place === 'between') {
          if (byte === open)
            [place, column, shown, first] = ['value', 0, shownColumns[0] === true, shownColumns[0] !== true];
          else if (byte === semicolon) ended = true;
        } else if (byte === quote) {
          place = 'text';
          const prefix = prefixes[column];
          if (prefix !== undefined) {
            out = withRoom(out, length, prefix.length + size - at);
            length += prefix.copy(out, length);
          }
        } else if (byte === comma || byte === close) {
          if (valueFrom >= 0) {
            const written = begun.rewritten(out.subarray(valueFrom, length), rewrites[column]!);
            if (written !== undefined) {
              out = withRoom(out, valueFrom, written.length + size - at);
              length = valueFrom + written.copy(out, valueFrom);
            }
            valueFrom = -1;
          }
          if (byte === comma) {
            column += 1;
            shown = shownColumns[column] === true;
            pass = shown && !first;
            if (shown) first = false;
          } else [place, shown, pass] = ['between', true, true];
        }
        if (pass) out[length++] = byte;
        // a value begins after what was just passed
        if (place === 'value' && (byte === comma || byte === open) && rewrites[column] !== undefined)
          valueFrom = length;
      }
      Object.assign(state, { place, column, shown, first, ended });
      if (valueFrom < 0) return { passed: out.subarray(0, length), rest: text.subarray(at) };
      const tooLong = begun.hold(out.subarray(valueFrom, length));
      return { passed: Buffer.concat([out.subarray(0, valueFrom), ...tooLong]), rest: text.subarray(at) };
    },
  };
}

/** The position of the next quote or backslash, or the end. */
function endOfPlainText(text: Buffer, from: number): number {
  const size = text.length;
  let at = from;
  while (at < size && text[at] !== quote && text[at] !== backslash) at += 1;
  return at;
}

/** Copying short pieces here is faster than a call into the runtime. */
function copy(text: Buffer, from: number, to: number, out: Buffer, at: number): number {
  if (to - from > 40) return text.copy(out, at, from, to);
  for (let next = from; next < to; next += 1) out[at + next - from] = text[next]!;
  return to - from;
}

/** A value to be rewritten that has not arrived completely. */
function begunValue() {
  let pieces: Buffer[] = [];
  let holds = false;
  const taken = () => {
    const all = pieces;
    [pieces, holds] = [[], false];
    return all;
  };
  return {
    held: () => holds,
    /** Keeps its beginning; returns all of it once it has become too long. */
    hold(piece: Buffer): Buffer[] {
      pieces.push(Buffer.from(piece));
      holds = true;
      return pieces.reduce((sum, { length }) => sum + length, 0) > longestRewritten ? taken() : [];
    },
    /** The new text of the whole value; undefined if what was written of it is already right. */
    rewritten(end: Buffer, rewrite: (value: string) => string): Buffer | undefined {
      const value = holds ? Buffer.concat([...taken(), end]).toString('latin1') : end.toString('latin1');
      const other = rewrite(value);
      return other === value && value.length === end.length ? undefined : Buffer.from(other, 'latin1');
    },
  };
}

function withRoom(out: Buffer, length: number, more: number): Buffer {
  if (length + more <= out.length) return out;
  const larger = Buffer.allocUnsafe(2 * (length + more));
  out.copy(larger, 0, 0, length);
  return larger;
}
