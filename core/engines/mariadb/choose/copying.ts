import { outside, readTableDefinition } from '../catalog/table-definition.ts';
import { quoteName } from '../quoting.ts';
import { nameIn } from './definitions.ts';

/**
 * The statement that copies a table's rows from one database into another. `section`: the table's definition in the
 * dump.
 */
export function copyStatement(table: string, section: string, { from, to }: { from: string; to: string }): string {
  const columns = writableColumns(section).map(quoteName).join(', ');
  const at = (database: string) => `${quoteName(database)}.${quoteName(table)}`;
  return `INSERT INTO ${at(to)} (${columns}) SELECT ${columns} FROM ${at(from)};`;
}

/**
 * The columns that take a value, including those that `*` leaves out; the server computes the others and refuses values
 * for them.
 */
function writableColumns(section: string): string[] {
  return readTableDefinition(section).columns.flatMap((column) => {
    const [name] = /^`(?:[^`]|``)*`/.exec(column) ?? [];
    return name === undefined || / GENERATED ALWAYS AS /.test(outside(column)) ? [] : [nameIn(name)];
  });
}
