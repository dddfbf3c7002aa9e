import type { Manifest } from '../../../contract/manifest/manifest.ts';
import { packed, sliceBytesFor, slicesOf } from '../../../domain/parts/slices.ts';
import type { Bytes } from '../../../domain/units.ts';
import type { PlannedPart } from '../../../ports.ts';
import { nameKey, plainNames } from '../identifier.ts';
import type { PostgresTable } from '../tables.ts';
import type { RowRange } from './copy-script.ts';
import type { PostgresRecipe, TableName } from './making.ts';
import type { Snapshot } from './snapshot.ts';

/** What only pg_dump can print: definitions; sequences and the like. */
const schemaFile = 'schema.pgdump';
const restFile = fileOf(1);

/** `encoding`: the database's own. `parallel`: how many parts are made at the same time. */
type PartContext = { snapshot: Snapshot; encoding: string; parallel: number };

/**
 * The parts of a database under a snapshot. pg_dump prints definitions, sequences, large objects and the few tables
 * that only it understands; psql prints all other rows in the same form: large tables in slices, small ones together,
 * in parts of one size. What is compared with another copy (`like`) is read by sessions of ours.
 */
export function plannedParts(from: PartContext, like: Manifest | undefined, sliceBytes?: Bytes): PlannedPart[] {
  const { tables, under } = from.snapshot;
  const context = { ...from, encoding: rowEncoding(tables, from.encoding) };
  const plain = tables.filter((table) => table.byOwnName && table.columns.length > 0);
  const total = plain.reduce((sum, table) => sum + table.bytes, 0);
  const size = sliceBytes ?? sliceBytesFor(total, from.parallel);
  const pieces = plain.flatMap((table) =>
    piecesOf(table, columnsLike(table, like), under.serverMajor >= 14 ? size : Infinity),
  );
  return [
    schemaPart(from),
    ...packed(pieces, size).map((together, index) =>
      rowsPart(context, fileOf(index + 2), together, like !== undefined),
    ),
    restPart(context, plain),
  ];
}

/**
 * Rows are printed in the database's own encoding, because some of its bytes may have no counterpart in another. Names
 * reach the programs in UTF-8: if a name needs that, rows are printed in UTF-8, too.
 */
function rowEncoding(tables: PostgresTable[], own: string): string {
  const names = tables.flatMap(({ name, columns }) => [name, ...columns]);
  return own === 'SQL_ASCII' || names.every((name) => /^[\x00-\x7f]*$/.test(name)) ? own : 'UTF8';
}

type SizedRange = RowRange & { bytes: Bytes };

/** Reading a range of pages is cheap from PostgreSQL 14 on; before, each slice would read the whole table. */
function piecesOf(table: PostgresTable, columns: string[], sliceBytes: Bytes): SizedRange[] {
  const slices = slicesOf(table, sliceBytes);
  return slices.map((slice) => ({ name: table.name, columns, slice, bytes: table.bytes / slices.length }));
}

/**
 * A table's columns in the order in which another copy of it was printed, because a child's columns move when it is
 * restored.
 */
function columnsLike(table: PostgresTable, like: Manifest | undefined): string[] {
  const recorded = like?.tables.find(({ table: name }) => nameKey(name) === nameKey(table.name));
  const order = plainNames(recorded?.columns ?? '');
  const place = (column: string) => order.indexOf(plainNames(column)[0] ?? '');
  return table.columns.every((column) => place(column) >= 0)
    ? table.columns.toSorted((a, b) => place(a) - place(b))
    : table.columns;
}

function fileOf(number: number): string {
  return `data/${String(number).padStart(4, '0')}.sql`;
}

function schemaPart({ snapshot, encoding }: PartContext): PlannedPart {
  const recipe: PostgresRecipe = { print: 'definitions', under: snapshot.under, encoding };
  return { role: 'schema', file: schemaFile, compress: false, estimatedBytes: 0, hasRows: false, recipe };
}

/**
 * What COPY alone can't print: sequences, large objects, configuration of extensions, partitions by hash, tables
 * without columns.
 */
function restPart({ snapshot, encoding }: PartContext, excluded: PostgresTable[]): PlannedPart {
  const { under, tables } = snapshot;
  const without = excluded.map(({ name, schema, table }): TableName => ({ name, schema, table }));
  const recipe: PostgresRecipe = { print: 'rest', under, encoding, without };
  return dataPart(
    restFile,
    tables.filter((table) => !excluded.includes(table)),
    recipe,
  );
}

function rowsPart(
  { snapshot, encoding }: PartContext,
  file: string,
  sized: SizedRange[],
  bySession: boolean,
): PlannedPart {
  const pieces = sized.map(({ bytes: _, ...piece }): RowRange => piece);
  const recipe: PostgresRecipe = { print: 'rows', under: snapshot.under, encoding, pieces };
  return dataPart(file, sized, bySession ? { ...recipe, bySession } : recipe);
}

function dataPart(file: string, sized: readonly { bytes: Bytes }[], recipe: PostgresRecipe): PlannedPart {
  const estimatedBytes = sized.reduce((sum, { bytes }) => sum + bytes, 0);
  return { role: 'data', file, compress: true, estimatedBytes, hasRows: true, recipe };
}
