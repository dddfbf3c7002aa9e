import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PostgresMajor } from '../servers/databases/postgres-packages.ts';
import type { PostgresScene } from './postgres.ts';

const folder = join(import.meta.dirname, '../data/postgres/typed');

/**
 * Makes a database out of one of the scripts in test/data/postgres/typed: its sections "-- since N" where the server is
 * of that major or newer.
 */
export async function makeTyped(
  { sql }: Pick<PostgresScene, 'sql'>,
  database: string,
  script: string,
  major: PostgresMajor,
): Promise<void> {
  await sql('postgres', `create database "${database}" template template0`);
  const [first = '', ...later] = (await readFile(join(folder, `${script}.sql`), 'utf8')).split(/^-- since (?=\d+$)/m);
  await sql(database, first);
  for (const section of later)
    if (Number.parseInt(section, 10) <= major) await sql(database, section.replace(/^\d+/, ''));
}
