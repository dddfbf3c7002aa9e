import { newText } from './text.ts';

/** How a dump's SQL is written. Characters are given by their code. */
export type Dialect = {
  quotes: string;
  /** Quotes in which a backslash escapes the next character. */
  backslashIn: string;
  /**
   * `E'…'` has backslash escapes though `'…'` has none, and `\word` is a command to the client up to the line's end
   * (psql).
   */
  psql: boolean;
  /** The text in a comment `/*!` or `/*M!` is code. */
  conditionalComments: boolean;
  /** Beginnings of statements that are wanted whole (up to 1 MiB); of others the first 64 bytes are kept. */
  wanted: RegExp;
  /** The word after which rows begin with a parenthesis. */
  rowsAfter?: string;
};

/** Receives what is found, as latin1 text. */
export type SqlEvents = {
  /** A statement without its `;`, or its first bytes; returning true stops the lexer after it. */
  statement(text: string): boolean;
  /**
   * A parenthesis opens after `rowsAfter`, with `text` before it; returning true drops the statement and stops the
   * lexer on the parenthesis.
   */
  rows?(text: string): boolean;
  /**
   * A whole line comment or client command (its first bytes), or the beginning of a conditional comment.
   * `afterBlankLine`: a blank line stands before it.
   */
  aside(text: string, afterBlankLine: boolean): void;
};

/** Cuts SQL into statements as it passes, whatever quoted text and comments hold. */
export type SqlLexer = {
  /** Takes text[from, to), where the bytes before `from` came before; returns where it stopped. */
  feed(text: Buffer, from: number, to: number): number;
  /** True if no statement, comment or quoted text is open. */
  idle(): boolean;
};

type Mode = 'code' | 'quoted' | 'aside' | 'block';

const headBytes = 64;
const statementBytes = 1 << 20;
const [newline, semicolon, dash, slash, star, backslash, parenthesis] = [...Buffer.from('\n;-/*\\(')] as [
  number,
  number,
  number,
  number,
  number,
  number,
  number,
];

/** A lexer at the beginning of a dump. */
export function sqlLexer(dialect: Dialect, on: SqlEvents): SqlLexer {
  const isQuote = table(dialect.quotes);
  const hasEscapes = table(dialect.backslashIn);
  const special = table(`${dialect.quotes};-/*${dialect.psql ? '\\' : ''}${dialect.rowsAfter ? '(' : ''}`);
  let mode: Mode = 'code';
  const statement = newText();
  let aside = '';
  let afterBlankLine = false;
  let outside: number | undefined; // length of the statement around a conditional comment
  let isWanted = false;
  let quote = 0;
  let escapes = false;
  let escapeNext = false;
  let text: Buffer;

  function keep(from: number, to: number): void {
    if (statement.length === 0) while (from < to && text[from]! <= 0x20) from += 1;
    if (statement.length < headBytes) {
      from += statement.append(text, from, Math.min(to, from + headBytes - statement.length));
      if (statement.length === headBytes) isWanted = dialect.wanted.test(statement.toString());
    }
    if (from < to && isWanted) statement.append(text, from, Math.min(to, from + statementBytes - statement.length));
  }

  function beginAside(at: number, next: Mode): void {
    mode = next;
    aside = '';
    afterBlankLine = text[at - 1] === newline && text[at - 2] === newline;
  }

  /** Returns the position to continue from, or its complement (negative) to stop there. */
  function code(from: number, to: number): number {
    for (let at = from; at < to; at += 1) {
      const byte = text[at]!;
      if (special[byte] === 0) continue;
      const before = text[at - 1]!;
      if (byte === semicolon) {
        keep(from, at);
        const whole = statement.toString().trimEnd();
        statement.length = 0;
        if (on.statement(whole)) return ~(at + 1);
        from = at + 1;
      } else if (byte === parenthesis) {
        keep(from, at);
        from = at;
        if (!statement.endsWithWord(dialect.rowsAfter!) || !on.rows?.(statement.toString())) continue;
        statement.length = 0;
        return ~at;
      } else if (isQuote[byte] === 1) {
        keep(from, at + 1);
        mode = 'quoted';
        if (before !== byte)
          escapes = hasEscapes[byte] === 1 || (dialect.psql && byte === 0x27 && isEscapePrefix(before, text[at - 2]!));
        quote = byte;
        return at + 1;
      } else if (byte === dash ? before === dash : byte === star && before === slash) {
        keep(from, at);
        if (statement.last() === before) statement.length -= 1;
        beginAside(at - 1, byte === dash ? 'aside' : 'block');
        aside = byte === dash ? '--' : '';
        return at + 1;
      } else if (byte === slash && before === star && outside !== undefined) {
        statement.length = outside;
        outside = undefined;
        from = at + 1;
      } else if (byte === backslash) {
        keep(from, at);
        beginAside(at, 'aside');
        return at;
      }
    }
    keep(from, to);
    return to;
  }

  function quoted(from: number, to: number): number {
    let end = from;
    if (!escapes) {
      const near = Math.min(to, from + headBytes);
      while (end < near && text[end] !== quote) end += 1;
      if (end === near && near < to) {
        const found = text.subarray(near, to).indexOf(quote);
        end = found < 0 ? to : near + found;
      }
    } else {
      for (; end < to && (escapeNext || text[end] !== quote); end += 1)
        escapeNext = !escapeNext && text[end] === backslash;
    }
    if (end < to) mode = 'code';
    keep(from, Math.min(end + 1, to));
    return Math.min(end + 1, to);
  }

  function asideLine(from: number, to: number): number {
    const found = text.subarray(from, to).indexOf(newline);
    const end = found < 0 ? to : from + found;
    aside += text.toString('latin1', from, Math.min(end, from + headBytes - aside.length));
    if (found < 0) return to;
    mode = 'code';
    on.aside(aside, afterBlankLine);
    return end + 1;
  }

  function block(from: number, to: number): number {
    for (let at = from; at < to; at += 1) {
      if (aside.length < 2) aside += String.fromCharCode(text[at]!);
      if (dialect.conditionalComments && /^M?!$/.test(aside)) {
        mode = 'code';
        outside = statement.length;
        on.aside('/*!', afterBlankLine);
        return at + 1;
      }
      if (text[at] === slash && text[at - 1] === star && aside !== '/') {
        mode = 'code';
        return at + 1;
      }
    }
    return to;
  }

  const steps = { code, quoted, aside: asideLine, block };
  return {
    feed(input, from, to) {
      text = input;
      for (let at = from; at < to; ) {
        at = steps[mode](at, to);
        if (at < 0) return ~at;
      }
      return to;
    },
    idle: () => mode === 'code' && statement.length === 0 && outside === undefined,
  };
}

/**
 * Whether a quote after these two characters (the nearer first) begins `E'…'`, rather than following a word that ends
 * with E.
 */
function isEscapePrefix(nearer: number, farther: number): boolean {
  return (nearer | 0x20) === 0x65 && !/[\w$\x80-\xff]/.test(String.fromCharCode(farther));
}

function table(characters: string): Uint8Array {
  const flags = new Uint8Array(256);
  for (const byte of Buffer.from(characters)) flags[byte] = 1;
  return flags;
}
