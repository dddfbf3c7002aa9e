import type { Login } from '../../login.ts';
import type { MariadbSession } from '../session.ts';

/** In characters. */
const longestName = 64;
const idEnding = '\\d{8}T\\d{6}Z-[0-9a-f]{6}';

/** A name as this server keeps it: one that knows no capitals in names keeps small letters. */
export async function keptName(session: MariadbSession, name: string): Promise<string> {
  const [row] = await session.rows('SELECT @@lower_case_table_names AS folded');
  return row?.['folded'] === '0' ? name : name.toLowerCase();
}

/** The database in which a backup is made that is to take the place of the one of `login`. */
export function newName(session: MariadbSession, { database }: Login, id: string): Promise<string> {
  return keptName(session, withEnding(database, `_new_${id}`));
}

/** The name of the database that keeps what is replaced: by the backup `id`, or by what stood there before it. */
export async function freeName(
  session: MariadbSession,
  { database }: Login,
  { id, word = 'before' }: { id: string; word?: 'before' | 'undone' | undefined },
): Promise<string> {
  const rows = await session.rows('SELECT SCHEMA_NAME AS name FROM information_schema.SCHEMATA');
  const taken = new Set(rows.map(({ name }) => name));
  for (let attempt = 0; ; attempt += 1) {
    const ending = `_${word}_${id}${attempt === 0 ? '' : `_${attempt}`}`;
    const name = await keptName(session, withEnding(database, ending));
    if (!taken.has(name)) return name;
  }
}

/** What restores that died have begun to make for the database of `login`: nobody else gives such a name. */
export async function halfMade(session: MariadbSession, login: Login): Promise<string[]> {
  const rows = await session.rows(
    `SELECT SCHEMA_NAME AS name FROM information_schema.SCHEMATA WHERE SCHEMA_NAME LIKE '%\\_new\\_%'`,
  );
  const found: string[] = [];
  for (const { name } of rows) {
    const [, id] = new RegExp(`_new_(${idEnding})$`, 'i').exec(name ?? '') ?? [];
    if (id !== undefined && name === (await newName(session, login, id))) found.push(name);
  }
  return found;
}

/** The databases of a replacement, as a GRANT names them. */
export function besidePattern({ database }: Login): string {
  const start = withEnding(database, `_before_${'0'.repeat(23)}`).slice(0, -`_before_${'0'.repeat(23)}`.length);
  return `\`${start.replaceAll(/[\\_%]/g, '\\$&').replaceAll('`', '``')}\\_%\`.*`;
}

function withEnding(database: string, ending: string): string {
  return [...database].slice(0, longestName - ending.length).join('') + ending;
}
