import type { Manifest } from '../../../contract/manifest/manifest.ts';
import { packed, sliceBytesFor, slicesOf } from '../../../domain/slices.ts';
import type { Bytes } from '../../../domain/units.ts';
import { BackupError, messageOf } from '../../../domain/errors.ts';
import { programOutput } from '../../../pipeline/program.ts';
import { postgresReader } from '../../../pipeline/rows/postgres.ts';
import type { DumpReader } from '../../../pipeline/rows/reader.ts';
import type { ByteStream, PlannedPart } from '../../../ports.ts';
import type { Tools } from '../../../tools.ts';
import type { Login } from '../../login.ts';
import { nameKey, plainNames, quoteIdentifier } from '../identifier.ts';
import { namePattern } from '../name-pattern.ts';
import { postgresRead } from '../programs.ts';
import { copyScript } from './copy-script.ts';
import type { RowRange } from './copy-script.ts';
import type { Snapshot } from './snapshot.ts';
import { withoutTransactions } from './without-transactions.ts';
import type { PostgresTable } from '../tables.ts';

/** What pg_dump alone can print: definitions; sequences and the like. */
export const schemaFile = 'schema.pgdump';
export const restFile = fileOf(1);

type PartContext = { login: Login; tools: Tools; snapshot: Snapshot; encoding: string };

/**
 * The parts of a database under a snapshot. Definitions, sequences and large objects are printed by pg_dump, and so are
 * the few tables that only it understands; all other rows by psql in the same form: large tables in slices, small ones
 * together, in parts of one size.
 */
export function plannedParts(from: PartContext, like: Manifest | undefined, sliceBytes?: Bytes): PlannedPart[] {
  const { tables, serverMajor } = from.snapshot;
  const context = { ...from, encoding: rowEncoding(tables, from.encoding) };
  const plain = tables.filter((table) => table.byOwnName && table.columns.length > 0);
  const total = plain.reduce((sum, table) => sum + table.bytes, 0);
  const size = sliceBytes ?? sliceBytesFor(total, context.login.parallel);
  const pieces = plain.flatMap((table) =>
    piecesOf(table, columnsLike(table, like), serverMajor >= 14 ? size : Infinity),
  );
  return [
    schemaPart(from),
    ...packed(pieces, size).map((together, index) => rowsPart(context, fileOf(index + 2), together)),
    restPart(context, plain),
  ];
}

/**
 * Rows are printed in the database's own encoding, for some of its bytes may have no counterpart in another. Names
 * reach the programs in UTF-8: where they need it, rows are printed so too.
 */
function rowEncoding(tables: PostgresTable[], own: string): string {
  const names = tables.flatMap(({ name, columns }) => [name, ...columns]);
  return own === 'SQL_ASCII' || names.every((name) => /^[\x00-\x7f]*$/.test(name)) ? own : 'UTF8';
}

/** Reading a range of pages is cheap from PostgreSQL 14 on; before, each slice would read the whole table. */
function piecesOf(table: PostgresTable, columns: string[], sliceBytes: Bytes): RowRange[] {
  const slices = slicesOf(table, sliceBytes);
  return slices.map((slice) => ({ table, columns, slice, bytes: table.bytes / slices.length }));
}

/**
 * A table's columns in the order in which another copy of it was printed: a child's columns move when it is restored.
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

function schemaPart(context: PartContext): PlannedPart {
  const args = ['--format=custom', '--section=pre-data', '--section=post-data'];
  return {
    role: 'schema',
    file: schemaFile,
    compress: false,
    estimatedBytes: 0,
    open: (signal) => dumped(context, args, signal),
  };
}

/**
 * What COPY alone can't print: sequences, large objects, configuration of extensions, partitions by hash, tables
 * without columns.
 */
function restPart(context: PartContext, excluded: PostgresTable[]): PlannedPart {
  const args = ['--format=plain', '--section=data', ...excludeData(excluded)];
  const rest = context.snapshot.tables.filter((table) => !excluded.includes(table));
  return {
    role: 'data',
    file: restFile,
    compress: true,
    estimatedBytes: rest.reduce((sum, table) => sum + table.bytes, 0),
    open: (signal) => withoutTransactions(restorable(dumped(context, args, signal))),
    reader: () => sparing(postgresReader(), excluded),
  };
}

function rowsPart({ login, tools, snapshot, encoding }: PartContext, file: string, pieces: RowRange[]): PlannedPart {
  const args = ['--no-psqlrc', '--quiet', '--set=ON_ERROR_STOP=1', '--file=-'];
  const run = {
    ...postgresRead(tools, 'psql', snapshot.serverMajor, login, args),
    script: copyScript(pieces, { login, snapshot, encoding }),
  };
  return {
    role: 'data',
    file,
    compress: true,
    estimatedBytes: pieces.reduce((sum, piece) => sum + piece.bytes, 0),
    open: (signal) => programOutput(run, signal),
    reader: () => holding(postgresReader(), pieces, file),
  };
}

/**
 * What pg_dump prints. It joins the snapshot's other sessions by what it is told of its encoding, which libpq sends to
 * the server within quotes, as it is, before anything else: there is no other way to have it hold a lock. A libpq that
 * minds does not join; then nobody may wait for a lock of ours while it begins.
 */
async function* dumped(context: PartContext, args: string[], signal: AbortSignal): ByteStream {
  const { encoding, snapshot } = context;
  try {
    yield* programOutput(
      dumpRun(context, [
        `--encoding=${encoding}';${snapshot.overtaking.join};set client_encoding to'${encoding}`,
        ...args,
      ]),
      signal,
    );
  } catch (error) {
    if (!messageOf(error).includes('invalid client encoding')) throw error;
    yield* programOutput(dumpRun(context, [`--encoding=${encoding}`, ...args]), signal);
  }
}

function dumpRun({ login, tools, snapshot }: PartContext, args: string[]) {
  return postgresRead(tools, 'pg_dump', snapshot.serverMajor, login, [
    `--snapshot=${snapshot.name}`,
    `--lock-wait-timeout=${snapshot.overtaking.waitMs}`,
    ...args,
  ]);
}

/**
 * pg_dump asks the server once for each pattern, so plain names go together into few:
 * `shop.(customer(s|_notes)|orders)`. Quoted, nothing in a name is special.
 */
function excludeData(tables: PostgresTable[]): string[] {
  const isPlain = ({ schema, table }: PostgresTable) => /^[a-z_][a-z0-9_]*$/.test(schema) && /^[a-z0-9_]+$/.test(table);
  const bySchema = Map.groupBy(tables.filter(isPlain), ({ schema }) => schema);
  const together = [...bySchema].flatMap(([schema, those]) =>
    Array.from(
      { length: Math.ceil(those.length / 1000) },
      (_, chunk) =>
        `${schema}.${namePattern(those.slice(chunk * 1000, chunk * 1000 + 1000).map(({ table }) => table))}`,
    ),
  );
  const alone = tables
    .filter((table) => !isPlain(table))
    .map(({ schema, table }) => `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`);
  return [...together, ...alone].map((pattern) => `--exclude-table-data=${pattern}`);
}

/** A reader whose dump must hold the tables of these pieces and no other. */
function holding(reader: DumpReader, pieces: RowRange[], file: string): DumpReader {
  return checkedAtEnd(reader, (seen) => {
    const expected = new Set(pieces.map(({ table }) => nameKey(table.name)));
    const missing = [...expected].filter((key) => !seen.has(key)).map(nameOf);
    const added = [...seen].filter((key) => !expected.has(key)).map(nameOf);
    if (missing.length + added.length === 0) return;
    throw new BackupError(
      'dump-cut',
      `${file} lacks the tables [${missing.join(', ')}] and holds [${added.join(', ')}] that it should not, though psql said that it succeeded`,
    );
  });
}

/** A reader whose dump must hold none of these tables: their rows are in other parts, and would be restored twice. */
function sparing(reader: DumpReader, excluded: PostgresTable[]): DumpReader {
  return checkedAtEnd(reader, (seen) => {
    const twice = excluded.filter(({ name }) => seen.has(nameKey(name)));
    if (twice.length > 0)
      throw new BackupError(
        'dump-failed',
        `pg_dump printed ${twice.map(({ name }) => name).join(', ')}, though it was told to leave that out`,
      );
  });
}

function checkedAtEnd(reader: DumpReader, check: (seen: Set<string>) => void): DumpReader {
  return {
    ...reader,
    end() {
      const tally = reader.end();
      if (tally.ended) check(new Set(tally.tables.map(({ table }) => nameKey(table))));
      return tally;
    },
  };
}

function nameOf(key: string): string {
  return (JSON.parse(key) as string[]).join('.');
}

const tooNew = Buffer.from('SET transaction_timeout = 0;\n');
const headBytes = 4096;

/**
 * Takes out what servers before 17 don't know, and clients from 17 write at the head of a dump all the same: rows can
 * go into any server.
 */
async function* restorable(dump: ByteStream): ByteStream {
  let head: Buffer | undefined = Buffer.alloc(0);
  for await (const chunk of dump) {
    if (head === undefined) {
      yield chunk;
      continue;
    }
    head = Buffer.concat([head, chunk]);
    if (head.length < headBytes) continue;
    yield without(head, tooNew);
    head = undefined;
  }
  if (head !== undefined) yield without(head, tooNew);
}

function without(text: Buffer, line: Buffer): Buffer {
  const at = text.subarray(0, headBytes).indexOf(line);
  return at < 0 ? text : Buffer.concat([text.subarray(0, at), text.subarray(at + line.length)]);
}
