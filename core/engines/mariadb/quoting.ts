import { BackupError } from '../../domain/errors.ts';

/** A quoted name. */
export function quoteName(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}

/** An account in the form of CURRENT_USER() (`app@%`), quoted for a statement. */
export function quoteAccount(account: string): string {
  const at = account.lastIndexOf('@');
  return `${quoteName(account.slice(0, at))}@${quoteName(account.slice(at + 1))}`;
}

/** The name of a character set or collation, which can't be quoted. Throws `part-corrupt`. */
export function plainWord(text = ''): string {
  if (/^\w+$/.test(text)) return text;
  throw new BackupError(
    'part-corrupt',
    `the catalog names a character set or collation that is none: ${JSON.stringify(text.slice(0, 40))}`,
    { hint: 'was it changed in the vault? Restore another backup' },
  );
}

/** A quoted text, for sessions whose `sql_mode` lets a backslash escape (as ours do). */
export function quoteText(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''").replaceAll('\0', '\\0')}'`;
}

/** The name inside the quotes. */
export function unquoteName(quoted: string): string {
  return quoted.slice(1, -1).replaceAll('``', '`');
}

/** `` `app`@`%` `` in the form of CURRENT_USER(). */
export function accountOf(definer: string): string {
  return (definer.match(/`(?:[^`]|``)*`|"(?:[^"]|"")*"/g) ?? []).map(unquoteName).join('@');
}

/** Bytes as a string with one character per byte: text in any encoding passes unchanged. */
export function byteText(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}
