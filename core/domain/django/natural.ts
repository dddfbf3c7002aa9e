import type { RowDialect } from './dialect.ts';
import type { Exact } from './fixture.ts';
import type { FieldColumn, Names } from './names.ts';

/**
 * The fields of each model's natural key, in order; `content_type.model` is a field of the row that `content_type`
 * names.
 */
export type NaturalKeys = ReadonlyMap<string, readonly string[]>;

/** Of the models that come with Django. */
export const naturalByDjango: NaturalKeys = new Map([
  ['contenttypes.contenttype', ['app_label', 'model']],
  ['auth.permission', ['codename', 'content_type.app_label', 'content_type.model']],
  ['auth.group', ['name']],
  ['auth.user', ['username']],
  ['sites.site', ['domain']],
]);

/**
 * Finds rows by natural keys, in SQL, because the server that the rows are loaded into decides about their primary
 * keys.
 */
export type NaturalFinder = {
  /** The query that returns the key of a row, or its column `to`. Throws an `Error` that says what is not known. */
  query(table: string, values: readonly Exact[], to: string | undefined): string;
  /** The same for a row with these column values; undefined if no natural key of the model is known. */
  ownQuery(model: string, written: ReadonlyMap<string, string>): string | undefined;
};

export function naturalFinder(keys: NaturalKeys, names: Names, dialect: RowDialect): NaturalFinder {
  const byTable = new Map<string, readonly string[]>();
  for (const [model, fields] of keys) {
    const table = names.model(model)?.table;
    if (table !== undefined) byTable.set(table, fields);
  }
  const select = (table: string, conditions: readonly string[], to = names.keyOf(table)!.name): string =>
    `SELECT ${dialect.name(to)} FROM ${dialect.name(table)} WHERE ${conditions.join(' AND ')}`;
  const columnOf = (table: string, field: string): FieldColumn => {
    const column = names.column(table, field);
    if (column === undefined) throw new Error(`the natural key of ${table} has a field ${field}, the table has none`);
    return column;
  };
  const conditionsOf = (table: string, fields: readonly string[], values: readonly Exact[]): string[] => {
    const heads = [...new Set(fields.map(headOf))];
    return heads.map((head) => {
      const column = columnOf(table, head);
      const parts = fields.flatMap((field, index) =>
        headOf(field) === head ? [{ field, value: values[index]! }] : [],
      );
      if (parts[0]!.field === head) return equal(column, parts[0]!.value);
      if (column.refers === undefined) throw new Error(`${table}.${column.name} refers to no table that is known`);
      const below = parts.map(({ field }) => field.slice(head.length + 1));
      const inner = conditionsOf(
        column.refers,
        below,
        parts.map(({ value }) => value),
      );
      return `${dialect.name(column.name)} = (${select(column.refers, inner, column.to)})`;
    });
  };
  const equal = ({ name, kind }: FieldColumn, value: Exact): string =>
    value === null ? `${dialect.name(name)} IS NULL` : `${dialect.name(name)} = ${dialect.value(value, kind)}`;
  return {
    query(table, values, to) {
      const fields = byTable.get(table);
      if (fields === undefined) throw new Error(`what names a row of ${table} is not known: --natural app.model=field`);
      if (fields.length !== values.length)
        throw new Error(
          `a natural key of ${table} has ${fields.length} values (${fields.join(', ')}), not ${values.length}`,
        );
      return select(table, conditionsOf(table, fields, values), to);
    },
    ownQuery(model, written) {
      const fields = keys.get(model);
      const table = names.model(model)?.table;
      if (fields === undefined || table === undefined) return undefined;
      const conditions = [...new Set(fields.map(headOf))].map((head) => {
        const { name } = columnOf(table, head);
        const value = written.get(name) ?? 'NULL';
        return value === 'NULL' ? `${dialect.name(name)} IS NULL` : `${dialect.name(name)} = ${value}`;
      });
      return select(table, conditions);
    },
  };
}

function headOf(field: string): string {
  const dot = field.indexOf('.');
  return dot < 0 ? field : field.slice(0, dot);
}
