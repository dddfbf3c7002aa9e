import { createHash } from 'node:crypto';
import { quoteName } from '../quoting.ts';

/**
 * A definition without the name of its own database, where the server adds it (MariaDB: in defaults from a sequence).
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
 * A view's definition without the name of its own database, which MariaDB prints when the view's definer is gone, or
 * when a function that it calls names another database. Three names in a row, two and a parenthesis, or two after FROM
 * or JOIN begin with a database; others may be table and column.
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

/** A name and the dot after it, with possible comments between them. */
const qualifier = /(`(?:[^`]|``)*`|[^\s`./*]+)(?:\s|\/\*(?:[^*]|\*(?!\/))*\*\/)*\.(?:\s|\/\*(?:[^*]|\*(?!\/))*\*\/)*/g;
const triggerHead = /\bTRIGGER\s.*?(?:\bFOR\s+EACH\s+ROW\b|$)/is;

/**
 * A trigger's definition without its own database's name before its name and its table's: MariaDB keeps them as they
 * were written.
 */
export function unqualifiedTrigger(definition: string, database: string): string {
  return definition.replace(triggerHead, (head) =>
    head.replace(qualifier, (whole: string, name: string) =>
      [database, quoteName(database)].includes(name) ? '' : whole,
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
 * An event's definition without its definer, and the forms that it may have had in the source: a restore disables
 * events that ran there (not the reverse), and preserves an event whose time is past, because the server would drop it.
 */
export function eventForms(definition: string, isPast: boolean): string[] {
  const [whole = '', head = '', completion = '', status] = eventStatus.exec(definition) ?? [];
  if (status !== 'DISABLE') return [definition];
  const completions = isPast && completion === 'PRESERVE' ? [completion, 'NOT PRESERVE'] : [completion];
  return completions.flatMap((kept) =>
    [status, 'ENABLE'].map((shown) => `${head}${kept} ${shown}${definition.slice(whole.length)}`),
  );
}

/** What represents a definition in a catalog. */
export function digest(...texts: (string | null | undefined)[]): string {
  return createHash('sha256').update(JSON.stringify(texts)).digest('hex').slice(0, 16);
}
