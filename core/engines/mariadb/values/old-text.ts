import type { Manifest } from '../../../contract/manifest/manifest.ts';
import { quoteName } from '../quoting.ts';
import type { Server } from '../session.ts';
import type { Column, MariadbTable } from '../tables.ts';

/**
 * Character sets whose every code survives utf8mb4: found by asking MariaDB 11.8 and MySQL 9.7 for each code of one and
 * two bytes (decisions/0006).
 */
const kept = new Set([
  ...['utf8mb4', 'utf8mb3', 'utf8', 'utf16', 'utf16le', 'utf32', 'latin1', 'latin2', 'latin5', 'latin7'],
  ...['cp850', 'cp852', 'cp866', 'koi8r', 'koi8u', 'keybcs2', 'macce', 'macroman'],
]);
const utf8 = new Set(['utf8mb4', 'utf8mb3', 'utf8', 'ascii']);

/**
 * Columns whose text a backup may have altered that was made before every text was dumped as its bytes: what did not
 * survive utf8mb4 was not counted then. `tables`: as they are where it was restored.
 */
export function oldTexts(like: Manifest, tables: MariadbTable[], server: Server): string[] {
  if (like.rowForm !== undefined) return [];
  const withRows = new Set(like.tables.filter(({ rows }) => rows > 0).map(({ table }) => table));
  const columns = tables
    .filter(({ name }) => withRows.has(quoteName(name)))
    .flatMap((table) =>
      table.columns
        .filter((column) => mayHaveLost(column, table, server))
        .map(({ name, charset }) => `${quoteName(table.name)}.${quoteName(name)} (${charset})`),
    );
  return columns.length === 0
    ? []
    : [`text that this backup, which is older than the dump of text as bytes, may have altered: ${columns.join(', ')}`];
}

/**
 * Tables with only ASCII and UTF-8 were read as stored. MySQL accepts surrogate halves in ucs2, MariaDB bytes above 127
 * in ascii.
 */
function mayHaveLost({ charset, generated }: Column, { columns }: MariadbTable, { product }: Server): boolean {
  if (charset === undefined || generated || kept.has(charset)) return false;
  if (charset === 'ucs2') return product === 'MySQL';
  if (charset !== 'ascii') return true;
  return product !== 'MySQL' && columns.some((column) => column.charset !== undefined && !utf8.has(column.charset));
}
