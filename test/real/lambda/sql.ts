import mysql from 'mysql2/promise';
import pg from 'pg';
import type { DatabaseServer } from '../../servers/server.ts';

/** Runs statements in a PostgreSQL database, one after the other; the rows of the last one. */
export async function postgresSql(
  { host, port, user, password }: DatabaseServer,
  database: string,
  ...statements: string[]
): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ host, port, user, password, database });
  await client.connect();
  try {
    let rows: Record<string, unknown>[] = [];
    for (const statement of statements) rows = (await client.query<Record<string, unknown>>(statement)).rows;
    return rows;
  } finally {
    await client.end();
  }
}

/** Runs statements on a MariaDB server, one after the other; the rows of the last one. */
export async function mariadbSql(
  { host, port, user, password }: DatabaseServer,
  ...statements: string[]
): Promise<Record<string, unknown>[]> {
  const connection = await mysql.createConnection({ host, port, user, password });
  try {
    let rows: Record<string, unknown>[] = [];
    for (const statement of statements) rows = (await connection.query(statement))[0] as Record<string, unknown>[];
    return rows;
  } finally {
    await connection.end();
  }
}
