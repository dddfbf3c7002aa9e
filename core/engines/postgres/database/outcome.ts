import { setTimeout as sleep } from 'node:timers/promises';
import { BackupError, messageOf } from '../../../domain/errors.ts';
import type { Login } from '../../login.ts';
import { quoteLiteral } from '../identifier.ts';
import { sqlState } from '../session.ts';
import type { PostgresSession } from '../session.ts';
import { maintain } from './maintenance.ts';

/** The server may have to start again. */
const lookLimitMs = 12_000;
const betweenMs = 500;

/** The session that renames databases, and the number (oid) of the database that is to get a name. */
export type Renaming = { oid: number; pid: number; started: string };

/** What is needed to find out later whether a renaming was done, if its answer is lost. */
export async function aboutToRename(session: PostgresSession, whole: string): Promise<Renaming | undefined> {
  const [found] = await session.rows<Renaming>(
    `select d.oid, a.pid, a.backend_start::text as started
      from pg_database d, pg_stat_activity a where d.datname = $1 and a.pid = pg_backend_pid()`,
    [whole],
  );
  return found;
}

/** Whether the server itself has refused: an error of the network, or of its shutdown, is no answer. */
export function isAnswer(error: unknown): boolean {
  return /^(?!08|57P)[0-9A-Z]{5}$/.test(String(sqlState(error)));
}

/** Whether an error means that the connection broke or the server went away. */
export function isLost(error: unknown): boolean {
  return (error as { cause?: unknown } | null)?.cause !== undefined && !isAnswer(error);
}

/**
 * Whether a renaming whose answer was lost was done: ends the session that did it, so that it can't be done later, and
 * looks up the database's present name. Throws if that can't be found out.
 */
export async function wasRenamed(login: Login, renaming: Renaming, cause: unknown): Promise<boolean> {
  const limit = AbortSignal.timeout(lookLimitMs);
  let why = cause;
  while (!limit.aborted) {
    const name = await maintain(login, limit, (session) => nameWhenEnded(session, renaming, limit)).catch(
      (error: unknown) => {
        why = error;
        return undefined;
      },
    );
    if (name !== undefined) return name === login.database;
    await sleep(betweenMs, undefined, { signal: limit }).catch(() => {});
  }
  throw new BackupError(
    'restore-failed',
    `the connection was lost while database ${login.database} was being replaced (${messageOf(cause)}), and what ` +
      `became of it can't be told: ${messageOf(why)}`,
    {
      hint:
        'look at what the server has: \\l+ in psql; a database whose comment says that it was replaced is the old one, ' +
        'else nothing was changed',
      cause,
      mayBeDone: true,
    },
  );
}

/** The name of the database once that session has ended; undefined while it goes on. */
async function nameWhenEnded(
  session: PostgresSession,
  { oid, pid, started }: Renaming,
  limit: AbortSignal,
): Promise<string | undefined> {
  const own = `from pg_stat_activity where pid = ${pid} and backend_start::text = ${quoteLiteral(started)}`;
  await session.rows(`select pg_terminate_backend(pid) ${own}`);
  for (let left = 10; (await session.rows(`select 1 ${own}`)).length > 0; left -= 1) {
    if (left === 0) return undefined;
    await sleep(betweenMs / 5, undefined, { signal: limit });
  }
  const [found] = await session.rows<{ name: string }>('select datname as name from pg_database where oid = $1', [oid]);
  return found?.name ?? '';
}
