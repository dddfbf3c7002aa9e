import { BackupError } from '../../../domain/errors.ts';
import { formatDuration } from '../../../domain/units.ts';
import type { ByteStream } from '../../../ports.ts';
import { placeOf } from '../../login.ts';
import type { Login } from '../../login.ts';
import { quoteName, unquoteName } from '../quoting.ts';
import { withSession } from '../session.ts';
import type { MariadbSession } from '../session.ts';
import { isHere } from '../exact-names.ts';

const askLimitMs = 15_000;

/**
 * The output of a program that reads the database; throws `lock-timeout` if it has waited for a lock for longer than
 * the login allows. mariadb-dump has no setting for that, and a server lets it wait for a day. Asks the server only
 * after that long a silence.
 */
export async function* withinLockLimit(
  open: (signal: AbortSignal) => ByteStream,
  login: Login,
  signal: AbortSignal,
): ByteStream {
  const stop = new AbortController();
  const tickMs = Math.min(1000, Math.max(50, login.lockTimeoutMs / 4));
  let [silentMs, pulling, asking] = [0, false, false];
  const timer = setInterval(() => {
    silentMs = pulling ? silentMs + tickMs : 0;
    if (silentMs < login.lockTimeoutMs || asking) return;
    asking = true;
    void waitingForLock(login, AbortSignal.any([signal, stop.signal, AbortSignal.timeout(askLimitMs)]))
      .then(
        (error) => error && stop.abort(error),
        () => {},
      ) // the program itself will tell that the server is gone
      .finally(() => ([silentMs, asking] = [0, false]));
  }, tickMs);
  try {
    pulling = true;
    for await (const chunk of open(AbortSignal.any([signal, stop.signal]))) {
      [silentMs, pulling] = [0, false];
      yield chunk;
      pulling = true;
    }
  } finally {
    clearInterval(timer);
    stop.abort();
  }
}

/** Adds to an error which session holds a table's lock, as far as the server tells. */
export async function withHolder(
  error: unknown,
  session: MariadbSession,
  table: string,
  place: string,
): Promise<unknown> {
  if (!(error instanceof BackupError) || error.code !== 'lock-timeout') return error;
  return lockError(place, table, await holderOf(session, table), error);
}

async function waitingForLock(login: Login, signal: AbortSignal): Promise<BackupError | undefined> {
  return withSession(login, signal, async (session) => {
    const sessions = await session.rows('SHOW FULL PROCESSLIST');
    const waiting = sessions.find(
      (row) =>
        row['User'] === login.user &&
        row['db'] === login.database &&
        row['Command'] === 'Query' &&
        /^Waiting for .*(lock|flush)/i.test(row['State'] ?? ''),
    );
    if (waiting === undefined) return undefined;
    const table = tableIn(waiting['Info'] ?? '') ?? '?';
    return lockError(placeOf('mariadb', login), table, await holderOf(session, table), undefined, login.lockTimeoutMs);
  });
}

function lockError(
  place: string,
  table: string,
  holder: string | undefined,
  cause: unknown,
  afterMs?: number,
): BackupError {
  const wait = afterMs === undefined ? '' : ` for ${formatDuration(afterMs)}`;
  const who = holder === undefined ? 'another session' : `session ${holder}`;
  return new BackupError('lock-timeout', `${place}: table ${quoteName(table)} was locked${wait} by ${who}`, {
    hint:
      'let that session finish, or end it: ' +
      `${holder === undefined ? 'SHOW FULL PROCESSLIST; KILL …' : `KILL ${Number.parseInt(holder, 10)}`}; or back ` +
      'up at a quieter time',
    cause,
  });
}

/**
 * Where servers record who holds a table, if they do: MySQL always, MariaDB with the performance schema or with its
 * plugin.
 */
const holderQueries = [
  `SELECT t.PROCESSLIST_ID AS id FROM performance_schema.metadata_locks l JOIN performance_schema.threads t ON t.THREAD_ID = l.OWNER_THREAD_ID
    WHERE ${isHere('l.OBJECT_SCHEMA')} AND l.OBJECT_NAME = ? AND l.LOCK_TYPE IN ('SHARED_NO_READ_WRITE', 'EXCLUSIVE') AND t.PROCESSLIST_ID <> CONNECTION_ID()
    ORDER BY l.LOCK_STATUS = 'GRANTED' DESC`,
  `SELECT THREAD_ID AS id FROM information_schema.METADATA_LOCK_INFO
    WHERE ${isHere('TABLE_SCHEMA')} AND TABLE_NAME = ? AND LOCK_MODE IN ('MDL_SHARED_NO_READ_WRITE', 'MDL_EXCLUSIVE') AND THREAD_ID <> CONNECTION_ID()`,
];

/** `42 (app@10.0.0.7)`; undefined if the server does not tell. */
async function holderOf(session: MariadbSession, table: string): Promise<string | undefined> {
  for (const query of holderQueries) {
    // many users lack this right or plugin; the error is reported all the same
    const [holder] = await session.rows(query, [table]).catch(() => []);
    if (holder === undefined) continue;
    const found = (await session.rows('SHOW PROCESSLIST')).find((row) => row['Id'] === holder['id']);
    return found === undefined ? `${holder['id']}` : `${holder['id']} (${found['User']}@${found['Host']})`;
  }
  return undefined;
}

function tableIn(statement: string): string | undefined {
  const [, quoted] = /(?:FROM|TABLE|IN)\s+(`(?:[^`]|``)*`)/i.exec(statement) ?? [];
  return quoted === undefined ? undefined : unquoteName(quoted);
}
