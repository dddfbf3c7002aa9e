import { abortError } from '../../../../domain/errors.ts';
import type { Passed } from '../../../../pipeline/guard.ts';
import { printed } from '../../../../pipeline/rows/tables.ts';
import type { Loading } from '../loading.ts';
import { refusedError } from '../../failures/remedies.ts';
import type { RefusedStatement } from '../errors/restore-errors.ts';
import { judgedBlocksOf } from '../text/judged-blocks.ts';
import type { CopySession, CopySessionWishes } from '../../copying/copy-session.ts';
import type { Lane } from './lanes.ts';

/** `openRows`: opens a session that loads rows. `heard` receives what the server says although all went well. */
export type RowLoading = Loading & {
  openRows(wishes: Pick<CopySessionWishes, 'explain' | 'hear'>, signal: AbortSignal): Promise<CopySession>;
  heard: ((words: string) => void) | undefined;
};

/** The line that ends rows; in a session, the message after them does that. */
const endLine = Buffer.from('\\.\n');
const longestStatement = 4000;
const mostWarnings = 100;
const copiedTable = /^COPY ((?:"[^"]*"|[^"\s()])+)\s/;
/** White space and comments between statements. */
const noStatement = /^(?:\s|--)/;

/**
 * Loads a data part in one transaction of our own session, up to its first failure; the parts of one `lane` in one
 * transaction together. Throws with what failed.
 */
export async function loadRows(
  pieces: AsyncGenerator<Passed>,
  lane: Lane | undefined,
  loading: RowLoading,
  signal: AbortSignal,
): Promise<void> {
  const left = lane === undefined ? 0 : (lane.left -= 1);
  const session = lane?.session ?? (await begun(loading, signal));
  if (lane !== undefined) lane.session = session;
  let goesOn = false;
  try {
    await loadInto(session, pieces, lane);
    if (signal.aborted) throw abortError(signal);
    if (left === 0) await session.run(Buffer.from('COMMIT'));
    goesOn = left > 0;
  } finally {
    if (!goesOn) await session.close();
  }
}

async function loadInto(session: CopySession, pieces: AsyncGenerator<Passed>, lane: Lane | undefined): Promise<void> {
  for await (const { rows, content } of judgedBlocksOf(pieces)) {
    if (rows) await copyBlock(content, session, lane);
    else await runEach(content, session.run);
  }
}

/** A session with its transaction. */
async function begun(loading: RowLoading, signal: AbortSignal): Promise<CopySession> {
  let warnings = 0;
  const session = await loading.openRows(
    {
      explain: (cause, statement) => refusedError([refusalOf(cause, statement)], cause, loading, signal),
      hear: (line) => void ((warnings += 1) <= mostWarnings && loading.heard?.(loading.shown(line))),
    },
    signal,
  );
  for (const statement of opening) await session.run(statement);
  return session;
}

/** How a session reads quotes depends on the server's setting, and a database may have its own. */
const opening = ['SET standard_conforming_strings = on', 'BEGIN'].map((text) => Buffer.from(text));

/** A piece is a statement, a comment or white space. */
async function runEach(pieces: AsyncIterable<Buffer>, run: CopySession['run']): Promise<void> {
  for await (const text of pieces) if (!noStatement.test(text.toString('latin1', 0, 2))) await run(text);
}

/** The first piece is the statement. */
async function copyBlock(content: AsyncIterable<Buffer>, session: CopySession, lane: Lane | undefined): Promise<void> {
  const pieces = content[Symbol.asyncIterator]();
  const first = await pieces.next();
  if (first.done === true) return;
  const [, table = ''] = copiedTable.exec(first.value.toString('latin1')) ?? [];
  if (lane?.begins(printed(table)) === true && (await truncated(table, session))) lane.emptied.add(table);
  const statement = lane?.emptied.has(table) === true ? frozen(first.value) : first.value;
  await session.copy(statement, withoutEnd({ [Symbol.asyncIterator]: () => pieces }));
}

const copyEnd = ' FROM stdin;\n';

/**
 * Rows that nobody else can see before this transaction ends may be marked as visible to everybody from the start.
 * Otherwise their first reader, an index or the proof, marks each page, and VACUUM does so once more.
 */
function frozen(statement: Buffer): Buffer {
  const text = statement.toString('latin1');
  return text.endsWith(copyEnd)
    ? Buffer.from(`${text.slice(0, -copyEnd.length)} FROM stdin WITH (FREEZE);\n`, 'latin1')
    : statement;
}

/**
 * A server with `wal_level = minimal` does not log rows that are loaded in the transaction that truncated their table.
 * False, and nothing is truncated, if the table has rows, as an extension's table may, or is referenced by another.
 */
async function truncated(table: string, { run }: CopySession): Promise<boolean> {
  const id = `pg_catalog.to_regclass('${table.replaceAll("'", "''")}')`;
  const isEmpty =
    `SELECT FROM pg_catalog.pg_class WHERE oid = ${id} AND relkind = 'r' AND NOT EXISTS (SELECT FROM ONLY ${table}) ` +
    `AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint WHERE contype = 'f' AND confrelid = ${id})`;
  if ((await run(Buffer.from(isEmpty, 'latin1'))) !== 'SELECT 1') return false;
  await run(Buffer.from(`TRUNCATE TABLE ONLY ${table}`, 'latin1'));
  return true;
}

/** The grammar ensures that rows end with that line, and yields it as one piece. */
async function* withoutEnd(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let held: Buffer | undefined;
  for await (const piece of pieces) {
    if (held !== undefined) yield held;
    held = piece;
  }
  if (held !== undefined) yield held.subarray(0, held.length - endLine.length);
}

/** A server's message has a severity; everything else is the driver's message about a lost connection. */
function refusalOf(cause: unknown, statement: Uint8Array): RefusedStatement {
  const { severity, message } = cause as { severity?: string; message?: string };
  const error = severity === undefined ? `could not receive data from server: ${message}` : `${severity}:  ${message}`;
  return { object: '', error, statement: Buffer.from(statement.subarray(0, longestStatement)).toString().trim() };
}
