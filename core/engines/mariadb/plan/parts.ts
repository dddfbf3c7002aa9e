import { programOutput } from '../../../pipeline/program.ts';
import { mariadbReader } from '../../../pipeline/rows/mariadb.ts';
import type { ByteStream, Catalog, PlannedPart } from '../../../ports.ts';
import type { Tools } from '../../../tools.ts';
import type { Login } from '../../login.ts';
import type { BrokenTrigger } from '../repairs/broken-triggers.ts';
import { triggersInOrder, viewsInOrderOfUse } from './arrangements.ts';
import { firstHead, plainHead } from './data-head.ts';
import type { Head } from './data-head.ts';
import { dataText } from './data-text.ts';
import { definitionText, takingEverything } from './definition-text.ts';
import { eventsText, withEvents } from './event-dump.ts';
import { expectation } from '../catalog/expected.ts';
import { foreignComments, rewriting } from './foreign-text.ts';
import { repairing } from '../repairs/repairs.ts';
import type { Repairs } from '../repairs/repairs.ts';
import { withinLockLimit } from './locks.ts';
import { dumpRun } from '../programs.ts';
import { plainWord, quoteText } from '../quoting.ts';
import { withSession } from '../session.ts';
import type { Server } from '../session.ts';
import { holdsRows, isStoredAsSent, isTransactional } from '../tables.ts';
import type { MariadbTable } from '../tables.ts';
import { editedRows } from '../values/edited-rows.ts';
import type { LossWatch } from '../values/losses.ts';
import { editsOf, generatedColumns, linesBelow, storedBytes } from '../values/row-form.ts';
import { watched } from './watch.ts';

type DumpContext = {
  login: Login;
  tools: Tools;
  server: Server;
  catalog: Catalog;
  tables: MariadbTable[];
  triggerOrder: ReadonlyMap<string, number>;
  watch: boolean;
  rowForm: string | undefined;
  losses: LossWatch;
  repairs: Repairs;
  broken: readonly BrokenTrigger[];
};

const routineKinds = ['function', 'procedure', 'package', 'package body'];

/**
 * Servers that take the history of a system-versioned table back: `system_versioning_insert_history` came with 10.11.0.
 */
export function takesHistory(server: Server): boolean {
  return server.product === 'MariaDB' && server.number >= 101_100;
}

/**
 * The parts of a database. Routines stand with the definitions, since views call them; sequences with the rows, so that
 * no row is ahead of them; triggers and events come behind.
 */
export function plannedParts(context: DumpContext): PlannedPart[] {
  return [schemaPart(context), ...dataParts(context), afterPart(context)];
}

function schemaPart({ login, tools, server, catalog, tables, repairs }: DumpContext): PlannedPart {
  const views = namesOf(catalog, 'view');
  const code = routineKinds.flatMap((kind) => namesOf(catalog, kind)).length;
  const run = dumpRun(tools, login, ['--no-data', '--skip-triggers', '--routines', '--skip-add-drop-table']);
  const expected = () =>
    expectation(
      [
        { kind: 'table', names: tables.map(({ name }) => name) },
        { kind: 'sequence', names: namesOf(catalog, 'sequence') },
        { kind: 'view', names: views },
      ],
      code,
    );
  return {
    role: 'schema',
    file: 'schema.sql',
    compress: true,
    estimatedBytes: 0,
    async *open(signal) {
      const comments = await withSession(login, signal, foreignComments);
      const how = {
        head: databaseStatement(catalog) + (server.product === 'MariaDB' ? looseOptions : ''),
        database: login.database,
        expected: expected(),
        arrangement: viewsInOrderOfUse,
      };
      const [rewrite, repair] = [rewriting(comments), repairing(repairs)];
      const mode = (line: string) => takingEverything(line, repairs.hasUnknownOptions);
      yield* definitionText(read(run, login, signal), { ...how, rewrite: (line) => repair(rewrite(mode(line))) });
    },
  };
}

/**
 * Rows that one transaction protects, and the others, which a server with GTIDs takes in no transaction with them. The
 * tables are named to mariadb-dump only where there are both.
 */
function dataParts(context: DumpContext): PlannedPart[] {
  const [safe = [], unsafe = []] = [true, false].map((wanted) =>
    context.tables.filter((table) => holdsRows(table) && isTransactional(table) === wanted),
  );
  if (unsafe.length === 0) return [dataPart(context, '0001', safe, [], firstHead(true, context))];
  const named = (number: string, tables: MariadbTable[], head: Head) =>
    dataPart(
      context,
      number,
      tables,
      tables.map(({ name }) => name),
      head,
    );
  if (safe.length === 0) return [named('0001', unsafe, firstHead(false, context))];
  return [named('0001', safe, firstHead(true, context)), named('0002', unsafe, plainHead(false))];
}

function dataPart(
  { login, tools, server, watch, rowForm, losses }: DumpContext,
  number: string,
  tables: MariadbTable[],
  names: string[],
  head: Head,
): PlannedPart {
  const asBytes = rowForm === storedBytes;
  const run = dumpRun(
    tools,
    login,
    [
      '--quick',
      '--no-create-info',
      '--skip-triggers',
      '--complete-insert',
      '--extended-insert',
      '--skip-add-locks',
      '--skip-disable-keys',
      // what stands before the rows says how they are to be read; looking at each character's length costs the program
      // nearly half of its time
      '--skip-set-charset',
      ...(asBytes || tables.every(isStoredAsSent) ? ['--default-character-set=binary'] : ['--hex-blob']),
      // a transaction for each table: InnoDB loads an empty table in bulk then, and one for all takes twice as long
      tables.every(isTransactional) ? '--no-autocommit' : '--skip-no-autocommit',
      ...(takesHistory(server) && tables.some(({ versioned }) => versioned) ? ['--dump-history'] : []),
    ],
    names,
  );
  const edits = asBytes ? editsOf(tables, server) : generatedColumns(tables, server);
  return {
    role: 'data',
    file: `data/${number}.sql`,
    compress: true,
    estimatedBytes: tables.reduce((sum, { bytes }) => sum + bytes, 0),
    open(signal) {
      const dump = () => read(run, login, signal);
      const rows = (reached?: (table: string) => void) => {
        const expected = expectation([{ kind: 'rows', names: tables.map(({ name }) => name) }], 0, reached);
        const dumped = number === '0001' ? losses.watch(dump, signal) : dump();
        const text = dataText(dumped, {
          start: () => head.text(signal),
          expected,
          below: asBytes ? linesBelow(tables) : () => '',
        });
        return edits.length === 0 ? text : editedRows(text, edits);
      };
      return watch && tables.some(isTransactional)
        ? watched(login, tables, ({ reached }) => rows(reached), signal)
        : rows();
    },
    reader: () => head.counted(mariadbReader()),
  };
}

function afterPart({ login, tools, catalog, triggerOrder, broken }: DumpContext): PlannedPart {
  const code = ['trigger', 'event'].flatMap((kind) => namesOf(catalog, kind)).length;
  const dump = async function* (signal: AbortSignal): ByteStream {
    const events = await withSession(login, signal, eventsText);
    const run = dumpRun(tools, login, [
      '--no-data',
      '--no-create-info',
      '--triggers',
      ...(events === undefined ? ['--events'] : []),
    ]);
    const text = read(run, login, signal);
    yield* events === undefined ? text : withEvents(text, events);
  };
  return {
    role: 'after',
    file: 'after.sql',
    compress: true,
    estimatedBytes: 0,
    open: (signal) =>
      definitionText(dump(signal), {
        head: '',
        database: login.database,
        expected: expectation([], code),
        arrangement: triggersInOrder(triggerOrder, new Set(broken.map(({ name }) => name))),
      }),
  };
}

function read(run: ReturnType<typeof dumpRun>, login: Login, signal: AbortSignal): ByteStream {
  return withinLockLimit((stop) => programOutput(run, stop), login, signal);
}

/** MariaDB keeps options that InnoDB refuses in its strict mode: ROW_FORMAT=FIXED of a table that was MyISAM. */
const looseOptions = '/*M!100000 SET SESSION innodb_strict_mode=0 */;\n';

/** Makes the database what it was, whatever it is called now: the statement names none, so it means the current one. */
function databaseStatement(catalog: Catalog): string {
  const { 'character set': charset, collation, comment } = catalog['database'] ?? {};
  const remark = comment === undefined ? '' : ` COMMENT ${quoteText(comment)}`;
  return `/*!40101 SET NAMES utf8mb4 */;\nALTER DATABASE CHARACTER SET ${plainWord(charset)} COLLATE ${plainWord(collation)}${remark};\n`;
}

function namesOf(catalog: Catalog, kind: string): string[] {
  return Object.keys(catalog[kind] ?? {});
}
