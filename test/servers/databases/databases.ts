import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Connection } from 'mysql2/promise';
import type { Client } from 'pg';

const folder = join(import.meta.dirname, 'every-feature');

/**
 * Makes in the client's database every kind of object and value that a PostgreSQL backup must bring back, as far as the
 * server's major knows them. Wants a superuser and an empty database in UTF-8; the roles `app_owner`, `App Reader` and
 * `grüße "x"` are made where missing.
 */
export async function everyFeaturePostgres(client: Client): Promise<void> {
  const { rows } = await client.query<{ major: number }>(
    "SELECT current_setting('server_version_num')::int / 10000 AS major",
  );
  const major = rows[0]?.major ?? 0;
  const script = await readFile(join(folder, 'postgres.sql'), 'utf8');
  for (const section of script.split(/^(?=-- )/m)) {
    const since = Number(/^-- since (\d+)$/m.exec(section)?.[1] ?? 0);
    if (since <= major) await client.query(section);
  }
}

/** The same for MariaDB, in the connection's database, with the connection of an all-powerful user. */
export async function everyFeatureMariadb(connection: Connection): Promise<void> {
  const script = await readFile(join(folder, 'mariadb.sql'), 'utf8');
  for (const statement of script.split(/^;;$/m)) if (statement.trim() !== '') await connection.query(statement);
}
