import { isBackupError } from '../../../domain/errors.ts';
import type { MariadbSession } from '../session.ts';
import { isTransactional } from '../tables.ts';
import type { MariadbTable } from '../tables.ts';

/**
 * What tells a table from another one that has taken its name, and from itself emptied or rebuilt: InnoDB's ids (of
 * each partition), and the time at which the server says it was made. By name, for the tables that a transaction
 * protects; one that is gone has none.
 */
export type TableIds = ReadonlyMap<string, string>;

/**
 * Reads the tables' identities. Ids need the right PROCESS; without it the time remains. MariaDB takes the time from
 * the file of the definition, so that each RENAME and ALTER moves it, and no TRUNCATE; on MySQL it goes with the table
 * to its new name.
 */
export async function readIdentities(session: MariadbSession, tables: MariadbTable[]): Promise<TableIds> {
  const times = await session.rows(
    'SELECT TABLE_NAME AS name, CREATE_TIME AS time FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()',
  );
  const timeOf = new Map(times.map(({ name, time }) => [name ?? '', time]));
  const idOf = idsByName(await readIds(session));
  const known = tables.filter((table) => isTransactional(table) && timeOf.has(table.name));
  return new Map(known.map(({ name }) => [name, `${timeOf.get(name)} ${idOf(name)}`]));
}

/**
 * Waits until no table was made within the running second, the unit of the times above: a change in it would leave no
 * trace.
 */
export async function waitForClock(session: MariadbSession): Promise<void> {
  const recent = `SELECT 1 FROM information_schema.TABLES
    WHERE TABLE_SCHEMA = DATABASE() AND CREATE_TIME >= NOW(6) - INTERVAL 1020000 MICROSECOND LIMIT 1`;
  for (let tries = 0; tries < 3; tries += 1) {
    if ((await session.rows(recent)).length === 0) return;
    await session.rows('DO SLEEP(0.35)');
  }
}

type Id = { name: string; id: string };

/** InnoDB's names and ids in the session's database; none for who may not see them. */
async function readIds(session: MariadbSession): Promise<Id[]> {
  const view =
    session.server.product === 'MySQL' && session.server.number >= 80_000 ? 'INNODB_TABLES' : 'INNODB_SYS_TABLES';
  const [row] = await session.rows('SELECT DATABASE() AS name');
  const prefix = `${fileName(row?.['name'] ?? '', '%')}/%`.replaceAll('_', '\\_');
  try {
    const query = `SELECT NAME AS name, TABLE_ID AS id FROM information_schema.${view} WHERE NAME LIKE ?`;
    const found = await session.rows(query, [prefix]);
    return found.map(({ name, id }) => ({ name: name!.slice(name!.indexOf('/') + 1).toLowerCase(), id: id ?? '' }));
  } catch (error) {
    if (isBackupError(error, 'privilege-missing')) return [];
    throw error;
  }
}

/** The ids of a table: its own, or those of its partitions, whose names go on with `#P#`. */
function idsByName(ids: Id[]): (table: string) => string {
  const byName = Map.groupBy(ids, ({ name }) => name.split('#p#')[0] ?? '');
  return (table) => {
    const wanted = fileName(table, anyLetter).toLowerCase();
    const alike = () => [...byName].flatMap(([name, of]) => (likeFileName(name, wanted) ? of : []));
    const found = wanted.includes(anyLetter) ? alike() : (byName.get(wanted) ?? []);
    return found
      .map(({ id }) => id)
      .sort()
      .join(' ');
  };
}

/**
 * A name as InnoDB writes it: all but letters, digits and `_` by their codes. `other` stands for any letter beyond
 * ASCII.
 */
function fileName(name: string, other: string): string {
  const code = (char: string) => char.charCodeAt(0).toString(16).padStart(4, '0');
  return name.replace(/[^0-9A-Za-z_]/gu, (char) => (char <= '\x7f' ? `@${code(char)}` : other));
}

const anyLetter = '\0';

/** Whether a file name may be the one wanted. Another one that fits too only adds its ids. */
function likeFileName(name: string, wanted: string): boolean {
  return new RegExp(`^${wanted.replaceAll(anyLetter, '@(?:[0-9a-f]{4}|[0-9a-z]{2})')}$`).test(name);
}
