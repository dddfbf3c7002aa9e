import { test, expect } from '@jest/globals';
import { access, readFile } from 'node:fs/promises';
import { createConnection } from 'mysql2/promise';
import pg from 'pg';
import { startMariadb, type MariadbSeries } from './mariadb.ts';
import { startMysql } from './mysql.ts';
import { startPostgres } from './postgres.ts';
import type { PostgresMajor } from './postgres-packages.ts';
import { startLimitMs, type DatabaseServer } from '../server.ts';

test.each<PostgresMajor>([13, 15, 17, 18])(
  'PostgreSQL %i starts, answers with contrib, ICU and time zones, and leaves nothing behind',
  async (major) => {
    const server = await startPostgres({ major });

    const rows = await askPostgres(
      server,
      `CREATE EXTENSION pg_trgm; SELECT current_setting('server_version_num')::int / 10000 AS major,
      upper('straße' COLLATE "de-x-icu") AS upper, timestamptz '2026-07-01 12:00Z' AT TIME ZONE 'Europe/Berlin' = '2026-07-01 14:00' AS summer`,
    );
    await server.stop();

    expect(rows).toEqual([{ major, upper: 'STRASSE', summer: true }]);
    expect(await isGone(server)).toBe(true);
  },
  startLimitMs,
);

test(
  'a PostgreSQL server with TLS proves its name, and takes no plain connection',
  async () => {
    const server = await startPostgres({ major: 18, tls: true });

    const rows = await askPostgres(server, 'SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()');
    const { caFile: _, ...plain } = server;
    await expect(askPostgres(plain, 'SELECT 1')).rejects.toThrow('no encryption');
    await server.stop();

    expect(rows).toEqual([{ ssl: true, version: 'TLSv1.3' }]);
  },
  startLimitMs,
);

test.each<MariadbSeries>(['10.11', '11.8'])(
  'MariaDB %s starts, answers, and leaves nothing behind',
  async (series) => {
    const server = await startMariadb({ series });

    const rows = await askMysql(server, 'SELECT version() AS version, current_user() AS user');
    await server.stop();

    expect(rows).toEqual([{ version: expect.stringMatching(`^${series}.*MariaDB`), user: 'root@127.0.0.1' }]);
    expect(await isGone(server)).toBe(true);
  },
  startLimitMs,
);

test(
  'MySQL starts, asks for a caching_sha2_password login, and leaves nothing behind',
  async () => {
    const server = await startMysql();

    const rows = await askMysql(
      server,
      "SELECT @@version_comment AS comment, plugin FROM mysql.user WHERE user = 'root' AND host = '127.0.0.1'",
    );
    await server.stop();

    expect(rows).toEqual([{ comment: expect.not.stringContaining('MariaDB'), plugin: 'caching_sha2_password' }]);
    expect(await isGone(server)).toBe(true);
  },
  startLimitMs,
);

test.each([
  ['MariaDB', () => startMariadb({ series: '11.8', tls: true })],
  ['MySQL', () => startMysql({ tls: true })],
] as const)(
  'a %s server with TLS proves its name, and takes no plain connection',
  async (_name, start) => {
    const server = await start();

    const rows = await askMysql(server, "SHOW STATUS LIKE 'Ssl_version'");
    const { caFile: _, ...plain } = server;
    await expect(askMysql(plain, 'SELECT 1')).rejects.toThrow('insecure transport');
    await server.stop();

    expect(rows).toEqual([{ Variable_name: 'Ssl_version', Value: 'TLSv1.3' }]);
  },
  startLimitMs,
);

type Login = Pick<DatabaseServer, 'host' | 'port' | 'user' | 'password' | 'caFile'>;

async function askPostgres({ host, port, user, password, caFile }: Login, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ host, port, user, password, database: 'postgres', ...(await verified(caFile)) });
  try {
    await client.connect();
    const results: unknown = await client.query(sql);
    return ([results].flat().at(-1) as pg.QueryResult).rows as unknown[];
  } finally {
    await client.end();
  }
}

async function askMysql({ host, port, user, password, caFile }: Login, sql: string): Promise<unknown> {
  const connection = await createConnection({ host, port, user, password, ...(await verified(caFile)) });
  try {
    const [rows] = await connection.query(sql);
    return rows;
  } finally {
    await connection.end();
  }
}

async function verified(caFile: string | undefined): Promise<{ ssl?: { ca: string; rejectUnauthorized: true } }> {
  return caFile === undefined ? {} : { ssl: { ca: await readFile(caFile, 'utf8'), rejectUnauthorized: true } };
}

async function isGone({ pid, dataDir }: DatabaseServer): Promise<boolean> {
  const [process, data] = await Promise.all(
    [`/proc/${pid}`, dataDir].map((path) =>
      access(path).then(
        () => true,
        () => false,
      ),
    ),
  );
  return !process && !data;
}
