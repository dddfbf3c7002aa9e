import type { ReadTable } from '../catalog/catalog.ts';
import { columnPieces } from '../catalog/missing-defaults.ts';
import { keepsHistory } from '../catalog/table-definition.ts';
import { quoteName } from '../quoting.ts';
import type { Server } from '../session.ts';

/**
 * What no MariaDB statement restores of its tables' columns, as exceptions: it gives DEFAULT NULL to every nullable
 * column, and forgets a mark that only tables with history have.
 */
export function lostWords(tables: ReadonlyMap<string, ReadTable>, { product }: Server): string[] {
  if (product !== 'MariaDB') return [];
  return [...tables].flatMap(([table, { definition, missing }]) => {
    const named = (column: string, loss: string) => `column ${quoteName(table)}.${quoteName(column)}: ${loss}`;
    const marked = keepsHistory(definition.tail)
      ? []
      : columnPieces(definition).filter(({ words }) => / WITHOUT SYSTEM VERSIONING\b/.test(words));
    return [
      ...missing.shown.map((column) => named(column, 'it has no default, and comes back with DEFAULT NULL')),
      ...marked.map(({ name }) => named(name, 'WITHOUT SYSTEM VERSIONING, which the table does not use, is gone')),
    ];
  });
}
