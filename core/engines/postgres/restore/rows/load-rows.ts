import { abortError } from '../../../../domain/errors.ts';
import type { Passed } from '../../../../pipeline/guard.ts';
import type { Loading } from '../loading.ts';
import { refusedError } from '../../failures/remedies.ts';
import type { RefusedStatement } from '../errors/restore-errors.ts';
import { judgedBlocksOf } from '../text/judged-blocks.ts';
import type { CopySession, CopySessionWishes } from './copy-session.ts';

/** `openRows`: a session that loads rows. `heard` takes what the server has said though all went well. */
export type RowLoading = Loading & {
  openRows(wishes: Pick<CopySessionWishes, 'explain' | 'hear'>, signal: AbortSignal): Promise<CopySession>;
  heard: ((words: string) => void) | undefined;
};

/** The line that ends rows: in a session, the message behind them does. */
const endLine = Buffer.from('\\.\n');
const longestStatement = 4000;
const mostWarnings = 100;
/** White space and comments between statements. */
const noStatement = /^(?:\s|--)/;

/** Loads a data part in one transaction of a session of ours, up to its first failure. Throws with what failed. */
export async function loadRows(
  pieces: AsyncGenerator<Passed>,
  loading: RowLoading,
  signal: AbortSignal,
): Promise<void> {
  const warnings: string[] = [];
  const session = await loading.openRows(
    {
      explain: (cause, statement) => refusedError([refusalOf(cause, statement)], cause, loading, signal),
      hear: (line) => void (warnings.length < mostWarnings && warnings.push(line)),
    },
    signal,
  );
  try {
    for (const statement of opening) await session.run(statement);
    for await (const { rows, content } of judgedBlocksOf(pieces)) {
      if (rows) await copyBlock(content, session.copy);
      else await runEach(content, session.run);
    }
    if (signal.aborted) throw abortError(signal);
    await session.run(Buffer.from('COMMIT'));
  } finally {
    await session.close();
  }
  if (warnings.length > 0) loading.heard?.(loading.shown(warnings.join('\n')));
}

/** How a session reads quotes follows the server's setting, which a database may have of its own. */
const opening = ['SET standard_conforming_strings = on', 'BEGIN'].map((text) => Buffer.from(text));

/** A piece is a statement, a comment or white space. */
async function runEach(pieces: AsyncIterable<Buffer>, run: CopySession['run']): Promise<void> {
  for await (const text of pieces) if (!noStatement.test(text.toString('latin1', 0, 2))) await run(text);
}

/** The first piece is the statement. */
async function copyBlock(content: AsyncIterable<Buffer>, copy: CopySession['copy']): Promise<void> {
  const pieces = content[Symbol.asyncIterator]();
  const first = await pieces.next();
  if (first.done !== true) await copy(first.value, withoutEnd({ [Symbol.asyncIterator]: () => pieces }));
}

/** The grammar lets no rows end without that line, and gives it out whole. */
async function* withoutEnd(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let held: Buffer | undefined;
  for await (const piece of pieces) {
    if (held !== undefined) yield held;
    held = piece;
  }
  if (held !== undefined) yield held.subarray(0, held.length - endLine.length);
}

/** What a server says has a severity; all else is the driver's word on a connection that is no more. */
function refusalOf(cause: unknown, statement: Uint8Array): RefusedStatement {
  const { severity, message } = cause as { severity?: string; message?: string };
  const error = severity === undefined ? `could not receive data from server: ${message}` : `${severity}:  ${message}`;
  return { object: '', error, statement: Buffer.from(statement.subarray(0, longestStatement)).toString().trim() };
}
