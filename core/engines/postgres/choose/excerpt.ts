import { partOfCatalog } from '../../../contract/manifest/catalog.ts';
import type { Manifest, ManifestPart, TableRows } from '../../../contract/manifest/manifest.ts';
import { BackupError } from '../../../domain/errors.ts';
import { tablesAskedFor } from '../../../domain/table-names.ts';
import type { NameStyle } from '../../../domain/table-names.ts';
import { fewNames } from '../../../domain/lines.ts';
import { plural } from '../../../domain/units.ts';
import type { Passed } from '../../../pipeline/guard.ts';
import type { ProgramRun } from '../../../pipeline/program.ts';
import type { Catalog, Excerpt, TargetOptions } from '../../../ports.ts';
import { nameKey, plainNames } from '../identifier.ts';
import { archiveEntries } from './archive-list.ts';
import { chooseEntries } from './entries.ts';
import type { ChosenEntries } from './entries.ts';
import { mustBeThere } from './expected.ts';
import { archiveGraph } from './graph.ts';
import type { ArchiveGraph } from './graph.ts';
import { chosenRows } from './rows.ts';
import { partitionsIn } from './partitions.ts';
import type { Partitions } from './partitions.ts';

/**
 * `ids`: the entries of the archive to restore. `catalog`: the expected result. `isRead`: whether a data
 * part may hold rows to restore; `rowsOf`: those, of its pieces. `positions`: of the sequences.
 */
export type PostgresExcerpt = Excerpt & {
  ids: ReadonlySet<string>;
  catalog: Catalog;
  isRead(part: ManifestPart): boolean;
  rowsOf(pieces: AsyncGenerator<Passed>): AsyncGenerator<Passed>;
  positions: string[];
};

const style: NameStyle = { quote: '"', divides: true, fold: (text) => text.toLowerCase() };
const noRows = '0'.repeat(16);

/** Finds the requested tables in a backup, and everything that goes with them. */
export async function excerptOf(
  { manifest, catalog, tables }: TargetOptions & { tables: NonNullable<TargetOptions['tables']> },
  run: (args: string[]) => ProgramRun,
  signal: AbortSignal,
): Promise<PostgresExcerpt> {
  const all = Object.keys(catalog['table'] ?? {}).map((name) => ({ name, parts: plainNames(name) }));
  const asked = tablesAskedFor(tables.asked, all, style).map(({ name }) => name);
  const definitions = manifest.parts.find(({ role }) => role === 'schema');
  if (definitions === undefined) throw new BackupError('manifest-invalid', `${manifest.id} has no definitions`);
  const graph = archiveGraph(await archiveEntries(tables.open(definitions, signal), run, signal), catalog);
  const partitions = partitionsIn(graph);
  const rows = partitions.below(asked);
  requireOwnRows(rows, manifest, partitions);
  requireNoHypertable(rows, graph);
  return described(manifest, catalog, chooseEntries(graph, catalog, rows), rows, partitions);
}

function described(
  manifest: Manifest,
  catalog: Catalog,
  chosen: ChosenEntries,
  rows: ReadonlySet<string>,
  partitions: Partitions,
): PostgresExcerpt {
  const loose = partitions.below(chosen.leftOut.map(({ table }) => table));
  for (const { table } of chosen.leftOut) loose.delete(table);
  const isMust = mustBeThere(catalog, chosen, loose);
  const named = (kind: string) => chosen.objects.filter((one) => one.kind === kind).map(({ name }) => name);
  const [bare, sequences] = [named('table').filter((name) => !rows.has(name)), new Set(named('sequence').map(nameKey))];
  const keys = new Set([...rows].map(nameKey));
  const holdsRows = (table: string) => keys.has(nameKey(table));
  const positions = Object.entries(manifest.sequences).filter(([name]) => sequences.has(nameKey(textIn(name))));
  const others = manifest.tables.filter(({ table }) => !holdsRows(table)).length;
  const { largeObjects, ...rest } = manifest;
  return {
    tables: [...rows],
    bare,
    ids: chosen.ids,
    catalog: partOfCatalog(catalog, isMust),
    catalogFor: (found) =>
      partOfCatalog(catalog, (kind, name) => isMust(kind, name) || found[kind]?.[name] !== undefined),
    manifest: { ...rest, tables: tablesIn(manifest, holdsRows, bare), sequences: Object.fromEntries(positions) },
    lacking: [
      ...chosen.leftOut.map(
        ({ kind, name, missing }) =>
          `${kind.replace('table constraint', 'foreign key')} ${name}, which needs ${fewNames(missing)}`,
      ),
      ...(others === 0 ? [] : [`${plural(others, 'table')} of the backup, not asked for`]),
      ...(largeObjects === undefined ? [] : [plural(largeObjects.count, 'large object')]),
    ],
    notes: [],
    rowsOf: (pieces) => chosenRows(pieces, holdsRows),
    isRead: ({ tables }) => tables === undefined || tables.some(holdsRows),
    positions: positions.map(([name, position]) => `SELECT pg_catalog.setval(${name}, ${position});\n`),
    copying: (from, to) => copyCommands(manifest.tables.map(({ table }) => table).filter(holdsRows), from, to),
  };
}

/** A table that is only made for another one has no rows. */
function tablesIn(manifest: Manifest, holdsRows: (table: string) => boolean, bare: readonly string[]): TableRows[] {
  const empty = new Set(bare.map(nameKey));
  return manifest.tables.flatMap((table) => {
    if (holdsRows(table.table)) return [table];
    return empty.has(nameKey(table.table)) ? [{ ...table, rows: 0, fingerprint: noRows }] : [];
  });
}

/** Throws if a partition's rows are stored under its parent table: only the server can tell which rows belong to it. */
function requireOwnRows(tables: ReadonlySet<string>, manifest: Manifest, partitions: Partitions): void {
  const printed = new Set(manifest.tables.map(({ table }) => nameKey(table)));
  for (const table of tables) {
    const root = partitions.parentsOf(table).find((parent) => printed.has(nameKey(parent)));
    if (root === undefined || tables.has(root) || printed.has(nameKey(table))) continue;
    throw new BackupError(
      'input-invalid',
      `the rows of ${table} lie among those of ${root}, which it is a partition of`,
      {
        hint: `restore all of it: --table ${root}`,
      },
    );
  }
}

/** Throws if a TimescaleDB table holds no rows itself: they are in chunks, which only TimescaleDB's own tables list. */
function requireNoHypertable(tables: ReadonlySet<string>, graph: ArchiveGraph): void {
  for (const { id, needs } of graph.entries) {
    if (graph.named(id)?.name.startsWith('_timescaledb_internal.') !== true) continue;
    const table = needs.map((one) => graph.named(one)?.name ?? '').find((name) => tables.has(name));
    if (table === undefined) continue;
    throw new BackupError('input-invalid', `${table} is a hypertable of TimescaleDB: its rows lie in other tables`, {
      hint: 'restore the whole backup into a new database, and copy the rows from there',
    });
  }
}

/** The value of an SQL constant. */
function textIn(constant: string): string {
  return constant.slice(1, -1).replaceAll("''", "'");
}

function copyCommands(tables: readonly string[], from: string, to: string): string[] {
  const quoted = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`;
  return [
    `pg_dump --data-only ${tables.map((table) => `--table=${quoted(table)}`).join(' ')} --dbname=${quoted(from)} | ` +
      `psql --set=ON_ERROR_STOP=1 --single-transaction --dbname=${quoted(to)}`,
  ];
}
