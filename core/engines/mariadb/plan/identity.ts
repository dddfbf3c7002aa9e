import { isBackupError } from '../../../domain/errors.ts';
import type { MariadbSession } from '../session.ts';
import { isTransactional } from '../tables.ts';
import type { MariadbTable } from '../tables.ts';
import { isHere } from '../exact-names.ts';

/**
 * Distinguishes a table from another that has taken its name, and from itself after it was emptied or rebuilt: InnoDB's
 * ids (of each partition), and the server's creation time. By name, for the tables that a transaction protects; a table
 * that is gone has none.
 */
export type TableIds = ReadonlyMap<string, string>;

/**
 * Reads the tables' identities. Ids need the right PROCESS; without it only the time remains. MariaDB takes the time
 * from the definition's file, so RENAME and ALTER change it and TRUNCATE does not; on MySQL it follows the table to a
 * new name.
 */
export async function readIdentities(session: MariadbSession, tables: MariadbTable[]): Promise<TableIds> {
  const times = await session.rows(
    `SELECT TABLE_NAME AS name, CREATE_TIME AS time FROM information_schema.TABLES WHERE ${isHere('TABLE_SCHEMA')}`,
  );
  const timeOf = new Map(times.map(({ name, time }) => [name ?? '', time]));
  const [row] = await session.rows('SELECT @@lower_case_table_names AS folded');
  const asKept = (name: string) => (row?.['folded'] === '0' ? name : name.toLowerCase());
  const idOf = idsByName(await readIds(session, asKept), asKept);
  const known = tables.filter((table) => isTransactional(table) && timeOf.has(table.name));
  return new Map(known.map(({ name }) => [name, `${timeOf.get(name)} ${idOf(name)}`]));
}

/**
 * Waits until no table was made within the current second, the resolution of those times: a change in it would leave no
 * trace.
 */
export async function waitForClock(session: MariadbSession): Promise<void> {
  const recent = `SELECT 1 FROM information_schema.TABLES
    WHERE ${isHere('TABLE_SCHEMA')} AND CREATE_TIME >= NOW(6) - INTERVAL 1020000 MICROSECOND LIMIT 1`;
  for (let tries = 0; tries < 3; tries += 1) {
    if ((await session.rows(recent)).length === 0) return;
    await session.rows('DO SLEEP(0.35)');
  }
}

type Id = { name: string; id: string };

/** InnoDB's names and ids in the session's database; empty for users who may not see them. */
async function readIds(session: MariadbSession, asKept: (name: string) => string): Promise<Id[]> {
  const view =
    session.server.product === 'MySQL' && session.server.number >= 80_000 ? 'INNODB_TABLES' : 'INNODB_SYS_TABLES';
  const [row] = await session.rows('SELECT DATABASE() AS name');
  const database = row?.['name'] ?? '';
  const prefix = `${fileName(database, '%')}/%`.replaceAll('_', '\\_');
  const wanted = asKept(fileName(database, anyLetter));
  try {
    const query = `SELECT NAME AS name, TABLE_ID AS id FROM information_schema.${view} WHERE NAME LIKE ?`;
    const found = await session.rows(query, [prefix]);
    const parts = found.map(({ name, id }) => [...asKept(name!).split('/'), id ?? ''] as const);
    // to LIKE, `Shop` equals `shop`
    return parts.flatMap(([of = '', name = '', id = '']) => (likeFileName(of, wanted) ? [{ name, id }] : []));
  } catch (error) {
    if (isBackupError(error, 'privilege-missing')) return [];
    throw error;
  }
}

/** The ids of a table: its own, or those of its partitions, whose names continue with `#P#`, on MySQL `#p#`. */
function idsByName(ids: Id[], asKept: (name: string) => string): (table: string) => string {
  const byName = Map.groupBy(ids, ({ name }) => name.split(/#p#/i)[0] ?? '');
  return (table) => {
    const wanted = asKept(fileName(table, anyLetter));
    const alike = () => [...byName].flatMap(([name, of]) => (likeFileName(name, wanted) ? of : []));
    const found = wanted.includes(anyLetter) ? alike() : (byName.get(wanted) ?? []);
    return found
      .map(({ id }) => id)
      .sort()
      .join(' ');
  };
}

/**
 * A name as InnoDB writes it: everything except letters, digits and `_` by its code. `other` stands for any letter
 * beyond ASCII.
 */
function fileName(name: string, other: string): string {
  const code = (char: string) => char.charCodeAt(0).toString(16).padStart(4, '0');
  return name.replace(/[^0-9A-Za-z_]/gu, (char) => (char <= '\x7f' ? `@${code(char)}` : other));
}

const anyLetter = '\0';

/** Whether a file name may be the wanted one. Another one that also fits only adds its ids. */
function likeFileName(name: string, wanted: string): boolean {
  return new RegExp(`^${wanted.replaceAll(anyLetter, '@(?:[0-9a-f]{4}|[0-9A-Za-z]{2})')}$`).test(name);
}
