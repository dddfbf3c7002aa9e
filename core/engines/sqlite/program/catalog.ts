import type { DatabaseSync } from 'node:sqlite';
import type { Catalog } from '../../../contract/manifest/catalog.ts';
import { digestOf } from '../../../domain/parts/digest.ts';

const facts = ['encoding', 'page_size', 'auto_vacuum', 'user_version', 'application_id'];

/** Every object by kind and name, the positions of sequences, and what else the file says about itself. */
export function readCatalog(database: DatabaseSync): Catalog {
  const catalog: Catalog = {};
  for (const { type, name, sql, rootpage } of database.prepare('select * from sqlite_schema order by name').all()) {
    // objects made by a constraint are part of their table's definition
    if (sql === null || String(name).startsWith('sqlite_')) continue;
    const kind = type === 'table' && rootpage === 0 ? 'virtual table' : String(type);
    ofKind(catalog, kind)[String(name)] = digestOf(String(sql));
  }
  for (const fact of facts) {
    const row = database.prepare(`pragma ${fact}`).get();
    ofKind(catalog, 'database')[fact] = String(row?.[fact]);
  }
  for (const [table, at] of sequences(database)) ofKind(catalog, 'sequence')[table] = at;
  return catalog;
}

/** Where AUTOINCREMENT continues. */
function sequences(database: DatabaseSync): [string, string][] {
  const isThere = database.prepare("select 1 from sqlite_schema where name = 'sqlite_sequence'").get() !== undefined;
  if (!isThere) return [];
  const rows = database.prepare('select name, cast(seq as text) as seq from sqlite_sequence order by rowid').all();
  return rows.map(({ name, seq }) => [String(name), String(seq)]);
}

/**
 * The tables with rows of their own, including those in which virtual tables keep theirs; `columns`: the stored ones.
 */
export function storedTables(database: DatabaseSync): { table: string; columns: string[] }[] {
  const found = database
    .prepare(
      "select name from sqlite_schema where type = 'table' and rootpage > 0 and name not like 'sqlite\\_%' escape '\\'",
    )
    .all();
  return found.map(({ name }) => {
    const columns = database.prepare('select name, hidden from pragma_table_xinfo(?)').all(String(name));
    // 2: computed whenever it is read
    const stored = columns.filter(({ hidden }) => hidden !== 2);
    return { table: String(name), columns: stored.map((column) => String(column['name'])) };
  });
}

/** The objects of a kind in a catalog. It has no prototype, because an object may be named `__proto__`. */
function ofKind(catalog: Catalog, kind: string): Record<string, string> {
  return (catalog[kind] ??= Object.create(null) as Record<string, string>);
}

export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
