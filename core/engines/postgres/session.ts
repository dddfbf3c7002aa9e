import { isIP, Socket } from 'node:net';
import type pg from 'pg';
import { abortError, BackupError, messageOf } from '../../domain/errors.ts';
import type { FailureCode } from '../../domain/errors.ts';
import { connectionRemedy, connectionWords } from '../connecting.ts';
import { placeOf, refusedHint } from '../login.ts';
import type { Login } from '../login.ts';
import { clientOf, connectClient } from './client.ts';
import { escapedQuery, unescapedRow, unsendable } from './raw-text.ts';
import { loginRemedy, readEverything, rightsRemedy } from './failures/rights.ts';

const transactionEnded = '25P02';
const conflictWithRecovery = '40001';
const queryLimitMs = 120_000;
const quitLimitMs = 30_000;

export const usualRefusal =
  'check the name of the user, the password in the place that the configuration names, and whether it has expired (\\du in psql)';

/** A connection for queries about the catalogue. */
export type PostgresSession = {
  /** The address of the answering server, if `host` is a name rather than the path of a socket. */
  address: string | undefined;
  /** The database's own encoding. Text that can't be sent in UTF-8 has marks in it (raw-text.ts). */
  encoding: string;
  /** Queries run one after the other; those passed at once stay together. */
  rows<T extends object>(sql: string, values?: unknown[]): Promise<T[]>;
  /** Why the server or the network has ended this session or its transaction. */
  lost(): BackupError | undefined;
  close(): Promise<void>;
};

/**
 * Settings of all our sessions: the server's own limits must not end a long dump, and text must be printed the same way
 * everywhere.
 */
export function sessionSettings(login: Login, serverMajor: number): Record<string, string> {
  return {
    statement_timeout: '0',
    idle_in_transaction_session_timeout: '0',
    ...timeoutsSince(serverMajor),
    lock_timeout: `${login.lockTimeoutMs}ms`,
    search_path: '',
    DateStyle: 'ISO',
    IntervalStyle: 'postgres',
    TimeZone: 'UTC',
    bytea_output: 'hex',
    lc_monetary: 'C',
    extra_float_digits: '3',
    synchronize_seqscans: 'off',
    row_security: 'off',
    quote_all_identifiers: 'off',
    standard_conforming_strings: 'on',
    jit: 'off', // compiling a catalogue query takes longer than running it
  };
}

/** Timeouts that only newer servers have, switched off. */
export function timeoutsSince(serverMajor: number): Record<string, string> {
  return {
    ...(serverMajor >= 14 && { idle_session_timeout: '0' }),
    ...(serverMajor >= 17 && { transaction_timeout: '0' }),
  };
}

/** Connects. Throws `source-unreachable`, or `source-unsupported` for a server before 13. */
export async function openSession(
  login: Login,
  signal: AbortSignal,
  database = login.database,
): Promise<PostgresSession & { serverMajor: number; serverVersion: string }> {
  if (signal.aborted) throw abortError(signal);
  const place = placeOf('postgres', { ...login, database });
  const socket = new Socket();
  const client = await clientOf({ ...login, database }, { socket, queryLimitMs }, signal);
  let lost: unknown;
  let failed: unknown;
  client.on('error', (error) => (lost ??= error)); // the server's own error takes precedence
  const onAbort = () => void client.end().catch(() => {});
  signal.addEventListener('abort', onAbort, { once: true });
  let encoding = 'UTF8';
  let turn: Promise<unknown> = Promise.resolve();
  async function ask<T extends object>(sql: string, values: unknown[]): Promise<T[]> {
    if (signal.aborted) throw abortError(signal);
    try {
      return encoding === 'UTF8'
        ? (await client.query<T>(sql, values)).rows
        : await rowsOrEscaped<T>(client, encoding, sql, values);
    } catch (cause) {
      if (signal.aborted) throw abortError(signal);
      const state = (cause as { code?: unknown }).code;
      if (state !== transactionEnded) failed = cause; // later errors only say that there was one
      if (state === conflictWithRecovery) lost ??= cause; // the transaction is over, and so is the snapshot
      throw explained(lost ?? failed, place, login);
    }
  }
  const session: Omit<PostgresSession, 'address'> = {
    encoding,
    rows<T extends object>(sql: string, values: unknown[] = []) {
      const answer = turn.then(() => ask<T>(sql, values));
      turn = answer.catch(() => {});
      return answer;
    },
    lost: () => (lost === undefined || signal.aborted ? undefined : explained(lost, place, login)),
    async close() {
      signal.removeEventListener('abort', onAbort);
      // a network that is gone answers no good-bye
      const timer = setTimeout(() => socket.destroy(), quitLimitMs);
      await client.end().catch(() => {});
      clearTimeout(timer);
    },
  };
  try {
    await connectClient(client);
    const [version] = await session.rows<{ number: number; text: string; encoding: string }>(
      `select current_setting('server_version_num')::int as number, split_part(current_setting('server_version'), ' ', 1) as text, current_setting('server_encoding') as encoding`,
    );
    encoding = version!.encoding;
    const serverMajor = Math.floor(version!.number / 10_000);
    if (serverMajor < 13)
      throw new BackupError(
        'source-unsupported',
        `${place} is PostgreSQL ${version!.text}; Nightjar works with 13 and newer`,
      );
    const settings = Object.entries(sessionSettings(login, serverMajor));
    const set = settings.map((_, index) => `set_config($${2 * index + 1}, $${2 * index + 2}, false)`);
    await session.rows(`select ${set.join(', ')}`, settings.flat());
    // if the server's system supports it, a session that waits for a lock notices that we are gone
    if (serverMajor >= 14)
      await session.rows(`select set_config('client_connection_check_interval', '5s', false)`).catch(() => {});
    const address = isIP(login.host) === 0 ? socket.remoteAddress : undefined;
    return { ...session, address, encoding, serverMajor, serverVersion: version!.text };
  } catch (cause) {
    await session.close();
    if (signal.aborted) throw abortError(signal);
    throw explained(cause, place, login, 'source-unreachable');
  }
}

/**
 * Asks again for bytes if an answer can't be sent as text. In a transaction, an error would end its snapshot, so a
 * savepoint protects it.
 */
async function rowsOrEscaped<T extends object>(
  client: pg.Client,
  encoding: string,
  sql: string,
  values: unknown[],
): Promise<T[]> {
  const keeps =
    client.getTransactionStatus() === 'T' && !sql.includes('pg_export_snapshot') && /^\s*select\b/i.test(sql);
  if (keeps) await client.query('savepoint asked');
  try {
    return (await client.query<T>(sql, values)).rows;
  } catch (cause) {
    if (!unsendable.includes(String((cause as { code?: unknown }).code))) throw cause;
    if (keeps) await client.query('rollback to asked');
    const { rows } = await client.query<{ row: string }>(escapedQuery(sql), values);
    return rows.map(({ row }) => unescapedRow<T>(row, encoding));
  }
}

/** The SQLSTATE of the server's answer, if an error comes from one. */
export function sqlState(error: unknown): unknown {
  return (error as { cause?: { code?: unknown } } | null)?.cause?.code;
}

/** Opens a session, works with it, and closes it whatever happens. */
export async function withSession<T>(
  login: Login,
  signal: AbortSignal,
  work: (session: PostgresSession) => Promise<T>,
): Promise<T> {
  const session = await openSession(login, signal);
  try {
    return await work(session);
  } finally {
    await session.close();
  }
}

/** A standby may end what blocks changes from its primary. */
export const standbyHint =
  'this is a standby that could not wait for the backup any longer: set max_standby_streaming_delay on it to more than a backup takes (or hot_standby_feedback = on), or back up the primary';

/** For text, mainly names, of a database that is not in UTF-8 and has to pass through it. */
export const noPlace =
  'some of its names hold bytes that are no text in UTF-8: rename what bears them, with client_encoding set to the database’s own encoding, or move all into a database in UTF8';

/** MULE_INTERNAL is the only encoding that PostgreSQL can't convert to or from UTF-8. */
const mulePath =
  'its encoding is MULE_INTERNAL, which PostgreSQL can’t convert to UTF-8: move it into a database in UTF8 by way of an encoding that both know, for instance ' +
  'pg_dump --encoding=EUC_JP old | psql new (or LATIN1, EUC_CN, EUC_KR, KOI8R, whichever its text was written in)';

const networkCodes = [
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EPIPE',
];

/** What server functions say when an object that a snapshot still shows is gone. */
export const goneMeanwhile = /could not open relation with OID|cache lookup failed for/;

const halfDroppedHint =
  'its drop was interrupted, and nobody can open it any more: DROP DATABASE it, and restore; ' +
  'or nightjar restore --undo, where what it was before is kept';

/** The meaning of PostgreSQL's answer for a person. SQLSTATE codes: PostgreSQL manual, appendix A. */
export function explained(
  cause: unknown,
  place: string,
  login: Login,
  otherwise: FailureCode = 'dump-failed',
): BackupError {
  if (cause instanceof BackupError) return cause;
  const state = (cause as { code?: unknown } | null)?.code;
  const said = connectionWords(cause);
  const told = (code: FailureCode, hint?: string) => new BackupError(code, `${place}: ${said}`, { hint, cause });
  switch (state) {
    case '55P03':
      return told('lock-timeout', 'another session holds a lock; see pg_stat_activity, or try at a quieter time');
    case '40P01':
      return told(
        'lock-timeout',
        'the backup and another session waited for each other: a migration, most likely; try at a quieter time',
      );
    case conflictWithRecovery:
      return told('source-changed', standbyHint);
    case '42501':
      // FATAL ends a login; a missing right on an object is an ERROR
      if ((cause as { severity?: unknown }).severity === 'FATAL')
        return told('privilege-missing', loginRemedy(said, login.user, readEverything(login.user)));
      return told(
        'privilege-missing',
        rightsRemedy(said, login.user) ?? `the role must be able to read everything: ${readEverything(login.user)}`,
      );
    case '28P01':
    case '28000':
      return told('source-unreachable', loginRemedy(said, login.user, refusedHint(login, usualRefusal)));
    case '0A000':
      if (!/conversion between/.test(messageOf(cause))) return told(otherwise);
      return told('source-unsupported', mulePath);
    case '22021':
    case '22P05':
      return told('source-unsupported', noPlace);
    case '3D000':
      return told(
        'source-unreachable',
        'is the name of the database right (psql -l lists them), or was it dropped or renamed just now?',
      );
    case '53300':
      return told(
        'source-unreachable',
        loginRemedy(
          said,
          login.user,
          'the server has no free connection; try at a quieter time, or with fewer parallel streams',
        ),
      );
    case '55000':
      if ((cause as { severity?: unknown }).severity !== 'FATAL') return told(otherwise);
      if (/invalid database/.test(messageOf(cause))) return told('source-unreachable', halfDroppedHint);
      return told('source-unreachable', loginRemedy(said, login.user, 'an administrator has to open the database'));
    case 'XX000':
      if (!goneMeanwhile.test(messageOf(cause))) return told(otherwise);
      return told('source-changed', 'something was dropped during the run; run again when no migration is running');
    default:
      return networkCodes.includes(String(state))
        ? told('source-unreachable', connectionRemedy(cause, login))
        : told(otherwise, connectionRemedy(cause, login));
  }
}
