import { createHash } from 'node:crypto';
import { quoteName, unquoteName } from '../quoting.ts';

/** An index or constraint, as SHOW CREATE TABLE prints it. */
export type TableItem = { kind: 'index' | 'constraint'; name: string; text: string };

const token = /`(?:[^`]|``)*`|'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|[(),]|[^`'"(),]+/gs;
const indexItem = /^(?:PRIMARY KEY|(?:UNIQUE |FULLTEXT |SPATIAL |VECTOR )?(?:KEY|INDEX) (`(?:[^`]|``)*`))/;
const constraintItem = /^CONSTRAINT (`(?:[^`]|``)*`)/;

/**
 * The indexes and constraints in a table's definition, and the definition without what changes as rows come
 * (AUTO_INCREMENT).
 */
export function readTableDefinition(definition: string): { items: TableItem[]; text: string } {
  const { pieces, tail } = split(definition);
  const items = pieces.flatMap((text): TableItem[] => {
    const index = indexItem.exec(text);
    if (index !== null)
      return [{ kind: 'index', name: index[1] === undefined ? 'PRIMARY' : unquoteName(index[1]), text }];
    const constraint = constraintItem.exec(text);
    return constraint === null ? [] : [{ kind: 'constraint', name: unquoteName(constraint[1]!), text }];
  });
  const body = tail === '' ? definition : definition.slice(0, -tail.length);
  return { items, text: withoutImpliedCharset(body) + tail.replace(/ AUTO_INCREMENT=\d+/, '') };
}

/** A collation says its character set; MySQL prints both where both were written, so not the same after a restore. */
function withoutImpliedCharset(definition: string): string {
  return definition.replace(
    /(`(?:[^`]|``)*`|'(?:[^'\\]|\\.|'')*')| CHARACTER SET \w+(?= COLLATE )/gs,
    (_, kept: string | undefined) => kept ?? '',
  );
}

/**
 * A definition without the name of the database it lies in, where the server prints it though nobody wrote it (MariaDB:
 * defaults from a sequence).
 */
export function unqualified(definition: string, database: string): string {
  const own = `${quoteName(database)}.`;
  return definition.replace(sequenceCall, (whole, call: string | undefined, qualifier: string | undefined) =>
    call !== undefined && qualifier === own ? `${call}(` : whole,
  );
}

/** A text constant, which is left alone, or the beginning of a call with a qualified sequence. */
const sequenceCall = /'(?:[^'\\]|\\.|'')*'|\b(nextval|lastval|setval)\((`(?:[^`]|``)*`\.)/gs;

/**
 * A view's definition without the name of the database it lies in: MariaDB prints it when the view's definer is gone,
 * or when a function that it calls names another database. Three names in a row, two and a parenthesis, or two behind
 * FROM or JOIN begin with a database; others may be table and column.
 */
export function unqualifiedView(definition: string, database: string): string {
  const own = `${quoteName(database)}.`;
  return definition.replace(
    qualifiedName,
    (whole: string, from?: string, table?: string, qualifier?: string, rest?: string) =>
      table === own ? from! : qualifier === own ? rest! : whole,
  );
}

/** Neither `extract(year from …)` nor `trim(… from …)` reads a table. */
const qualifiedName = new RegExp(
  [
    /'(?:[^'\\]|\\.|'')*'/,
    /((?<!\bextract\(\w+ |\btrim\([^()]*)\b(?:from|join|straight_join)\s+\(*)(`(?:[^`]|``)*`\.)(?=`)/,
    /(`(?:[^`]|``)*`\.)(`(?:[^`]|``)*`(?:\.`(?:[^`]|``)*`|\())/,
    /`(?:[^`]|``)*`/,
  ]
    .map(({ source }) => source)
    .join('|'),
  'gs',
);

const triggerHead = /\bTRIGGER\s.*?(?:\bFOR\s+EACH\s+ROW\b|$)/is;

/**
 * A trigger's definition without the name of the database it lies in before its own and its table's name: MariaDB keeps
 * them as they were written.
 */
export function unqualifiedTrigger(definition: string, database: string): string {
  return definition.replace(triggerHead, (head) =>
    head.replace(/(`(?:[^`]|``)*`|[^\s`.]+)\s*\.\s*/g, (whole: string, name: string) =>
      name === database || name === quoteName(database) ? '' : whole,
    ),
  );
}

/** A definition without its DEFINER clause, and the definer. */
export function withoutDefiner(definition: string): { text: string; definer?: string } {
  const found =
    /^(CREATE (?:OR REPLACE )?(?:ALGORITHM=\w+ )?)DEFINER=((?:`(?:[^`]|``)*`|"(?:[^"]|"")*")(?:@(?:`(?:[^`]|``)*`|"(?:[^"]|"")*"))?) /.exec(
      definition,
    );
  return found === null
    ? { text: definition }
    : { text: found[1]! + definition.slice(found[0].length), definer: found[2]! };
}

const eventStatus =
  /^(CREATE EVENT (?:`(?:[^`]|``)*`) ON SCHEDULE (?:'(?:[^'\\]|\\.|'')*'|[^'`])*? ON COMPLETION )(NOT PRESERVE|PRESERVE) (ENABLE|DISABLE)(?= (?:COMMENT|DO) )/s;

/**
 * An event's definition (its definer left out), and what it may have been in the source: a restore disables what ran
 * there (not the other way round), and keeps an event whose time is past, for the server would drop it.
 */
export function eventForms(definition: string, isPast: boolean): string[] {
  const [whole = '', head = '', completion = '', status] = eventStatus.exec(definition) ?? [];
  if (status !== 'DISABLE') return [definition];
  const completions = isPast && completion === 'PRESERVE' ? [completion, 'NOT PRESERVE'] : [completion];
  return completions.flatMap((kept) =>
    [status, 'ENABLE'].map((shown) => `${head}${kept} ${shown}${definition.slice(whole.length)}`),
  );
}

/** What stands for a definition in a catalog. */
export function digest(...texts: (string | null | undefined)[]): string {
  return createHash('sha256').update(JSON.stringify(texts)).digest('hex').slice(0, 16);
}

/** The pieces between the commas of a definition's outermost parentheses, and what follows them. */
function split(definition: string): { pieces: string[]; tail: string } {
  const pieces: string[] = [];
  let [depth, piece] = [0, ''];
  for (const match of definition.matchAll(token)) {
    const part = match[0];
    if (part === ')' && depth === 1) {
      pieces.push(piece.trim());
      return { pieces, tail: definition.slice(match.index + 1) };
    }
    if (part === ',' && depth === 1) {
      pieces.push(piece.trim());
      piece = '';
    } else if (depth > 0) piece += part;
    depth += part === '(' ? 1 : part === ')' ? -1 : 0;
  }
  return { pieces, tail: '' };
}
