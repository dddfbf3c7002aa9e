import type { Catalog } from '../../../ports.ts';
import type { ChosenEntries } from './entries.ts';

/** Objects on a table, named like `stamp on public.orders`. */
const onTables = ['table constraint', 'trigger', 'rule', 'policy'];
/** Facts about an object, named by its kind and name: `table public.orders`. */
const attached = ['owner', 'grant', 'comment', 'tablespace'];

/**
 * What of a catalog must exist when these entries are restored: the entries themselves, what the catalog says is on
 * their tables (by name, not by the archive), and what belongs to the database. `loose`: tables on which something may
 * be missing, because it comes with what was left out.
 */
export function mustBeThere(
  catalog: Catalog,
  { objects, leftOut }: ChosenEntries,
  loose: ReadonlySet<string>,
): (kind: string, name: string) => boolean {
  const tables = new Set(objects.filter(({ kind }) => kind === 'table').map(({ name }) => name));
  const known = new Set(objects.map(({ kind, name }) => keyOf(kind, name)));
  known.add(keyOf('schema', 'public'));
  const absent = new Set(leftOut.map(({ kind, name }) => keyOf(kind, name)));
  for (const kind of onTables) {
    for (const name of Object.keys(catalog[kind] ?? {})) {
      const table = tableIn(name, tables);
      if (table !== undefined && !loose.has(table) && !absent.has(keyOf(kind, name))) known.add(keyOf(kind, name));
    }
  }
  const columns = [...tables].map((table) => `table column ${table}.`);
  return (kind, name) =>
    kind.startsWith('database') ||
    known.has(keyOf(kind, name)) ||
    (kind.startsWith('extension ') && known.has(keyOf('extension', name))) ||
    (attached.includes(kind) && (known.has(name) || columns.some((start) => name.startsWith(start))));
}

function keyOf(kind: string, name: string): string {
  return `${kind} ${name}`;
}

function tableIn(name: string, tables: ReadonlySet<string>): string | undefined {
  for (let at = name.indexOf(' on '); at >= 0; at = name.indexOf(' on ', at + 1)) {
    const table = name.slice(at + 4);
    if (tables.has(table)) return table;
  }
  return undefined;
}
