import { createHash } from 'node:crypto';
import type { Login } from '../../login.ts';
import type { MariadbSession } from '../session.ts';

/**
 * In characters, of the 64 that a name may have: the longest ending is `_before_<backup>_1`, and it may be added more
 * than once.
 */
const longestStart = 30;
const checksumLength = 8;
const idText = '\\d{8}T\\d{6}Z-[0-9a-f]{6}';

/** A name as this server stores it: a server that ignores case stores lower case. */
export async function keptName(session: MariadbSession, name: string): Promise<string> {
  const [row] = await session.rows('SELECT @@lower_case_table_names AS folded');
  return row?.['folded'] === '0' ? name : name.toLowerCase();
}

/** The database for a backup that is to take the place of the one of `login`. */
export async function newName(session: MariadbSession, { database }: Login, id: string): Promise<string> {
  return keptName(session, `${await startFor(session, database)}_new_${id}`);
}

/** The name of the database that keeps what is replaced: by the backup `id`, or by what stood there before it. */
export async function freeName(
  session: MariadbSession,
  { database }: Login,
  { id, word = 'before' }: { id: string; word?: 'before' | 'undone' | undefined },
): Promise<string> {
  const rows = await session.rows('SELECT SCHEMA_NAME AS name FROM information_schema.SCHEMATA');
  const taken = new Set(rows.map(({ name }) => name));
  const start = await startFor(session, database);
  for (let attempt = 0; ; attempt += 1) {
    const name = await keptName(session, `${start}_${word}_${id}${attempt === 0 ? '' : `_${attempt}`}`);
    if (!taken.has(name)) return name;
  }
}

/** Whether a replacement of the database of `login` gives this name to a database beside it. */
export async function isBeside(session: MariadbSession, { database }: Login, name: string): Promise<boolean> {
  const start = await startFor(session, database);
  return name.startsWith(start) && endings.test(name.slice(start.length));
}

const endings = new RegExp(`^_(?:new|before|undone)_${idText}(?:_\\d+)?$`, 'i');

/** Whether this is the id of a backup. */
export function isId(text: unknown): text is string {
  return typeof text === 'string' && new RegExp(`^${idText}$`).test(text);
}

/** What restores that died, or that skipped failures, have made for the database of `login`. */
export async function halfMade(session: MariadbSession, login: Login): Promise<string[]> {
  const rows = await session.rows(
    `SELECT SCHEMA_NAME AS name FROM information_schema.SCHEMATA WHERE SCHEMA_NAME LIKE '%\\_new\\_%'`,
  );
  const found: string[] = [];
  for (const { name } of rows) {
    const [, id] = new RegExp(`_new_(${idText})$`, 'i').exec(name ?? '') ?? [];
    if (id !== undefined && name === (await newName(session, login, id))) found.push(name);
  }
  return found;
}

/** The databases of a replacement, as a GRANT names them. */
export async function besidePattern(session: MariadbSession, { database }: Login): Promise<string> {
  const start = await startFor(session, database);
  return `\`${start.replaceAll(/[\\_%]/g, '\\$&').replaceAll('`', '``')}\\_%\`.*`;
}

/**
 * The prefix of the names: for a long name its beginning and a checksum of all of it, because others may begin alike.
 */
async function startFor(session: MariadbSession, database: string): Promise<string> {
  const whole = await keptName(session, database);
  const letters = [...whole];
  if (letters.length <= longestStart) return whole;
  const checksum = createHash('sha256').update(whole).digest('hex').slice(0, checksumLength);
  return `${letters.slice(0, longestStart - checksumLength - 1).join('')}_${checksum}`;
}
