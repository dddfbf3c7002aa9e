import { quoteText } from './quoting.ts';

/**
 * That a name in information_schema is this one to the letter, for MariaDB compares names there without regard to case,
 * and `Shop` may stand beside `shop`. Servers look up by the plain comparison. Where they fold names, as
 * `lower_case_table_names` says, it counts alone. For sessions of ours ({@link quoteText}).
 */
export function isNamed(column: string, name: string): string {
  return isOneName(column, quoteText(name));
}

/** That something is in the session's database. */
export function isHere(column: string): string {
  return isOneName(column, 'DATABASE()');
}

/** That two names are one. `one`, `other`: of a column, or a text. */
export function isOneName(one: string, other: string): string {
  const exactly = `CAST(${one} AS BINARY) = CAST(${other} AS BINARY)`;
  return `(${one} = ${other} AND (@@lower_case_table_names <> 0 OR ${exactly}))`;
}
