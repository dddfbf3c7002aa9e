import type { Manifest } from '../../contract/manifest.ts';
import { slicesOf } from '../../domain/slices.ts';
import type { Slice } from '../../domain/slices.ts';
import type { Bytes } from '../../domain/units.ts';
import { programOutput } from '../../pipeline/program.ts';
import { postgresReader } from '../../pipeline/rows/postgres.ts';
import type { ByteStream, PlannedPart } from '../../ports.ts';
import type { Tools } from '../../tools.ts';
import type { Login } from '../login.ts';
import { plainNames, quoteEcho, quoteLiteral } from './identifier.ts';
import { postgresRun } from './programs.ts';
import { sessionSettings } from './session.ts';
import type { Snapshot, Table } from './snapshot.ts';

/** Tables larger than this are cut into slices of about this size, which are read side by side. */
export const defaultSliceBytes: Bytes = 512 * 1024 * 1024;

/** What stands at the end of every whole data part: pg_dump's own marker, and ours. */
const endMarker = '-- PostgreSQL database dump complete';

type Context = { login: Login; tools: Tools; snapshot: Snapshot; sliceBytes: Bytes };
type Cut = { table: Table; columns: string[]; slices: Slice[] };

/** The parts of a database under a snapshot: definitions, whatever is small, and the slices of large tables. */
export function plannedParts(context: Context, encoding: string, like: Manifest | undefined): PlannedPart[] {
  const cuts = context.snapshot.tables.flatMap((table) => cutOf(table, context.sliceBytes, like));
  const cut = new Set(cuts.map(({ table }) => table));
  const small = context.snapshot.tables.filter((table) => !cut.has(table));
  const slices = cuts.flatMap(({ table, columns, slices }) => slices.map((slice) => ({ table, columns, slice, bytes: table.bytes / slices.length })));
  return [
    schemaPart(context),
    dataPart(context, '0001', [...cut], small.reduce((sum, table) => sum + table.bytes, 0)),
    ...slices.map((piece, index) => slicePart(context, String(index + 2).padStart(4, '0'), piece, encoding)),
  ];
}

/** A table stands alone when it is large, or when its columns must come in the order of another copy of it. */
function cutOf(table: Table, sliceBytes: Bytes, like: Manifest | undefined): Cut[] {
  const recorded = like?.tables.find(({ table: name }) => plainNames(name).join('\n') === plainNames(table.name).join('\n'));
  const columns = recorded === undefined ? table.columns : inOrderOf(recorded.columns, table.columns);
  const reordered = columns.some((column, index) => column !== table.columns[index]);
  if (!reordered && (!table.sliceable || table.bytes < sliceBytes || table.columns.length === 0)) return [];
  return [{ table, columns, slices: table.sliceable ? slicesOf(table, sliceBytes) : [{ first: 0, end: undefined }] }];
}

function inOrderOf(recorded: string, columns: string[]): string[] {
  const order = plainNames(recorded);
  const place = (column: string) => order.indexOf(plainNames(column)[0] ?? '');
  return columns.every((column) => place(column) >= 0) ? columns.toSorted((a, b) => place(a) - place(b)) : columns;
}

function schemaPart({ login, tools, snapshot }: Context): PlannedPart {
  const args = ['--format=custom', '--section=pre-data', '--section=post-data', ...underSnapshot(snapshot, login)];
  return {
    role: 'schema',
    file: 'schema.pgdump',
    compress: false,
    estimatedBytes: 0,
    open: (signal) => programOutput(postgresRun(tools, 'pg_dump', snapshot.serverMajor, login, args), signal),
  };
}

function dataPart({ login, tools, snapshot }: Context, number: string, excluded: Table[], estimatedBytes: Bytes): PlannedPart {
  const args = ['--format=plain', '--section=data', ...underSnapshot(snapshot, login), ...excluded.map(excludeData)];
  return {
    role: 'data',
    file: `data/${number}.sql`,
    compress: true,
    estimatedBytes,
    open: (signal) => restorable(programOutput(postgresRun(tools, 'pg_dump', snapshot.serverMajor, login, args), signal), snapshot.serverMajor),
    reader: postgresReader,
  };
}

function underSnapshot(snapshot: Snapshot, login: Login): string[] {
  return [`--snapshot=${snapshot.name}`, `--lock-wait-timeout=${login.lockTimeoutMs}`];
}

function excludeData({ schema, table }: Table): string {
  // a pattern: within double quotes nothing is special but the quote itself
  const exact = (name: string) => `"${name.replaceAll('"', '""')}"`;
  return `--exclude-table-data=${exact(schema)}.${exact(table)}`;
}

/** A slice, printed by psql as pg_dump would print it, so that it is read, counted and restored in the same way. */
function slicePart(context: Context, number: string, piece: { table: Table; columns: string[]; slice: Slice; bytes: Bytes }, encoding: string): PlannedPart {
  const { login, tools, snapshot } = context;
  const args = ['--no-psqlrc', '--quiet', '--set=ON_ERROR_STOP=1', '--file=-'];
  const run = { ...postgresRun(tools, 'psql', snapshot.serverMajor, login, args), script: sliceScript(context, piece, encoding) };
  return {
    role: 'data',
    file: `data/${number}.sql`,
    compress: true,
    estimatedBytes: piece.bytes,
    open: (signal) => programOutput(run, signal),
    reader: postgresReader,
  };
}

function sliceScript({ login, snapshot }: Context, { table, columns, slice }: { table: Table; columns: string[]; slice: Slice }, encoding: string): string {
  const settings = Object.entries({ ...sessionSettings(login, snapshot.serverMajor), client_encoding: encoding });
  const list = columns.join(', ');
  const lower = slice.first > 0 ? [`ctid >= '(${slice.first},0)'::tid`] : [];
  const upper = slice.end === undefined ? [] : [`ctid < '(${slice.end},0)'::tid`];
  const where = lower.concat(upper).join(' and ');
  const printed = [
    `SET client_encoding = ${quoteLiteral(encoding)};`,
    'SET standard_conforming_strings = on;',
    `SELECT pg_catalog.set_config('search_path', '', false);`,
    'SET statement_timeout = 0;',
    'SET row_security = off;',
    `COPY ${table.name} (${list}) FROM stdin;`,
  ];
  return [
    ...settings.map(([name, value]) => `set ${name} to ${quoteLiteral(value)};`),
    'begin isolation level repeatable read read only;',
    `set transaction snapshot ${quoteLiteral(snapshot.name)};`,
    ...printed.map((line) => `\\echo ${quoteEcho(line)}`),
    `copy (select ${list} from only ${table.name}${where === '' ? '' : ` where ${where}`}) to stdout;`,
    `\\echo ${quoteEcho('\\.')}`,
    'rollback;',
    `\\echo ${quoteEcho(endMarker)}`,
    '',
  ].join('\n');
}

const tooNew = Buffer.from('SET transaction_timeout = 0;\n');
const headBytes = 4096;

/** Takes out what servers before 17 don't know, and clients from 17 write at the head of a dump all the same. */
async function* restorable(dump: ByteStream, serverMajor: number): ByteStream {
  let head: Buffer | undefined = serverMajor >= 17 ? undefined : Buffer.alloc(0);
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
