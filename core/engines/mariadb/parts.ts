import { programOutput } from '../../pipeline/program.ts';
import { mariadbReader } from '../../pipeline/rows/mariadb.ts';
import type { ByteStream, Catalog, PlannedPart } from '../../ports.ts';
import type { Tools } from '../../tools.ts';
import type { Login } from '../login.ts';
import { readSequenceValues } from './catalog.ts';
import { dataText } from './data-text.ts';
import { expectation } from './expected.ts';
import { withinLockLimit } from './locks.ts';
import { dumpRun } from './programs.ts';
import { quoteName, quoteText } from './quoting.ts';
import { schemaText } from './schema-text.ts';
import { withSession } from './session.ts';
import type { Server } from './session.ts';
import { holdsRows, isTransactional } from './tables.ts';
import type { Table } from './tables.ts';
import { withoutColumns } from './without-columns.ts';

type Context = { login: Login; tools: Tools; server: Server; catalog: Catalog; tables: Table[] };

const routineKinds = ['function', 'procedure', 'package', 'package body'];

/** Servers that take the history of a system-versioned table back: `system_versioning_insert_history` came with 10.11.0. */
export function takesHistory(server: Server): boolean {
  return server.product === 'MariaDB' && server.number >= 101_100;
}

/**
 * The parts of a database, to be read in this order. Routines stand with the definitions, since views call them; triggers and events
 * come behind the rows, and with them where the sequences stand: read after the rows' snapshot began, so that no row is ahead of them.
 */
export function plannedParts(context: Context): PlannedPart[] {
  return [schemaPart(context), ...dataParts(context), afterPart(context)];
}

function schemaPart({ login, tools, catalog, tables }: Context): PlannedPart {
  const views = namesOf(catalog, 'view');
  const code = routineKinds.flatMap((kind) => namesOf(catalog, kind)).length;
  const run = dumpRun(tools, login, ['--no-data', '--skip-triggers', '--routines', '--skip-add-drop-table']);
  const expected = () => expectation([
    { kind: 'table', names: tables.map(({ name }) => name) },
    { kind: 'sequence', names: namesOf(catalog, 'sequence') },
    { kind: 'view', names: views },
  ], code);
  return {
    role: 'schema',
    file: 'schema.sql',
    compress: true,
    estimatedBytes: 0,
    open: (signal) => schemaText(read(run, login, signal), databaseStatement(catalog), login.database, expected()),
  };
}

/**
 * Rows that one transaction protects, and the others, which a server with GTIDs takes in no transaction with them. The tables are named
 * to mariadb-dump only where there are both.
 */
function dataParts(context: Context): PlannedPart[] {
  const [safe = [], unsafe = []] = [true, false].map((wanted) => context.tables.filter((table) => holdsRows(table) && isTransactional(table) === wanted));
  if (unsafe.length === 0) return [dataPart(context, '0001', safe, [], '')];
  const named = (tables: Table[], number: string, head: string) => dataPart(context, number, tables, tables.map(({ name }) => name), head);
  return safe.length === 0 ? [named(unsafe, '0001', singly)] : [named(safe, '0001', ''), named(unsafe, '0002', singly)];
}

/** Ends the transaction in which a part is loaded: each statement stands alone from here on. */
const singly = 'SET autocommit = 1;\n';

function dataPart({ login, tools, server }: Context, number: string, tables: Table[], names: string[], head: string): PlannedPart {
  const run = dumpRun(tools, login, [
    '--quick', '--no-create-info', '--skip-triggers', '--hex-blob', '--complete-insert', '--extended-insert',
    // each of these would end the one transaction in which the part is loaded
    '--skip-add-locks', '--skip-disable-keys', '--skip-no-autocommit',
    ...(takesHistory(server) && tables.some(({ versioned }) => versioned) ? ['--dump-history'] : []),
  ], names);
  const generated = tables
    .map(({ name, columns }) => ({ table: name, columns: columns.filter((column) => column.generated).map((column) => column.name) }))
    .filter(({ columns }) => server.product === 'MySQL' && columns.length > 0);
  return {
    role: 'data',
    file: `data/${number}.sql`,
    compress: true,
    estimatedBytes: tables.reduce((sum, { bytes }) => sum + bytes, 0),
    open(signal) {
      const expected = expectation([{ kind: 'rows', names: tables.map(({ name }) => name) }]);
      const rows = dataText(read(run, login, signal), head, expected);
      return generated.length === 0 ? rows : withoutColumns(rows, generated);
    },
    reader: mariadbReader,
  };
}

function afterPart({ login, tools, catalog }: Context): PlannedPart {
  const code = ['trigger', 'event'].flatMap((kind) => namesOf(catalog, kind)).length;
  const run = dumpRun(tools, login, ['--no-data', '--no-create-info', '--triggers', '--events']);
  return {
    role: 'after',
    file: 'after.sql',
    compress: true,
    estimatedBytes: 0,
    async *open(signal) {
      const positions = await sequenceStatements(login, catalog, signal);
      yield* schemaText(read(run, login, signal), positions, login.database, expectation([], code));
    },
  };
}

function read(run: ReturnType<typeof dumpRun>, login: Login, signal: AbortSignal): ByteStream {
  return withinLockLimit((stop) => programOutput(run, stop), login, signal);
}

/** Makes the database what it was, whatever it is called now: the statement names none, so it means the current one. */
function databaseStatement(catalog: Catalog): string {
  const { 'character set': charset, collation, comment } = catalog['database'] ?? {};
  const remark = comment === undefined ? '' : ` COMMENT ${quoteText(comment)}`;
  return `/*!40101 SET NAMES utf8mb4 */;\nALTER DATABASE CHARACTER SET ${charset} COLLATE ${collation}${remark};\n`;
}

/** Brings the sequences to where they stand now, and the catalog with them. */
async function sequenceStatements(login: Login, catalog: Catalog, signal: AbortSignal): Promise<string> {
  const names = namesOf(catalog, 'sequence');
  if (names.length === 0) return '';
  const values = await withSession(login, signal, (session) => readSequenceValues(session, names));
  catalog['sequence value'] = values;
  return `/*!40101 SET NAMES utf8mb4 */;\n${names.map((name) => {
    const [value, , round] = (values[name] ?? '').split(' ');
    return `DO SETVAL(${quoteName(name)}, ${value}, 0, ${round});\n`;
  }).join('')}`;
}

function namesOf(catalog: Catalog, kind: string): string[] {
  return Object.keys(catalog[kind] ?? {});
}
