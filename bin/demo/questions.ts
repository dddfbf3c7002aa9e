import mysql from 'mysql2/promise';
import pg from 'pg';
import type { Login } from '../../core/engines/login.ts';

type Access = Pick<Login, 'host' | 'port' | 'user' | 'database'> & { password: string };
type DemoAnswer = Record<string, unknown>;

/** Queries a database on its own connection, which is then closed: an open one would prevent a restore. */
export type Ask = <T>(
  work: (query: (sql: string) => Promise<DemoAnswer[]>) => Promise<T>,
  signal: AbortSignal,
) => Promise<T>;

/** Asks a PostgreSQL database. */
export function askPostgres({ host, port, user, password, database }: Access): Ask {
  return async (work, signal) => {
    signal.throwIfAborted();
    const client = new pg.Client({ host, port, user, password, database, connectionTimeoutMillis: 10_000 });
    client.on('error', () => {}); // the query that is running fails with it
    const onAbort = () => void client.end().catch(() => {});
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await client.connect();
      return await work(async (sql) => (await client.query<DemoAnswer>(sql)).rows);
    } finally {
      signal.removeEventListener('abort', onAbort);
      await client.end().catch(() => {});
    }
  };
}

/** Asks a MariaDB database. */
export function askMariadb({ host, port, user, password, database }: Access): Ask {
  return async (work, signal) => {
    signal.throwIfAborted();
    const connection = await mysql.createConnection({
      host,
      port,
      user,
      password,
      database,
      connectTimeout: 10_000,
      dateStrings: true,
      supportBigNumbers: true,
    });
    const onAbort = () => connection.destroy();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await work(async (sql) => (await connection.query<mysql.RowDataPacket[]>(sql))[0]);
    } finally {
      signal.removeEventListener('abort', onAbort);
      connection.destroy();
    }
  };
}
