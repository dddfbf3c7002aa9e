import mysql from 'mysql2/promise';
import pg from 'pg';
import type { DatabaseServer } from '../../../servers/server.ts';

/** Runs statements as the server's superuser. */
export async function asPostgres(
  { host, port, user, password, caFile }: DatabaseServer,
  database: string,
  ...statements: string[]
): Promise<void> {
  const client = new pg.Client({
    host,
    port,
    user,
    password,
    database,
    ...(caFile !== undefined && { ssl: { rejectUnauthorized: false } }),
  });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}

/** The same on MariaDB and MySQL; every statement may have several in it. */
export async function asRoot(
  { host, port, user, password, caFile }: DatabaseServer,
  ...statements: string[]
): Promise<void> {
  const connection = await mysql.createConnection({
    host,
    port,
    user,
    password,
    multipleStatements: true,
    ...(caFile !== undefined && { ssl: { rejectUnauthorized: false } }),
  });
  try {
    for (const statement of statements) await connection.query(statement);
  } finally {
    await connection.end();
  }
}

/** `host: …, port: …` of a server, for a configuration. */
export function at({ host, port }: DatabaseServer): string {
  return `host: ${host}, port: ${port}`;
}
