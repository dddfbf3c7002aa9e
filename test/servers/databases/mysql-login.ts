import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import mysql from 'mysql2/promise';
import { makeCertificate } from '../certificate.ts';
import { mysqlLiteral, chownToServer } from '../identity.ts';
import { opensslProgram } from '../root.ts';
import type { DatabaseServer } from '../server.ts';

/**
 * Writes what gives `root` this password, from the socket and from 127.0.0.1, for the server's `init-file`: so it
 * stands in no argument.
 */
export async function writeRootLogin(folder: string, password: string): Promise<string> {
  const file = join(folder, 'login.sql');
  const secret = mysqlLiteral(password);
  const statements = [
    `ALTER USER root@localhost IDENTIFIED BY ${secret};`,
    `CREATE USER IF NOT EXISTS root@'127.0.0.1' IDENTIFIED BY ${secret};`,
    `ALTER USER root@'127.0.0.1' IDENTIFIED BY ${secret};`,
    `GRANT ALL ON *.* TO root@'127.0.0.1' WITH GRANT OPTION;`,
  ];
  await writeFile(file, `${statements.join('\n')}\n`, { mode: 0o600 });
  await chownToServer(file);
  return file;
}

/** A certificate, and the settings with which MariaDB and MySQL serve it and take nothing else over TCP. */
export async function mysqlTls(
  folder: string,
  report: (line: string) => void,
  signal: AbortSignal,
): Promise<{ caFile: string; settings: Record<string, string> }> {
  const { caFile, certificateFile, keyFile } = await makeCertificate(
    folder,
    await opensslProgram(report, signal),
    signal,
  );
  return {
    caFile,
    settings: { 'ssl-ca': caFile, 'ssl-cert': certificateFile, 'ssl-key': keyFile, 'require-secure-transport': 'ON' },
  };
}

/** Logs in to a MariaDB or MySQL server, over TLS where it has an authority, and asks its version. */
export async function mysqlVersion({
  caFile,
  ...access
}: Pick<DatabaseServer, 'host' | 'port' | 'user' | 'password' | 'caFile'>): Promise<string> {
  const ssl = caFile === undefined ? {} : { ssl: { ca: await readFile(caFile, 'utf8') } };
  const connection = await mysql.createConnection({ ...access, ...ssl, connectTimeout: 5_000 });
  try {
    const [rows] = await connection.query<(mysql.RowDataPacket & { version: string })[]>('SELECT version() AS version');
    return rows[0]?.version ?? '';
  } finally {
    await connection.end();
  }
}
