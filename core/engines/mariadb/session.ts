import { connect, isIP } from 'node:net';
import type { Socket } from 'node:net';
import mysql from 'mysql2/promise';
import { connectLimitMs } from '../connecting.ts';
import { abortError, BackupError } from '../../domain/errors.ts';
import { authorityOf, passwordOf, placeOf } from '../login.ts';
import type { Login } from '../login.ts';
import { explained } from './failures/explain.ts';
import { byteText } from './quoting.ts';
import { sendStatement } from './raw-statement.ts';

const quitLimitMs = 3_000;
const abortGraceMs = 5_000;
/** For one answer; dropping a large database takes minutes. */
const queryLimitMs = 600_000;

/** The server that answers. `number`: 110806 for 11.8.6. */
export type Server = { product: 'MariaDB' | 'MySQL'; version: string; number: number };

/** A connection for queries about the catalogue. Values are text, or null. */
export type MariadbSession = {
  server: Server;
  rows(sql: string, values?: unknown[]): Promise<TextRow[]>;
  /** What the server holds, in any character set: bytes as characters (latin1). */
  bytes(sql: string): Promise<TextRow[]>;
  /** Runs a statement given as bytes, which must not change until then. Ignores its result. */
  send(statement: Uint8Array): Promise<void>;
  close(): Promise<void>;
};

export type TextRow = Record<string, string | null>;

/** Character sets of connections, by the driver's names: ours, and that in which mariadb-dump reads rows. */
const charsets = { utf8mb4: 'utf8mb4_general_ci', binary: 'BINARY' } as const;
export type Charset = keyof typeof charsets;

/**
 * Connects to the database of the login, or to none (`null`). Throws `source-unreachable`, or `source-unsupported` for
 * a server that is too old. `outlivesAbort`: an abort ends what is asked, and the connection stays until it is closed.
 */
export async function openSession(
  login: Login,
  signal: AbortSignal,
  database: string | null = login.database,
  charset: Charset = 'utf8mb4',
  { outlivesAbort = false } = {},
): Promise<MariadbSession> {
  if (signal.aborted) throw abortError(signal);
  const place = placeOf('mariadb', login);
  let connection: mysql.Connection | undefined;
  const onAbort = () => (outlivesAbort ? undefined : connection?.destroy());
  signal.addEventListener('abort', onAbort, { once: true });
  const fail = (cause: unknown) => (signal.aborted ? abortError(signal) : explained(cause, place, login));

  // given values, even an empty list, the driver looks for placeholders in the statement
  const query = async (sql: string, values: unknown[] | null, more: Partial<mysql.QueryOptions> = {}) => {
    if (signal.aborted) throw abortError(signal);
    try {
      const asked = connection!.query<mysql.RowDataPacket[]>({ sql, values, ...more });
      const [found] = await within(queryLimitMs + login.lockTimeoutMs, asked, signal);
      return Array.isArray(found) ? found.map(asText) : [];
    } catch (cause) {
      throw fail(cause);
    }
  };
  const rows: MariadbSession['rows'] = (sql, values) => query(sql, values ?? null);
  const bytes: MariadbSession['bytes'] = async (sql) => {
    await rows('SET character_set_results = binary');
    const found = await query(sql, null, { typeCast: (field) => field.buffer()?.toString('latin1') ?? null });
    await rows('SET character_set_results = utf8mb4');
    return found;
  };
  const send = async (statement: Uint8Array) => {
    if (signal.aborted) throw abortError(signal);
    await within(queryLimitMs + login.lockTimeoutMs, sendStatement(connection!, statement), signal).catch(
      (cause: unknown) => {
        throw fail(cause);
      },
    );
  };
  const close = async () => {
    signal.removeEventListener('abort', onAbort);
    await quit(connection);
  };
  try {
    connection = await mysql.createConnection(await optionsOf(login, database, charset, signal));
    connection.on('error', () => {}); // the next query tells
    const server = await serverOf(rows, place);
    await rows(settings(login));
    return { server, rows, bytes, send, close };
  } catch (cause) {
    await close();
    throw fail(cause);
  }
}

/** Opens a session, works with it, and closes it whatever happens. */
export async function withSession<T>(
  login: Login,
  signal: AbortSignal,
  work: (session: MariadbSession) => Promise<T>,
  database?: string | null,
  charset?: Charset,
): Promise<T> {
  const session = await openSession(login, signal, database, charset);
  try {
    return await work(session);
  } finally {
    await session.close();
  }
}

async function optionsOf(
  login: Login,
  database: string | null,
  charset: Charset,
  signal: AbortSignal,
): Promise<mysql.ConnectionOptions> {
  return {
    host: login.host,
    port: login.port,
    user: login.user,
    password: (await passwordOf(login, signal)) ?? '',
    // the driver writes a name in the charset, and the server reads it as UTF-8
    ...(database === null ? {} : { database: charset === 'binary' ? byteText(database) : database }),
    ...(login.tls.mode === 'off'
      ? {}
      : { ssl: { ca: await authorityOf(login.tls.ca), rejectUnauthorized: true, verifyIdentity: true } }),
    // RDS asks for a token, and servers with PAM or LDAP for the password, in plain text: only sent to a server whose
    // certificate was checked
    enableCleartextPlugin: login.tls.mode === 'verify',
    stream: () => socketTo(login),
    charset: charsets[charset],
    connectTimeout: connectLimitMs(login),
    supportBigNumbers: true,
    bigNumberStrings: true,
    dateStrings: true,
    multipleStatements: false,
    // statements are also sent as bytes, without attributes before them
    flags: ['-IGNORE_SPACE', '-CLIENT_QUERY_ATTRIBUTES'],
  };
}

/**
 * An answer, waited for so long, and once `signal` has aborted only a moment more: so it is known of most statements what
 * they did. After a lost connection, the driver's own limit would keep the process from ending for those ten minutes.
 */
async function within<T>(ms: number, answer: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer for ${Math.round(ms / 1000)} s`)), ms);
  let grace: NodeJS.Timeout | undefined;
  const onAbort = () => {
    grace = setTimeout(() => reject(abortError(signal)), abortGraceMs);
  };
  signal.addEventListener('abort', onAbort, { once: true });
  return Promise.race([answer, late]).finally(() => {
    signal.removeEventListener('abort', onAbort);
    clearTimeout(timer);
    clearTimeout(grace);
  });
}

/** Says good-bye, and hangs up if there is no answer. */
async function quit(connection: mysql.Connection | undefined): Promise<void> {
  if (connection === undefined) return;
  const { promise: hungUp, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(() => {
    connection.destroy();
    resolve(); // behind a statement without an answer, the driver never says that it has ended
  }, quitLimitMs);
  await Promise.race([connection.end().catch(() => {}), hungUp]); // it is over either way
  clearTimeout(timer);
}

/**
 * The driver gives TLS no host name if the host is an address, and Node then checks the certificate for `localhost`;
 * this socket has it.
 */
function socketTo({ host, port }: Login): Socket {
  const socket = connect({ host, port, noDelay: true, keepAlive: true });
  return isIP(host) === 0 ? socket : Object.assign(socket, { _host: host });
}

/**
 * Definitions must be printed the same way, and large tables read to their end, whatever the server's defaults are;
 * `lock_wait_timeout` is in seconds, at least one.
 */
function settings(login: Login): string {
  const lockSeconds = Math.max(1, Math.ceil(login.lockTimeoutMs / 1000));
  return `SET SESSION sql_mode = '', time_zone = '+00:00', sql_quote_show_create = 1, sql_big_selects = 1, lock_wait_timeout = ${lockSeconds}, wait_timeout = 3600 /*M! , tx_read_only = 0, max_statement_time = 0 */ /*!50720 , transaction_read_only = 0, max_execution_time = 0 */`;
}

async function serverOf(rows: MariadbSession['rows'], place: string): Promise<Server> {
  const [row] = await rows('SELECT VERSION() AS version, @@version_comment AS comment');
  if (row === undefined) {
    throw new BackupError('source-unsupported', `${place} gives no row of any answer (sql_select_limit = 0)`, {
      hint: 'run as an administrator: SET GLOBAL sql_select_limit = DEFAULT; (or take it out of init_connect)',
    });
  }
  const text = row['version'] ?? '';
  const product = /mariadb/i.test(`${text} ${row['comment']}`) ? 'MariaDB' : 'MySQL';
  const [version = '', major = 0, minor = 0, patch = 0] = /^(\d+)\.(\d+)(?:\.(\d+))?/.exec(text) ?? [];
  const number = Number(major) * 10_000 + Number(minor) * 100 + Number(patch);
  if (number < (product === 'MariaDB' ? 100_400 : 50_700)) {
    throw new BackupError(
      'source-unsupported',
      `${place} is ${product} ${text}; Nightjar works with MariaDB 10.4, MySQL 5.7 and newer`,
    );
  }
  return { product, version, number };
}

function asText(row: object): TextRow {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]: [string, unknown]) => [
      name,
      value === null ? null : Buffer.isBuffer(value) ? value.toString('utf8') : String(value),
    ]),
  );
}
