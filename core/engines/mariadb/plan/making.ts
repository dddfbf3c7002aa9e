import { programOutput } from '../../../pipeline/program.ts';
import { mariadbReader } from '../../../pipeline/rows/mariadb.ts';
import type { ByteStream, OpenedPart } from '../../../ports.ts';
import type { Tools } from '../../../tools.ts';
import type { Login } from '../../login.ts';
import { expectation } from '../catalog/expected.ts';
import { dumpRun } from '../programs.ts';
import { plainWord, quoteText } from '../quoting.ts';
import { repairing } from '../repairs/repairs.ts';
import type { Repairs } from '../repairs/repairs.ts';
import { withSession } from '../session.ts';
import type { Server } from '../session.ts';
import { isStoredAsSent, isTransactional } from '../tables.ts';
import type { MariadbTable } from '../tables.ts';
import { editedRows } from '../values/edited-rows.ts';
import { lossCounter } from '../values/losses.ts';
import type { LossCounter } from '../values/losses.ts';
import type { Risk } from '../values/risks.ts';
import { editsOf, generatedColumns, linesBelow, storedBytes } from '../values/row-form.ts';
import { triggersInOrder, viewsInOrderOfUse } from './arrangements.ts';
import { dataHead } from './text/data-head.ts';
import type { Head } from './text/data-head.ts';
import { dataText } from './text/data-text.ts';
import { definitionText, takingEverything } from './text/definition-text.ts';
import { eventsText, withEvents } from './event-dump.ts';
import { foreignComments, rewriting } from './text/foreign-text.ts';
import { withinLockLimit } from './locks.ts';
import { positionReader } from './position.ts';
import type { PositionReader } from './position.ts';
import { watched } from './watch.ts';

/** `database`: its character set, collation and comment. `code`: the number of expected routines. */
type DefinitionsRecipe = {
  print: 'definitions';
  server: Server;
  database: Record<string, string>;
  tables: string[];
  sequences: string[];
  views: string[];
  code: number;
  repairs: Repairs;
};

/**
 * `isNamed`: mariadb-dump gets the names of the tables; otherwise it takes all except `without`, because some that it
 * leaves out by itself it knows only on MariaDB. `rowForm`: absent for that of old backups. `tellsPosition`: the
 * program can report its snapshot's position without locking anything for it.
 */
export type RowsRecipe = {
  print: 'rows';
  server: Server;
  tables: MariadbTable[];
  isNamed: boolean;
  without?: string[];
  sequences: string[];
  watch: boolean;
  rowForm?: string;
  risks: Risk[];
  tellsPosition: boolean;
};

/**
 * `code`: the number of expected triggers and events. `order`: each trigger's position. `leftOut`: triggers that are
 * left out.
 */
type CodeRecipe = { print: 'code'; server: Server; code: number; order: [string, number][]; leftOut: string[] };

/** What is needed to make a part. The rows of a part are of one moment, which begins when the part is made. */
export type MariadbRecipe = DefinitionsRecipe | RowsRecipe | CodeRecipe;

type MariadbMaking = { login: Login; tools: Tools };
type RowsMaking = MariadbMaking & { head: Head; losses: LossCounter; position: PositionReader };

/** Prints a part by its recipe. */
export function openPart(
  recipe: MariadbRecipe,
  context: MariadbMaking,
  signal: AbortSignal,
): Pick<OpenedPart, 'content' | 'reader'> & { losses?: LossCounter; position?: PositionReader } {
  if (recipe.print === 'definitions') return { content: definitions(recipe, context, signal) };
  if (recipe.print === 'code') return { content: code(recipe, context, signal) };
  const head = dataHead(recipe.tables.every(isTransactional), recipe.sequences, context.login);
  const losses = lossCounter(recipe.risks, context.login, recipe.server);
  const position = positionReader();
  const content = rows(recipe, { ...context, head, losses, position }, signal);
  return { content, reader: head.counted(mariadbReader()), losses, position };
}

/**
 * Servers that accept the history of a system-versioned table: `system_versioning_insert_history` came with 10.11.0.
 */
export function takesHistory(server: Server): boolean {
  return server.product === 'MariaDB' && server.number >= 101_100;
}

async function* definitions(
  { server, database, tables, sequences, views, code: count, repairs }: DefinitionsRecipe,
  { login, tools }: MariadbMaking,
  signal: AbortSignal,
): ByteStream {
  const comments = await withSession(login, signal, foreignComments);
  const how = {
    head: databaseStatement(database) + (server.product === 'MariaDB' ? looseOptions : ''),
    database: login.database,
    expected: expectation(
      [
        { kind: 'table', names: tables },
        { kind: 'sequence', names: sequences },
        { kind: 'view', names: views },
      ],
      count,
    ),
    arrangement: viewsInOrderOfUse,
  };
  const [rewrite, repair] = [rewriting(comments), repairing(repairs)];
  const mode = (line: string) => takingEverything(line, repairs.hasUnknownOptions);
  const run = dumpRun(tools, login, ['--no-data', '--skip-triggers', '--routines', '--skip-add-drop-table']);
  yield* definitionText(read(run, login, signal), { ...how, rewrite: (line) => repair(rewrite(mode(line))) });
}

function rows(recipe: RowsRecipe, context: RowsMaking, signal: AbortSignal): ByteStream {
  const { tables, watch } = recipe;
  return watch && tables.some(isTransactional)
    ? watched(context.login, tables, ({ reached }) => rowsText(recipe, context, signal, reached), signal)
    : rowsText(recipe, context, signal);
}

function rowsText(
  recipe: RowsRecipe,
  { login, tools, head, losses, position }: RowsMaking,
  signal: AbortSignal,
  reached?: (table: string) => void,
): ByteStream {
  const { tables, server, isNamed, rowForm } = recipe;
  const asBytes = rowForm === storedBytes;
  const edits = asBytes ? editsOf(tables, server) : generatedColumns(tables, server);
  const run = dumpRun(tools, login, rowsOptions(recipe, login.database), isNamed ? tables.map(({ name }) => name) : []);
  const text = dataText(
    losses.watch(() => position.watch(read(run, login, signal)), signal),
    {
      start: () => head.text(signal),
      expected: expectation([{ kind: 'rows', names: tables.map(({ name }) => name) }], 0, reached),
      below: asBytes ? linesBelow(tables) : () => '',
    },
  );
  return edits.length === 0 ? text : editedRows(text, edits);
}

function rowsOptions({ tables, without = [], server, rowForm, tellsPosition }: RowsRecipe, database: string): string[] {
  return [
    ...(tellsPosition ? ['--master-data=2'] : []),
    ...without.map((name) => `--ignore-table-data=${database}.${name}`),
    '--quick',
    '--no-create-info',
    '--skip-triggers',
    '--complete-insert',
    '--extended-insert',
    '--skip-add-locks',
    '--skip-disable-keys',
    // the head of the part says how rows are to be read; looking at each character's length would cost the program
    // nearly half of its time
    '--skip-set-charset',
    ...(rowForm === storedBytes || tables.every(isStoredAsSent) ? ['--default-character-set=binary'] : ['--hex-blob']),
    // one transaction per table: InnoDB then loads an empty table in bulk, and one transaction for all takes twice as
    // long
    tables.every(isTransactional) ? '--no-autocommit' : '--skip-no-autocommit',
    ...(takesHistory(server) && tables.some(({ versioned }) => versioned) ? ['--dump-history'] : []),
  ];
}

function code(
  { code: count, order, leftOut }: CodeRecipe,
  { login, tools }: MariadbMaking,
  signal: AbortSignal,
): ByteStream {
  return definitionText(dumpedCode(login, tools, signal), {
    head: '',
    database: login.database,
    expected: expectation([], count),
    arrangement: triggersInOrder(new Map(order), new Set(leftOut)),
  });
}

async function* dumpedCode(login: Login, tools: Tools, signal: AbortSignal): ByteStream {
  const events = await withSession(login, signal, eventsText);
  const run = dumpRun(tools, login, [
    '--no-data',
    '--no-create-info',
    '--triggers',
    ...(events === undefined ? ['--events'] : []),
  ]);
  const text = read(run, login, signal);
  yield* events === undefined ? text : withEvents(text, events);
}

function read(run: ReturnType<typeof dumpRun>, login: Login, signal: AbortSignal): ByteStream {
  return withinLockLimit((stop) => programOutput(run, stop), login, signal);
}

/** MariaDB keeps options that InnoDB refuses in its strict mode: ROW_FORMAT=FIXED of a table that was MyISAM. */
const looseOptions = '/*M!100000 SET SESSION innodb_strict_mode=0 */;\n';

/** Gives the database its options, whatever it is called now: the statement names none, so it means the current one. */
function databaseStatement({ 'character set': charset, collation, comment }: Record<string, string>): string {
  const remark = comment === undefined ? '' : ` COMMENT ${quoteText(comment)}`;
  const options = `CHARACTER SET ${plainWord(charset)} COLLATE ${plainWord(collation)}${remark}`;
  return `/*!40101 SET NAMES utf8mb4 */;\nALTER DATABASE ${options};\n`;
}
