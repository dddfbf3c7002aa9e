import type { ManifestPart } from '../../../../contract/manifest/manifest.ts';
import type { Login } from '../../../login.ts';
import { withSession } from '../../session.ts';
import type { MariadbSession } from '../../session.ts';
import type { Dealing } from './dealing.ts';
import { isHere } from '../../exact-names.ts';

/**
 * Up to so many bytes of row text per byte of InnoDB's memory, rows are loaded key by key; with more, sorting is
 * faster.
 */
const textPerMemory = 2;
/** Sessions for one part: each holds a lock of its own (unfinished.ts). */
const mostSessions = 4;

/**
 * How a data part is shared among several sessions, once its tables exist; undefined if a single one that does not
 * check unique keys is better: MariaDB then sorts the rows of each empty table, and reserves it for that session.
 */
export async function dealingOf(
  { bytes, file }: ManifestPart,
  into: Login,
  signal: AbortSignal,
): Promise<Dealing | undefined> {
  return withSession(into, signal, async (session) => {
    if (bytes > textPerMemory * (await memoryOf(session))) return undefined;
    const shared = await sharedTables(session);
    const sessions = shared.size === 0 ? 0 : Math.min(into.parallel, mostSessions);
    return { shared, asBytes: await tablesOfBytes(session), sessions, file };
  });
}

async function memoryOf({ rows }: MariadbSession): Promise<number> {
  const [pool] = await rows("SHOW GLOBAL VARIABLES LIKE 'innodb_buffer_pool_size'");
  return Number(pool?.['Value'] ?? 0);
}

/**
 * Tables whose rows are stored in key order, however they arrive, and whose indexes accept rows of several transactions
 * in parallel.
 */
async function sharedTables({ rows }: MariadbSession): Promise<Set<string>> {
  const tables = await rows(
    `SELECT TABLE_NAME AS name FROM information_schema.TABLES
      WHERE ${isHere('TABLE_SCHEMA')} AND TABLE_TYPE = 'BASE TABLE' AND ENGINE = 'InnoDB'`,
  );
  const indexes = await rows(
    `SELECT TABLE_NAME AS name, INDEX_NAME AS \`index\`, INDEX_TYPE AS type FROM information_schema.STATISTICS
      WHERE ${isHere('TABLE_SCHEMA')} AND (INDEX_NAME = 'PRIMARY' OR INDEX_TYPE IN ('FULLTEXT', 'SPATIAL'))`,
  );
  const named = (found: typeof indexes) => new Set(found.map(({ name }) => name ?? ''));
  const keyed = named(indexes.filter(({ index }) => index === 'PRIMARY'));
  const odd = named(indexes.filter(({ index }) => index !== 'PRIMARY'));
  return new Set([...named(tables)].filter((name) => keyed.has(name) && !odd.has(name)));
}

const utf8 = `'utf8mb4', 'utf8mb3', 'utf8'`;
const ofBytes =
  `'tinyint', 'smallint', 'mediumint', 'int', 'bigint', 'decimal', 'float', 'double', 'bit', 'date', 'datetime', ` +
  `'timestamp', 'time', 'year', 'binary', 'varbinary', 'tinyblob', 'blob', 'mediumblob', 'longblob'`;
const ofText = `'char', 'varchar', 'tinytext', 'text', 'mediumtext', 'longtext', 'enum', 'set'`;

/**
 * Tables that get the same values from strings of bytes as from strings in utf8mb4. Not those with a type that a server
 * makes from text alone, such as UUID (decisions/0006), and none with generated columns, which may compute with the
 * session's character set. None on MySQL, where nobody has measured it.
 */
async function tablesOfBytes({ rows, server }: MariadbSession): Promise<Set<string>> {
  if (server.product !== 'MariaDB') return new Set();
  const found = await rows(
    `SELECT TABLE_NAME AS name FROM information_schema.COLUMNS WHERE ${isHere('TABLE_SCHEMA')} GROUP BY TABLE_NAME
      HAVING SUM((DATA_TYPE IN (${ofBytes}) OR DATA_TYPE IN (${ofText}) AND CHARACTER_SET_NAME IN (${utf8}))
        AND IS_GENERATED = 'NEVER') = COUNT(*)`,
  );
  return new Set(found.map(({ name }) => name ?? ''));
}
