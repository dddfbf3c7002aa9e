import type { Manifest } from '../../../../contract/manifest/manifest.ts';
import { placeOf, refusedHint } from '../../../login.ts';
import type { Login } from '../../../login.ts';
import { usualRefusal } from '../../failures/explain.ts';
import type { Restorer } from '../../failures/remedies.ts';
import { openSession } from '../../session.ts';
import { explainStatement } from '../load-errors.ts';
import { initCommand, withRemedy } from '../loader.ts';

/**
 * Our own session that loads rows, by statements that the grammar of data parts has judged: bytes as characters
 * (latin1). Commits only what it is told to.
 */
export type RowSession = {
  run(statement: string): Promise<void>;
  /**
   * The same for a statement in bytes, which must not change until it is done. `asBytes`: its strings are bytes to the
   * server, which need not be read as utf8mb4.
   */
  send(statement: Buffer, asBytes: boolean): Promise<void>;
  close(): Promise<void>;
};

/** A comment for another server is a statement with nothing in it. */
const emptyStatement = 1065;

/**
 * Opens such a session in the database of `login`, with the settings of a client that loads rows. `slot`: identifies it
 * while it lives. Errors name the table and the beginning of the statement, and never a value.
 */
export async function openRowSession(
  login: Login,
  slot: number,
  settings: readonly string[],
  { from, restorer }: { from: Manifest['server']; restorer: Restorer },
  signal: AbortSignal,
): Promise<RowSession> {
  const session = await openSession(login, signal, login.database, 'binary');
  const [place, refusal] = [placeOf('mariadb', login), refusedHint(login, usualRefusal)];
  try {
    // the driver would follow a change of the character set, and write text in that one
    await session.rows(`SET SESSION session_track_system_variables = ''`);
    await session.rows('SET NAMES utf8mb4');
    await session.rows(initCommand(login, slot, [...settings, 'unique_checks = 1']));
  } catch (error) {
    await session.close();
    throw error;
  }
  const told = (error: unknown, statement: () => string): void => {
    const cause = (error as { cause?: { errno?: unknown } }).cause;
    if (cause?.errno === emptyStatement) return;
    if (signal.aborted) throw error;
    throw withRemedy(explainStatement(cause, statement(), place, refusal) ?? error, from, restorer);
  };
  let isBytes = false;
  const read = async (asBytes: boolean): Promise<void> => {
    if (asBytes !== isBytes) await session.rows(`SET NAMES ${asBytes ? 'binary' : 'utf8mb4'}`);
    isBytes = asBytes;
  };
  return {
    run: (statement) =>
      read(false)
        .then(() => session.rows(statement))
        .then(
          () => {},
          (error: unknown) => told(error, () => statement),
        ),
    send: (statement, asBytes) =>
      read(asBytes)
        .then(() => session.send(statement))
        .catch((error: unknown) => told(error, () => statement.toString('latin1'))),
    close: () => session.close(),
  };
}
