import type { ByteStream } from '../../../../ports.ts';
import { quoteName } from '../../quoting.ts';

/**
 * The statement at a line of a text, for people: never the values of a row. `elsewhere`: what a view names including
 * its database.
 */
export type Statement = { object: string; statement: string; elsewhere: string[] };

/** Remembers where the statements of a text begin on its way to the client, because the client's errors name a line. */
export type Statements = { passing(text: ByteStream): ByteStream; at(line: number): Statement };

const [newline, open] = [10, 40];
const headBytes = 200;
/** How much of a view is kept, to find what it reads. */
const viewBytes = 64 * 1024;
const shownCharacters = 120;
const name = '`(?:[^`]|``)*`';
const definer = new RegExp(`\\bDEFINER ?= ?(?:${name}|"(?:[^"]|"")*")@(?:${name}|"(?:[^"]|"")*") ?`);
const made = new RegExp(
  `^(?:CREATE|ALTER|DROP)\\b[^\`]*?\\b(TABLE|VIEW|SEQUENCE|FUNCTION|PROCEDURE|PACKAGE ` +
    `BODY|PACKAGE|TRIGGER|EVENT) (?:IF (?:NOT )?EXISTS )?(${name}|[^\\s(]+)`,
  'i',
);
const rowsOf = new RegExp(`^(?:INSERT|REPLACE) INTO (${name})`, 'i');
const view = /^\/\*!50001 VIEW /;
const qualified = new RegExp(`\\b(?:from|join) \\(*(${name}\\.${name})|(?<![\`.])(${name}\\.${name})\\.${name}`, 'g');
const position = new RegExp(`^DO SETVAL\\((${name})`, 'i');

export function newStatements(): Statements {
  const heads: { line: number; text: string }[] = [];
  let [line, head] = [1, ''];
  /**
   * Takes the line that ends in `chunk` at `to`; rows are ignored, and one INSERT stands for all that follow it for its
   * table.
   */
  function take(chunk: Buffer, from: number, to: number): void {
    if (head === '' && chunk[from] === open) return;
    const most = view.test(head) || view.test(chunk.toString('latin1', from, from + headBytes)) ? viewBytes : headBytes;
    if (head.length < most) head += chunk.toString('latin1', from, Math.min(to, from + most - head.length));
  }
  function close(): void {
    if (
      head.trim() !== '' &&
      !(rowsOf.test(head) && tableOf(heads.findLast(({ text }) => text !== ';')?.text) === tableOf(head))
    )
      heads.push({ line, text: head });
    [line, head] = [line + 1, ''];
  }
  return {
    async *passing(text) {
      for await (const bytes of text) {
        const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
        let from = 0;
        for (let at = chunk.indexOf(newline); at >= 0; at = chunk.indexOf(newline, from)) {
          take(chunk, from, at);
          close();
          from = at + 1;
        }
        if (from < chunk.length) take(chunk, from, chunk.length);
        yield bytes;
      }
      close();
    },
    at(wanted) {
      const last = heads.findLastIndex((one) => one.line <= wanted);
      const lines = heads
        .slice(Math.max(last, 0), last + 8)
        .filter((one, index) => one.line <= wanted + index)
        .map(({ text }) => text);
      return described(lines);
    },
  };
}

function tableOf(text = ''): string | undefined {
  return rowsOf.exec(text)?.[1];
}

/** The description of a statement in memory; its first line says what it is. */
export function statementOf(text: string): Statement {
  return described([text.slice(0, headBytes).split('\n')[0]!]);
}

/**
 * Describes a statement from its lines: without comments, and with the comments that only some servers execute
 * unwrapped.
 */
function described(lines: string[]): Statement {
  const text = lines
    .filter((line) => !line.startsWith('--'))
    .join(' ')
    .replace(/\/\*M?!\d* ?|\*\//g, '')
    .replace(definer, '')
    .replace(/\s+/g, ' ')
    .trim();
  const statement = readable(text.replace(/ VALUES\b.*$/s, ''));
  const [, kind, quoted] = made.exec(text) ?? [];
  const table = tableOf(text) ?? position.exec(text)?.[1];
  const object =
    kind !== undefined
      ? `${kind.toLowerCase()} ${quoted!.startsWith('`') ? quoted : quoteName(quoted!)}`
      : table !== undefined
        ? `${tableOf(text) === undefined ? 'position of sequence' : 'rows of'} ${table}`
        : 'a statement';
  const elsewhere = kind?.toUpperCase() === 'VIEW' ? namedElsewhere(text).map(readable) : [];
  return {
    object: readable(object),
    statement: statement.length > shownCharacters ? `${statement.slice(0, shownCharacters)}…` : statement,
    elsewhere,
  };
}

/** What the definition of a view names including its database: `` `beside`.`o` ``. */
export function namedElsewhere(definition: string): string[] {
  return [...new Set([...definition.matchAll(qualified)].map(([, read, ofColumn]) => (read ?? ofColumn)!))];
}

function readable(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
