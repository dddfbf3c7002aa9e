import type { ReadTable } from '../catalog/catalog.ts';
import type { TableDefinition } from '../catalog/table-definition.ts';
import { quoteName, unquoteName } from '../quoting.ts';

/** Values by name, as the entries of a Map, because a part's recipe must survive JSON. */
export type ByName<T> = readonly (readonly [name: string, T])[];

/**
 * `keysFirst`: additional keys that CREATE TABLE makes. `behind`: statements after the table of this name. `later`:
 * statements once all these tables exist.
 */
export type KeyRepairs = {
  keysFirst: ByName<string[]>;
  behind: ByName<string[]>;
  later: { tables: string[]; statement: string }[];
};

type ForeignKey = { name: string; columns: string[]; parent: string; referenced: string[] };

const name = '`(?:[^`]|``)*`';
const list = `\\((${name}(?:, ?${name})*)\\)`;
const foreignKey = new RegExp(`^CONSTRAINT (${name}) FOREIGN KEY ${list} REFERENCES (${name}) ${list}`);
/** An index on a prefix of a column can't serve a foreign key, nor can a full-text or spatial index. */
const serving = new RegExp(`^(?:PRIMARY KEY|(?:UNIQUE )?KEY ${name}) \\((.*)\\)`, 's');
const keyPart = new RegExp(`(${name})(\\(\\d+\\))?`, 'g');

/**
 * Foreign keys whose own key, or that of the table they refer to, was dropped while foreign keys were not checked. A
 * server makes the first by itself, and refuses the foreign key without the second: so the first is dropped again, and
 * the second exists only as long as it is needed.
 */
export function keyRepairs(tables: ReadonlyMap<string, ReadTable>): KeyRepairs {
  const keysFirst = new Map<string, string[]>();
  const behind = new Map<string, string[]>();
  const later: KeyRepairs['later'] = [];
  const drop = (table: string, key: string) => `ALTER TABLE ${quoteName(table)} DROP KEY IF EXISTS ${quoteName(key)};`;
  for (const [table, { definition }] of tables) {
    for (const key of foreignKeysIn(definition)) {
      if (!hasKey(tables.get(table), key.columns))
        behind.set(table, [...(behind.get(table) ?? []), drop(table, key.name)]);
      const parent = tables.get(key.parent);
      if (parent === undefined || hasKey(parent, key.referenced)) continue;
      const helper = `nightjar_key_${later.length + 1}`;
      const made = `KEY ${quoteName(helper)} (${key.referenced.map(quoteName).join(',')})`;
      keysFirst.set(key.parent, [...(keysFirst.get(key.parent) ?? []), made]);
      later.push({ tables: [...new Set([table, key.parent])], statement: drop(key.parent, helper) });
    }
  }
  return { keysFirst: [...keysFirst], behind: [...behind], later };
}

/** The foreign keys of a table. */
export function foreignKeysIn({ items }: TableDefinition): ForeignKey[] {
  return items.flatMap(({ text }) => readForeignKey(text));
}

function readForeignKey(text: string): ForeignKey[] {
  const [whole, key, columns, parent, referenced] = foreignKey.exec(text) ?? [];
  if (whole === undefined) return [];
  return [
    {
      name: unquoteName(key!),
      columns: namesIn(columns!),
      parent: unquoteName(parent!),
      referenced: namesIn(referenced!),
    },
  ];
}

function namesIn(text: string): string[] {
  return [...text.matchAll(keyPart)].map(([, quoted]) => unquoteName(quoted!));
}

/** Whether an index begins with exactly these columns, in this order; names ignore case. */
function hasKey(table: ReadTable | undefined, columns: string[]): boolean {
  return (table?.definition.items ?? []).some(({ kind, text }) => {
    const [, parts] = (kind === 'index' ? serving.exec(text) : null) ?? [];
    const found = [...(parts ?? '').matchAll(keyPart)].map(([, quoted, prefix]) =>
      prefix === undefined ? unquoteName(quoted!).toLowerCase() : undefined,
    );
    return parts !== undefined && columns.every((column, at) => found[at] === column.toLowerCase());
  });
}
