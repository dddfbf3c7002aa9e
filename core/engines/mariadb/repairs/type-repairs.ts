import type { ReadTable } from '../catalog/catalog.ts';
import { quoteName } from '../quoting.ts';
import type { Column, MariadbTable } from '../tables.ts';
import { foreignKeysIn } from './key-repairs.ts';
import type { ByName, KeyRepairs } from './key-repairs.ts';

/** Types that columns are made with first, by table and column; and the statements that give them their own. */
export type TypeRepairs = { types: ByName<ByName<TypeSwap>>; later: KeyRepairs['later'] };
export type TypeSwap = { from: string; to: string };

/**
 * Columns that a foreign key refers to and whose character set was changed while foreign keys were not checked: MySQL
 * refuses to make such a key, but allows the same change. So the column is first made as the key needs it.
 */
export function typeRepairs(definitions: ReadonlyMap<string, ReadTable>, tables: readonly MariadbTable[]): TypeRepairs {
  const types = new Map<string, Map<string, TypeSwap>>();
  const changes = new Map<string, Set<string>>();
  const columnOf = (table: string, name: string): Column | undefined =>
    tables.find((one) => one.name === table)?.columns.find((one) => one.name.toLowerCase() === name.toLowerCase());
  for (const [child, { definition }] of definitions) {
    for (const { columns, parent, referenced } of foreignKeysIn(definition)) {
      for (const [at, name] of referenced.entries()) {
        const [own, other] = [columnOf(child, columns[at] ?? ''), columnOf(parent, name)];
        const piece = other && pieceOf(definitions.get(parent), other.name);
        if (own?.collation === undefined || piece === undefined || own.collation === other?.collation) continue;
        const to = `${other!.whole} CHARACTER SET ${own.charset} COLLATE ${own.collation}`;
        types.set(parent, new Map(types.get(parent)).set(other!.name, { from: other!.whole, to }));
        const statement = `ALTER TABLE ${quoteName(parent)} MODIFY ${piece};`;
        changes.set(statement, new Set([...(changes.get(statement) ?? [parent]), child]));
      }
    }
  }
  return {
    types: [...types].map(([table, swaps]) => [table, [...swaps]] as const),
    later: [...changes].map(([statement, waited]) => ({ tables: [...waited], statement })),
  };
}

function pieceOf(table: ReadTable | undefined, column: string): string | undefined {
  return table?.definition.columns.find((piece) => piece.startsWith(`${quoteName(column)} `));
}
