import { BackupError } from '../domain/errors.ts';
import type { ByteStream } from '../ports.ts';
import { readOnce } from './memory/spent.ts';

/** What to do with a piece of a dump: pass it on, leave it out, or pass it on and expect rows after it. */
export type PieceVerdict = 'pass' | 'drop' | 'rows';

/**
 * What the dumps of one kind of database may hold. Text is latin1: a character is a byte. Everything that is not named
 * here is refused, so that a part changed in the vault can't bring a statement or client command of its own.
 */
export type Grammar = {
  /** Characters that quote (`bytesIn`); in those of `backslashIn`, a `\` escapes the next byte. */
  quotes: Uint8Array;
  backslashIn: Uint8Array;
  /** Characters that begin a line outside of statements: comments, commands to the client. */
  lines: Uint8Array;
  /**
   * Judges such a line, without its newline: undefined refuses it, `statement` says that it begins a statement after
   * all.
   */
  line(text: string): PieceVerdict | 'statement' | undefined;
  /** Judges a statement, without its `;`; undefined refuses it. */
  statement(text: string): PieceVerdict | undefined;
  /** Whether rows begin at the parenthesis after this text, inside the statement. */
  opensRows?(text: string): boolean;
  /** A reader of rows. */
  rows(): Rows;
};

/** Reads the rows of one table, in chunks that are cut anywhere. */
export type Rows = { take(text: Buffer, from: number): GrammarPiece };

/**
 * `end`: complete up to `to`. `more`: valid up to `to`; the rest must wait for the next chunk. `wrong`: something that
 * is not allowed stands at `to`.
 */
export type GrammarPiece = { state: 'end' | 'more' | 'wrong'; to: number; what?: string; verdict?: PieceVerdict };

/** A table of bytes: 1 for those in `characters`. */
export function bytesIn(characters: string): Uint8Array {
  const flags = new Uint8Array(256);
  for (const byte of Buffer.from(characters)) flags[byte] = 1;
  return flags;
}

/**
 * Longest statement (an INSERT up to its rows, a piece of a large object): 1,600 columns with long names take 200 kB.
 */
const longestStatement = 4 * 1024 * 1024;
const longestLine = 64 * 1024;
const shownCharacters = 40;
const [newline, space, semicolon, backslash, parenthesis] = [...Buffer.from('\n ;\\(')] as [
  number,
  number,
  number,
  number,
  number,
];

/**
 * A piece that may pass. `table`: the number of its table among those with rows, 0 for a statement or line between
 * them.
 */
export type Passed = { text: Buffer; table: number };

/**
 * Splits a data part into the pieces that the grammar allows. Holds back what is not judged yet, so that nothing
 * refused reaches the client. Throws `part-corrupt`, with the line and the first harmless characters of what was found.
 * Holds no more than one statement in memory.
 */
export async function* piecesOf(content: ByteStream, grammar: Grammar, name: string): AsyncGenerator<Passed> {
  let held: Buffer = Buffer.alloc(0);
  let rows: Rows | undefined;
  let line = 1;
  let tables = 0;
  for await (const chunk of content) {
    const text = joined(held, chunk);
    let at = 0;
    while (at < text.length) {
      const piece: GrammarPiece = rows === undefined ? pieceOf(text, at, grammar) : rows.take(text, at);
      if (piece.state === 'wrong')
        throw refused(name, line + newlinesIn(text, 0, piece.to), text.subarray(piece.to), piece.what);
      if (piece.verdict === 'rows') tables += 1;
      const table = rows !== undefined || piece.verdict === 'rows' ? tables : 0;
      if (piece.verdict !== 'drop' && piece.to > at) yield { text: text.subarray(at, piece.to), table };
      at = piece.to;
      if (piece.state === 'more') break;
      rows = piece.verdict === 'rows' ? grammar.rows() : undefined;
    }
    line += newlinesIn(text, 0, at);
    held = text.subarray(at);
  }
  if (rows !== undefined || held.length > 0) throw refused(name, line, held, 'an end in the middle');
}

/** The same as a stream, in pieces as large as they came. */
export function guarded(content: ByteStream, grammar: Grammar, name: string): ByteStream {
  return streamOf(piecesOf(content, grammar, name));
}

/** Pieces as a stream; adjacent ones are joined. */
export async function* streamOf(pieces: AsyncIterable<Passed>): ByteStream {
  let run: Buffer | undefined;
  for await (const { text } of pieces) {
    const isNext = run !== undefined && run.buffer === text.buffer && run.byteOffset + run.length === text.byteOffset;
    if (run !== undefined && !isNext) yield run;
    run = isNext ? Buffer.from(text.buffer, run!.byteOffset, run!.length + text.length) : text;
  }
  if (run !== undefined) yield run;
}

function joined(held: Buffer, chunk: Uint8Array): Buffer {
  const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  return held.length === 0 ? bytes : readOnce(Buffer.concat([held, bytes]), bytes);
}

/** The white space, line or statement that begins here. */
function pieceOf(text: Buffer, from: number, grammar: Grammar): GrammarPiece {
  if (text[from] === newline || text[from] === space) return { state: 'end', to: from + 1 };
  return grammar.lines[text[from]!] === 1 ? lineOf(text, from, grammar) : statementOf(text, from, grammar);
}

function lineOf(text: Buffer, from: number, grammar: Grammar): GrammarPiece {
  const end = text.subarray(from, from + longestLine).indexOf(newline);
  if (end < 0 && text.length - from < longestLine) return { state: 'more', to: from };
  const verdict = end < 0 ? 'statement' : grammar.line(text.toString('latin1', from, from + end));
  if (verdict === 'statement') return statementOf(text, from, grammar);
  return verdict === undefined
    ? { state: 'wrong', to: from, what: kindOf(text[from]!) }
    : { state: 'end', to: from + end + 1, verdict };
}

function statementOf(text: Buffer, from: number, grammar: Grammar): GrammarPiece {
  const limit = Math.min(text.length, from + longestStatement);
  for (let at = from; at < limit; at += 1) {
    const byte = text[at]!;
    if (grammar.quotes[byte] === 1) {
      at = endOfQuote(text, at, limit, grammar.backslashIn[byte] === 1);
    } else if (byte === parenthesis && grammar.opensRows?.(text.toString('latin1', from, at)) === true) {
      return { state: 'end', to: at, verdict: 'rows' };
    } else if (byte === semicolon) {
      return at + 1 === text.length ? { state: 'more', to: from } : judged(text, from, at, grammar);
    }
  }
  return limit === text.length && limit - from < longestStatement
    ? { state: 'more', to: from }
    : { state: 'wrong', to: from, what: 'a statement without an end' };
}

function judged(text: Buffer, from: number, end: number, grammar: Grammar): GrammarPiece {
  const verdict = grammar.statement(text.toString('latin1', from, end));
  if (verdict === undefined) return { state: 'wrong', to: from, what: kindOf(text[from]!) };
  if (text[end + 1] !== newline) return { state: 'wrong', to: end + 1, what: 'something behind a statement' };
  return { state: 'end', to: end + 2, verdict };
}

/** The position of the quote that ends the text quoted from `at` on; `limit` if it does not end. */
function endOfQuote(text: Buffer, at: number, limit: number, escapes: boolean): number {
  const quote = text[at]!;
  for (let next = at + 1; next < limit; next += 1) {
    if (escapes && text[next] === backslash) next += 1;
    else if (text[next] === quote) return next;
  }
  return limit;
}

function kindOf(first: number): string {
  return first === backslash ? 'a command to the client' : 'a statement that no data part holds';
}

function newlinesIn(text: Buffer, from: number, to: number): number {
  let count = 0;
  for (let at = text.indexOf(newline, from); at >= 0 && at < to; at = text.indexOf(newline, at + 1)) count += 1;
  return count;
}

function refused(name: string, line: number, found: Buffer, what = 'what no data part holds'): BackupError {
  const shown = found
    .toString('latin1', 0, shownCharacters)
    .split('\n')[0]!
    .replace(/[^\w .,;:()'"`*\\/!=@+-]/g, '?');
  return new BackupError('part-corrupt', `${name} holds at line ${line} ${what}: ${shown}`, {
    hint:
      'nothing of this part was committed. Who has written to the vault? Restore another backup, and keep this ' +
      'one to look into it',
  });
}
