import { quoteName } from '../quoting.ts';
import type { MariadbSession } from '../session.ts';
import { holdsRows } from '../tables.ts';
import type { Column, MariadbTable } from '../tables.ts';
import { isOtherText } from './row-form.ts';

/** A server prints definitions through UTF-8, whatever is asked for: whether this piece of one may change that way. */
export function isUnusual(text: string, column: Column): boolean {
  return isOtherText(column) && /[^ -[\]-}]|\?/.test(text);
}

/** The condition under which utf8mb4 changes a text. */
export function alteredByUtf8(text: string, { charset = '' }: Column): string {
  return `HEX(CONVERT(CONVERT(${text} USING utf8mb4) USING ${charset})) <> HEX(${text})`;
}

/**
 * Defaults that come back as other text, as exceptions; a server tells the bytes of one only if the table has a row.
 */
export async function defaultLosses(session: MariadbSession, tables: MariadbTable[]): Promise<string[]> {
  const lost: string[] = [];
  for (const table of tables.filter(holdsRows)) {
    for (const column of table.columns.filter((one) => !one.generated && isUnusual(one.initial, one))) {
      const initial = `DEFAULT(${quoteName(column.name)})`;
      // MySQL prints a default in hex if it has characters that UTF-8 lacks
      const isPrinted =
        session.server.product === 'MySQL' ? ` AND LOCATE('?', CONVERT(${initial} USING utf8mb4)) = 0` : '';
      const [row] = await session.rows(
        `SELECT ${alteredByUtf8(initial, column)}${isPrinted} AS lost FROM ${quoteName(table.name)} LIMIT 1`,
      );
      if (row?.['lost'] === '0') continue;
      lost.push(
        `column ${quoteName(table.name)}.${quoteName(column.name)}: its default ` +
          `${row === undefined ? 'may come' : 'comes'} back as other text`,
      );
    }
  }
  return lost;
}
