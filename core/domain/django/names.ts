import * as z from 'zod';
import { BackupError } from '../errors.ts';
import type { RowColumn, RowReference, Kind, TableLayout } from './dialect.ts';

/** A column that one field is written into. `refers`: the table whose rows it names, by its key or the column `to`. */
export type FieldColumn = RowColumn & { refers?: string | undefined; to?: string | undefined };
/** The table between two models, and its columns. */
export type Between = { table: string; from: RowColumn; to: FieldColumn };
export type Field = { column: FieldColumn } | { between: Between };

/** Where the rows of one model go. */
export type ModelNames = {
  table: string;
  key: RowColumn;
  field(name: string): Field | undefined;
  /** Every table between it and another model. */
  between: readonly Between[];
};

/** The names of tables and columns. */
export type Names = {
  /** Where they were looked up, for messages. */
  readonly where: string;
  model(name: string): ModelNames | undefined;
  /** Every known table. */
  tables(): readonly string[];
  /** The foreign keys of a table, and its primary key. */
  references(table: string): readonly RowReference[];
  keyOf(table: string): RowColumn | undefined;
  /** A column, or the one that holds its reference (`content_type` is `content_type_id`). */
  column(table: string, name: string): FieldColumn | undefined;
};

/** Django's own tables whose names don't follow app and model. */
const djangosOwn: Readonly<Record<string, string>> = {
  'admin.logentry': 'django_admin_log',
  'contenttypes.contenttype': 'django_content_type',
  'flatpages.flatpage': 'django_flatpage',
  'redirects.redirect': 'django_redirect',
  'sessions.session': 'django_session',
  'sites.site': 'django_site',
};

/** Django's default names (`app_model`, `author_id`), as far as the database has them. */
export function namesOf(layout: readonly TableLayout[], where: string): Names {
  const tables = new Map(layout.map((table) => [table.name, table]));
  const models = new Map<string, ModelNames | undefined>();
  const model = (name: string): ModelNames | undefined => {
    if (!models.has(name)) models.set(name, found(name));
    return models.get(name);
  };
  const found = (name: string): ModelNames | undefined => {
    const table = tables.get(djangosOwn[name] ?? name.replace('.', '_'));
    if (table?.key === undefined) return undefined;
    const between = layout.flatMap((one) => betweenOf(table, name.slice(name.indexOf('.') + 1), one) ?? []);
    return {
      table: table.name,
      key: columnOf(table, table.key)!,
      between,
      field(field) {
        const column = columnOf(table, field) ?? columnOf(table, `${field}_id`);
        if (column !== undefined) return { column };
        const through = between.find((one) => one.table === `${table.name}_${field}`);
        return through && { between: through };
      },
    };
  };
  return {
    where,
    model,
    tables: () => [...tables.keys()],
    references: (table) => tables.get(table)?.references ?? [],
    keyOf: (table) => columnOf(tables.get(table), tables.get(table)?.key ?? ''),
    column: (table, name) => columnOf(tables.get(table), name) ?? columnOf(tables.get(table), `${name}_id`),
  };
}

function columnOf(table: TableLayout | undefined, name: string): FieldColumn | undefined {
  const column = table?.columns.find((one) => one.name === name);
  const reference = table?.references.find((one) => one.column === name);
  return column && { ...column, refers: reference?.table, to: reference?.to };
}

/** The table that Django makes for a many-to-many field: a key, and one column for each side. */
function betweenOf(owner: TableLayout, model: string, table: TableLayout): Between | undefined {
  if (!table.name.startsWith(`${owner.name}_`) || table.columns.length !== 3) return undefined;
  const [one, other] = table.columns.filter(({ name }) => name !== table.key).map(({ name }) => columnOf(table, name)!);
  if (one === undefined || other === undefined) return undefined;
  const isFrom = ({ name }: RowColumn) => name === `${model}_id` || name === `from_${model}_id`;
  const from = [one, other].find(isFrom);
  return from && { table: table.name, from, to: from === one ? other : one };
}

const column = z.strictObject({
  column: z.string(),
  type: z.string(),
  refers: z.string().optional(),
  to: z.string().optional(),
  computed: z.boolean().optional(),
});
const given = z.record(
  z.string(),
  z.strictObject({
    table: z.string(),
    key: column,
    fields: z.record(z.string(), column),
    manyToMany: z.record(z.string(), z.strictObject({ table: z.string(), from: column, to: column })).default({}),
  }),
);
type GivenColumn = z.output<typeof column>;

/** The names that the project itself gives: docs/django.md has the few lines that write the file. */
export function namesFrom(text: string, where: string): Names {
  const models = new Map(Object.entries(readGiven(text, where)).map(([name, one]) => [name.toLowerCase(), one]));
  const byTable = new Map([...models.values()].map((one) => [one.table, one]));
  const keyOf = (table: string): RowColumn | undefined => {
    const one = byTable.get(table);
    return one && asColumn(one.key);
  };
  const between = (name: string): Between[] =>
    Object.values(models.get(name)?.manyToMany ?? {}).map(({ table, from, to }) => ({
      table,
      from: asColumn(from),
      to: asColumn(to),
    }));
  return {
    where,
    keyOf,
    tables: () => [
      ...new Set([...byTable.keys(), ...[...models.keys()].flatMap((name) => between(name).map(({ table }) => table))]),
    ],
    model(name) {
      const one = models.get(name);
      if (one === undefined) return undefined;
      return {
        table: one.table,
        key: asColumn(one.key),
        between: between(name),
        field(field) {
          const own = one.fields[field];
          if (own !== undefined) return { column: asColumn(own) };
          const many = one.manyToMany[field];
          return many && { between: { table: many.table, from: asColumn(many.from), to: asColumn(many.to) } };
        },
      };
    },
    references(table) {
      const own = Object.values(byTable.get(table)?.fields ?? {});
      const sides = [...models.values()].flatMap((one) =>
        Object.values(one.manyToMany).flatMap((many) =>
          many.table === table ? [{ ...many.from, refers: one.table }, many.to] : [],
        ),
      );
      return [...own, ...sides].flatMap(({ column: name, refers, to }) => {
        const target = refers === undefined ? undefined : (to ?? keyOf(refers)?.name);
        return refers === undefined || target === undefined ? [] : [{ column: name, table: refers, to: target }];
      });
    },
    column(table, name) {
      const one = byTable.get(table);
      const own = one?.fields[name] ?? Object.values(one?.fields ?? {}).find((field) => field.column === name);
      return own && asColumn(own);
    },
  };
}

function readGiven(text: string, where: string): z.output<typeof given> {
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch (cause) {
    throw new BackupError('input-invalid', `${where} is not JSON`, {
      hint: 'docs/django.md says how to write it',
      cause,
    });
  }
  const parsed = given.safeParse(read);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new BackupError('input-invalid', `${where} is not a file of names: ${problems.slice(0, 10).join('; ')}`, {
    hint: 'docs/django.md says how to write it',
  });
}

function asColumn({ column: name, type, ...more }: GivenColumn): FieldColumn {
  return { name, kind: kindOf(type), ...more };
}

const kinds: Readonly<Record<string, Kind>> = {
  ArrayField: 'array',
  BinaryField: 'binary',
  BooleanField: 'boolean',
  DateField: 'date',
  DateTimeField: 'moment',
  DecimalField: 'number',
  DurationField: 'duration',
  FloatField: 'number',
  JSONField: 'json',
  NullBooleanField: 'boolean',
  TimeField: 'time',
  UUIDField: 'uuid',
};

/** The kind for Django's name of a field's type (`get_internal_type`). */
function kindOf(type: string): Kind {
  return kinds[type] ?? (/(Integer|Auto)Field$/.test(type) ? 'number' : 'text');
}
