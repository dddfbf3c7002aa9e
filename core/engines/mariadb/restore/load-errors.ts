import { BackupError, messageOf } from '../../../domain/errors.ts';
import type { LoadFailure } from '../../../ports.ts';
import { explainWords } from '../failures/explain.ts';
import { quoteName } from '../quoting.ts';
import { statementOf } from './text/statements.ts';
import type { Statements } from './text/statements.ts';

/** An error of the client: the server's number and message, and the object and statement that it refused. */
export type LoadError = LoadFailure & { number: number };

const errorLine = /^ERROR (\d+) \((\w+)\)(?: at line (\d+))?: /m;

/** Every error that the client printed. */
export function loadErrors(words: string, statements: Pick<Statements, 'at'>): LoadError[] {
  return words.split(/^(?=ERROR \d+ \(\w+\))/m).flatMap((told) => {
    const [whole, number, state, line] = errorLine.exec(told) ?? [];
    if (whole === undefined) return [];
    const { object, statement, elsewhere } =
      line === undefined ? { object: 'the connection', statement: '', elsewhere: [] } : statements.at(Number(line));
    const message = withDatabase(
      told
        .slice(told.indexOf(whole) + whole.length)
        .replace(/\s+/g, ' ')
        .trim(),
      elsewhere,
    );
    return [
      {
        number: Number(number),
        object,
        statement,
        error: `ERROR ${number} (${state}): ${object.startsWith('rows of') ? withoutValues(message) : message}`,
      },
    ];
  });
}

/**
 * The error for a client that stopped: names the object, the beginning of its statement, and what to do if that is
 * known.
 */
export function explainLoad(
  words: string,
  statements: Pick<Statements, 'at'>,
  place: string,
  refusal: string,
): BackupError | undefined {
  const [first] = loadErrors(words, statements);
  if (first === undefined) return explainWords(words, place, true, refusal);
  const { object, statement, error } = first;
  const said = `${object}${statement === '' ? '' : ` (${statement})`}: ${error}`;
  return explainWords(said, place, true, refusal) ?? new BackupError('restore-failed', `${place}: ${said}`);
}

/** The same for a statement that was refused in one of our own sessions, or whose connection was lost. */
export function explainStatement(
  cause: unknown,
  statement: string,
  place: string,
  refusal: string,
): BackupError | undefined {
  const { errno, sqlState, sqlMessage } = cause as { errno?: number; sqlState?: string; sqlMessage?: string };
  const words =
    sqlState === undefined
      ? `ERROR 2013 (HY000) at line 1: Lost connection to server (${messageOf(cause)})`
      : `ERROR ${errno} (${sqlState}) at line 1: ${sqlMessage}`;
  return explainLoad(words, { at: () => statementOf(statement) }, place, refusal);
}

/**
 * Adds the database to a table that may not be read: MySQL names it without, MariaDB with it: `` for table `beside`.`o`
 * ``.
 */
function withDatabase(message: string, elsewhere: readonly string[]): string {
  return message.replace(/( denied to user .* for table )'([^']+)'$/s, (whole, head: string, table: string) => {
    const [found, ...others] = elsewhere.filter((one) => one.endsWith(`.${quoteName(table)}`));
    return found === undefined || others.length > 0 ? whole : `${head}${found}`;
  });
}

/** `Duplicate entry 'jo@example.org' for key 'email'`: the quotes contain a value of a row. */
function withoutValues(message: string): string {
  return message.replace(/'.*' for (key|column)/s, "'…' for $1");
}
