import { BackupError } from '../../domain/errors.ts';

/** A name as a statement takes it. */
export function quoteName(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}

/** An account as CURRENT_USER() says it (`app@%`), as a statement takes it. */
export function quoteAccount(account: string): string {
  const at = account.lastIndexOf('@');
  return `${quoteName(account.slice(0, at))}@${quoteName(account.slice(at + 1))}`;
}

/** The name of a character set or collation, which no quotes go around. Throws `part-corrupt`. */
export function plainWord(text = ''): string {
  if (/^\w+$/.test(text)) return text;
  throw new BackupError(
    'part-corrupt',
    `the catalog names a character set or collation that is none: ${JSON.stringify(text.slice(0, 40))}`,
    { hint: 'was it changed in the vault? Restore another backup' },
  );
}

/** A text as a statement takes it, for sessions whose `sql_mode` leaves the backslash its meaning (ours do). */
export function quoteText(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''").replaceAll('\0', '\\0')}'`;
}

/** The name inside the quotes. */
export function unquoteName(quoted: string): string {
  return quoted.slice(1, -1).replaceAll('``', '`');
}

/** `` `app`@`%` `` as CURRENT_USER() says it. */
export function accountOf(definer: string): string {
  return (definer.match(/`(?:[^`]|``)*`|"(?:[^"]|"")*"/g) ?? []).map(unquoteName).join('@');
}

/** Bytes as a string of which each character is one byte: text in any encoding goes through unharmed. */
export function byteText(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}
