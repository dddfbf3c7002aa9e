import { withoutConversions } from './conversions.ts';
import { unquoteName } from '../quoting.ts';

/** An index or constraint, as SHOW CREATE TABLE prints it. */
export type TableItem = { kind: 'index' | 'constraint'; name: string; text: string };

/**
 * The pieces of a table's definition. `columns`: everything that is neither index nor constraint. `text`: all of it,
 * without what changes with the rows (AUTO_INCREMENT).
 */
export type TableDefinition = { head: string; columns: string[]; items: TableItem[]; tail: string; text: string };

const token = /`(?:[^`]|``)*`|'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|[(),]|[^`'"(),]+/gs;
const indexItem = /^(?:PRIMARY KEY|(?:UNIQUE |FULLTEXT |SPATIAL |VECTOR )?(?:KEY|INDEX) (`(?:[^`]|``)*`))/;
const constraintItem = /^CONSTRAINT (`(?:[^`]|``)*`)/;
const counter = / AUTO_INCREMENT=\d+/;

/** Splits a definition, as SHOW CREATE TABLE prints it, into its pieces. */
export function readTableDefinition(definition: string): TableDefinition {
  const { head, pieces, tail } = split(definition);
  const read = pieces.map((text) => ({ text, item: itemIn(text) }));
  const body = tail === '' ? definition : definition.slice(0, -tail.length);
  return {
    head,
    columns: read.filter(({ item }) => item === undefined).map(({ text }) => text),
    items: read.flatMap(({ item }) => item ?? []),
    tail,
    text: withoutImpliedCharset(body) + tail.replace(counter, ''),
  };
}

/**
 * The texts that represent a definition in a catalog: today's form, and those of older backups. A server sorts keys
 * when it loads a table, so the order of indexes and constraints means nothing. `lossy`: for MariaDB, where no
 * statement restores what lost-words.ts names.
 */
export function tableForms({ head, columns, items, tail, text }: TableDefinition, lossy: boolean): string[] {
  const kept = columns.map((column) =>
    lossy ? withoutConversions(withoutLostWords(column, keepsHistory(tail))) : column,
  );
  const pieces = [...kept, ...items.map((item) => itemForms(item, lossy)[0]!).toSorted()];
  return [withoutImpliedCharset(`${head}(${pieces.join(',')})`) + tail.replace(counter, ''), text];
}

/** The same for an index or a constraint. */
export function itemForms({ text }: TableItem, lossy: boolean): string[] {
  return lossy ? [withoutConversions(text), text] : [text];
}

/** Whether the text after a definition's parentheses says that the table keeps its history. */
export function keepsHistory(tail: string): boolean {
  return / WITH SYSTEM VERSIONING\b/.test(outside(tail));
}

/** A piece without its names, texts, and what stands in parentheses: `int NOT NULL COMMENT `. */
export function outside(piece: string): string {
  let depth = 0;
  let words = '';
  for (const [part] of piece.matchAll(token)) {
    if (part === ')') depth -= 1;
    if (depth === 0 && !/^[`'"(),]/.test(part)) words += part;
    if (part === '(') depth += 1;
  }
  return words;
}

const lostWords = /(`(?:[^`]|``)*`|'(?:[^'\\]|\\.|'')*')| DEFAULT NULL\b| WITHOUT SYSTEM VERSIONING\b/gs;

function withoutLostWords(column: string, hasHistory: boolean): string {
  return column.replace(lostWords, (whole, kept?: string) =>
    kept !== undefined || (hasHistory && whole !== ' DEFAULT NULL') ? whole : '',
  );
}

function itemIn(text: string): TableItem | undefined {
  const index = indexItem.exec(text);
  if (index !== null) return { kind: 'index', name: index[1] === undefined ? 'PRIMARY' : unquoteName(index[1]), text };
  const constraint = constraintItem.exec(text);
  return constraint === null ? undefined : { kind: 'constraint', name: unquoteName(constraint[1]!), text };
}

/** A collation says its character set; MySQL prints both where both were written, so not the same after a restore. */
function withoutImpliedCharset(definition: string): string {
  return definition.replace(
    /(`(?:[^`]|``)*`|'(?:[^'\\]|\\.|'')*')| CHARACTER SET \w+(?= COLLATE )/gs,
    (_, kept: string | undefined) => kept ?? '',
  );
}

/** The pieces between the commas of a definition's outermost parentheses, what stands before them, and behind. */
function split(definition: string): { head: string; pieces: string[]; tail: string } {
  const pieces: string[] = [];
  let [depth, piece, head] = [0, '', definition];
  for (const match of definition.matchAll(token)) {
    const part = match[0];
    if (part === '(' && depth === 0) head = definition.slice(0, match.index);
    if (part === ')' && depth === 1) {
      pieces.push(piece.trim());
      return { head, pieces, tail: definition.slice(match.index + 1) };
    }
    if (part === ',' && depth === 1) {
      pieces.push(piece.trim());
      piece = '';
    } else if (depth > 0) piece += part;
    depth += part === '(' ? 1 : part === ')' ? -1 : 0;
  }
  return { head, pieces, tail: '' };
}
