import { BackupError, messageOf } from '../errors.ts';
import { plural } from '../units.ts';
import type { RowDialect } from './dialect.ts';
import type { Exact, FixtureRow } from './fixture.ts';
import type { Between, FieldColumn, ModelNames, Names } from './names.ts';
import { naturalFinder } from './natural.ts';
import type { NaturalFinder, NaturalKeys } from './natural.ts';
import { statements } from './statements.ts';
import type { InsertStatements } from './statements.ts';
import { momentOf } from './values.ts';

/**
 * `empty`: first deletes the rows of the tables, in the same transaction. `timeZone`: that of moments without an
 * offset.
 */
export type Conversion = {
  names: Names;
  dialect: RowDialect;
  natural: NaturalKeys;
  empty: boolean;
  timeZone?: string | undefined;
};
/** How many rows were written, by table; including tables between two models. */
export type ConvertedRows = ReadonlyMap<string, number>;

type ConversionWork = Conversion & {
  finder: NaturalFinder;
  out: InsertStatements;
  rows: Map<string, number>;
  problems: Problems;
};
type Problems = Map<string, number>;

const mostProblems = 30;

/**
 * The rows of a fixture as SQL, in one transaction that commits only if everything was converted. Throws
 * `input-invalid` with every kind of problem at once, after yielding what was converted until the first.
 */
export async function* convert(
  fixture: AsyncIterable<FixtureRow>,
  conversion: Conversion,
): AsyncGenerator<string, ConvertedRows> {
  const { names, dialect, natural, timeZone } = conversion;
  const finder = naturalFinder(natural, names, dialect);
  const work: ConversionWork = {
    ...conversion,
    finder,
    out: statements(dialect),
    rows: new Map(),
    problems: new Map(),
  };
  yield dialect.begin;
  if (timeZone !== undefined && dialect.timeZone !== undefined) yield dialect.timeZone(timeZone);
  for await (const row of fixture) {
    convertRow(row, work);
    if (work.problems.size >= mostProblems) break;
    if (work.problems.size === 0) yield* work.out.take();
  }
  if (work.problems.size > 0) throw unconverted(work);
  conclude(work);
  yield* work.out.take();
  yield dialect.end;
  return work.rows;
}

function convertRow(row: FixtureRow, work: ConversionWork): void {
  const model = work.names.model(row.model);
  if (model === undefined) return addProblem(work, `${row.model}: no table is known for it`);
  if (!work.rows.has(model.table)) begin(model, work);
  const written = new Map<string, string>();
  const many: { between: Between; values: readonly Exact[] }[] = [];
  if (row.key !== undefined) write(written, model.key, row.key, `${row.model} pk`, work);
  for (const [name, value] of Object.entries(row.fields)) {
    const what = `${row.model}.${name}`;
    const field = model.field(name);
    if (field === undefined) addProblem(work, `${what}: ${model.table} has no column for it`);
    else if ('column' in field) {
      if (field.column.computed !== true) write(written, field.column, value, what, work);
    } else if (Array.isArray(value)) many.push({ between: field.between, values: value });
    else addProblem(work, `${what}: is no list, as a many-to-many field has it`);
  }
  if (work.problems.size > 0) return;
  work.out.insert(model.table, [...written.keys()], [...written.values()]);
  count(model.table, work);
  const connected = many.filter(({ values }) => values.length > 0);
  if (connected.length > 0) connect(row, model, connected, written, work);
}

function connect(
  row: FixtureRow,
  model: ModelNames,
  many: readonly { between: Between; values: readonly Exact[] }[],
  written: ReadonlyMap<string, string>,
  work: ConversionWork,
): void {
  const key = written.get(model.key.name) ?? ownKey(row.model, written, work);
  if (key === undefined)
    return addProblem(
      work,
      `${row.model}: has no pk, and what else names it is not known: --natural ${row.model}=field`,
    );
  for (const { between, values } of many) {
    for (const value of values) {
      const sides = new Map([[between.from.name, key]]);
      write(sides, between.to, value, `${row.model}, ${between.table}`, work);
      work.out.connect(between.table, [...sides.keys()], [...sides.values()]);
      count(between.table, work);
    }
  }
}

function ownKey(model: string, written: ReadonlyMap<string, string>, { finder }: ConversionWork): string | undefined {
  const query = finder.ownQuery(model, written);
  return query && inner(query);
}

/** A query as a value, also on the table that is written to. */
function inner(query: string): string {
  return `(SELECT * FROM (${query}) AS found)`;
}

function write(to: Map<string, string>, column: FieldColumn, value: Exact, what: string, work: ConversionWork): void {
  try {
    to.set(column.name, valueOf(column, value, work));
  } catch (error) {
    addProblem(work, `${what}: ${messageOf(error)}`);
  }
}

function valueOf({ kind, refers, to }: FieldColumn, value: Exact, work: ConversionWork): string {
  const { dialect, finder, out } = work;
  if (value === null) return 'NULL';
  if (!Array.isArray(value) || kind === 'json' || kind === 'array') {
    if (kind === 'moment') mustBeKnown(value, work);
    return dialect.value(value, kind);
  }
  if (refers === undefined) throw new Error('is a list, and the column refers to no table that is known');
  const query = finder.query(refers, value, to);
  out.mustFind(query);
  return inner(query);
}

/** PostgreSQL keeps a point in time: which one it is, only the settings of the project say. */
function mustBeKnown(moment: Exact, { dialect, timeZone }: ConversionWork): void {
  if (dialect.timeZone === undefined || timeZone !== undefined || momentOf(moment).offset !== undefined) return;
  throw new Error('has no offset, as USE_TZ = False leaves it: --time-zone says TIME_ZONE of the settings');
}

function begin({ table, between }: ModelNames, work: ConversionWork): void {
  const { names, empty, rows, out, dialect } = work;
  rows.set(table, 0);
  if (!empty) return;
  // deleting these rows must not also delete rows that are already loaded
  const taken = names.tables().find((one) => names.references(one).some((key) => key.acts && key.table === table));
  if (taken !== undefined)
    addProblem(work, `${table}: rows of ${taken} go with its rows (ON DELETE): empty both by hand, without --empty`);
  for (const one of [...between.map((many) => many.table), table]) out.run(`DELETE FROM ${dialect.name(one)};`);
}

/** What must hold when everything is loaded. */
function conclude({ names, dialect, rows, out }: ConversionWork): void {
  out.flush();
  for (const table of rows.keys()) {
    const key = names.keyOf(table);
    const follow = key?.kind === 'number' ? dialect.follow(table, key.name) : undefined;
    if (follow !== undefined) out.run(follow);
  }
  if (dialect.checksReferences) return;
  const loaded = new Set(rows.keys());
  for (const from of names.tables())
    for (const key of names.references(from))
      if (loaded.has(from) || loaded.has(key.table)) out.run(mustLead(from, key, dialect));
}

function mustLead(
  from: string,
  { column, table, to }: { column: string; table: string; to: string },
  dialect: RowDialect,
) {
  const [own, other] = [`c.${dialect.name(column)}`, `p.${dialect.name(to)}`];
  const joined = `${dialect.name(from)} c LEFT JOIN ${dialect.name(table)} p ON ${own} = ${other}`;
  return dialect.refuse(joined, `${own} IS NOT NULL AND ${other} IS NULL`);
}

function count(table: string, { rows }: ConversionWork): void {
  rows.set(table, (rows.get(table) ?? 0) + 1);
}

function addProblem({ problems }: ConversionWork, text: string): void {
  problems.set(text, (problems.get(text) ?? 0) + 1);
}

function unconverted({ problems, names }: ConversionWork): BackupError {
  const listed = [...problems].map(([text, times]) => (times === 1 ? text : `${text} (${plural(times, 'record')})`));
  const more = problems.size >= mostProblems ? ', and there may be more' : '';
  return new BackupError('input-invalid', `the fixture can't be converted: ${listed.join('; ')}${more}`, {
    hint:
      `names were looked up in ${names.where}: were its tables made by "manage.py migrate" of the same project? ` +
      'Where tables or columns have other names than Django gives: --names, docs/django.md',
  });
}
