import { quoteText } from './quoting.ts';

/**
 * The condition that a name in information_schema equals this one exactly: MariaDB ignores case there, and `Shop` may
 * exist beside `shop`. The plain comparison is included because servers look up by it; where `lower_case_table_names`
 * folds names, only the plain comparison is used. For our own sessions ({@link quoteText}).
 */
export function isNamed(column: string, name: string): string {
  return isOneName(column, quoteText(name));
}

/** The condition that something is in the session's database. */
export function isHere(column: string): string {
  return isOneName(column, 'DATABASE()');
}

/** The condition that two names are equal. `one`, `other`: a column or a text. */
export function isOneName(one: string, other: string): string {
  const exactly = `CAST(${one} AS BINARY) = CAST(${other} AS BINARY)`;
  return `(${one} = ${other} AND (@@lower_case_table_names <> 0 OR ${exactly}))`;
}
