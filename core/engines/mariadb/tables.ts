import type { Bytes } from '../../domain/units.ts';
import { quoteName } from './quoting.ts';
import type { MariadbSession } from './session.ts';
import { isHere } from './exact-names.ts';

/** A base table of the database, as far as a dump of its rows needs to know it. */
export type MariadbTable = {
  name: string;
  engine: string;
  bytes: Bytes;
  versioned: boolean;
  columns: Column[];
};

/**
 * `charset`: only for text. `whole`: the type as defined, including the list of an ENUM. `initial`: the text of a
 * default.
 */
export type Column = {
  name: string;
  type: string;
  charset?: string;
  collation?: string;
  generated: boolean;
  whole: string;
  initial: string;
};

/** Engines whose rows are elsewhere, or in other tables: mariadb-dump leaves them out (its option --no-data-med). */
const elsewhere = ['MRG_MYISAM', 'MRG_ISAM', 'CONNECT', 'OQGRAPH', 'SPIDER', 'VP', 'FEDERATED'];
/** How rows were read before decisions/0006; still used to compare with a backup of that time. */
const utf8 = new Set(['utf8mb4', 'utf8mb3', 'utf8', 'ascii']);
const plainTypes = new Set([
  ...[
    'tinyint',
    'smallint',
    'mediumint',
    'int',
    'bigint',
    'decimal',
    'float',
    'double',
    'bit',
    'year',
    'date',
    'time',
    'datetime',
    'timestamp',
  ],
  ...['binary', 'varbinary', 'tinyblob', 'blob', 'mediumblob', 'longblob', 'json', 'uuid', 'inet4', 'inet6'],
]);
const transactional = ['INNODB', 'ROCKSDB', 'TOKUDB', 'NDBCLUSTER'];

/** Every base table with its columns. */
export async function readTables(session: MariadbSession): Promise<MariadbTable[]> {
  const tables = await session.rows(
    `SELECT TABLE_NAME AS name, ENGINE AS engine, TABLE_TYPE AS type, DATA_LENGTH AS bytes FROM information_schema.TABLES
      WHERE ${isHere('TABLE_SCHEMA')} AND TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED') ORDER BY TABLE_NAME`,
  );
  const columns = await session.rows(
    `SELECT TABLE_NAME AS name, COLUMN_NAME AS col, DATA_TYPE AS type, CHARACTER_SET_NAME AS charset, COLLATION_NAME AS collation, EXTRA AS extra, COLUMN_TYPE AS whole, COLUMN_DEFAULT AS initial FROM information_schema.COLUMNS
      WHERE ${isHere('TABLE_SCHEMA')} ORDER BY TABLE_NAME, ORDINAL_POSITION`,
  );
  const byTable = Map.groupBy(columns, (row) => row['name'] ?? '');
  return tables.map((row) => ({
    name: row['name'] ?? '',
    engine: row['engine'] ?? '',
    bytes: Number(row['bytes'] ?? 0),
    versioned: row['type'] === 'SYSTEM VERSIONED',
    columns: (byTable.get(row['name'] ?? '') ?? []).map((column) => ({
      name: column['col'] ?? '',
      type: column['type'] ?? '',
      ...(column['charset'] && { charset: column['charset'] }),
      ...(column['collation'] && { collation: column['collation'] }),
      generated: /\b(VIRTUAL|STORED|PERSISTENT) GENERATED\b/i.test(column['extra'] ?? ''),
      whole: column['whole'] ?? '',
      initial: column['initial'] ?? '',
    })),
  }));
}

/** Whether a dump holds the rows of a table. */
export function holdsRows(table: MariadbTable): boolean {
  return !elsewhere.includes(table.engine.toUpperCase());
}

/** Whether a transaction sees the table as of its beginning. */
export function isTransactional(table: MariadbTable): boolean {
  return transactional.includes(table.engine.toUpperCase());
}

/**
 * Whether the server may send a table's values as they are stored: then all text is UTF-8, and every other value either
 * has no character set or can be given back as a string of its bytes (a vector or geometry can't on every server).
 */
export function isStoredAsSent({ columns }: MariadbTable): boolean {
  return columns.every(({ type, charset }) =>
    charset === undefined ? plainTypes.has(type.toLowerCase()) : utf8.has(charset.toLowerCase()),
  );
}

/** Warnings about tables that a dump can't hold as they are. */
export function tableWarnings(tables: MariadbTable[], historyDumped: boolean): string[] {
  const named = (found: MariadbTable[]) => found.map(({ name }) => quoteName(name)).join(', ');
  const unsafe = tables.filter((table) => holdsRows(table) && !isTransactional(table));
  const remote = tables.filter((table) => !holdsRows(table));
  const forgetful = historyDumped ? [] : tables.filter(({ versioned }) => versioned);
  return [
    ...(unsafe.length === 0
      ? []
      : [`no transaction protects ${named(unsafe)} (not InnoDB): rows written during the backup may be in it or not`]),
    ...(remote.length === 0
      ? []
      : [`the rows of ${named(remote)} are not in the backup: their engine keeps them elsewhere`]),
    ...(forgetful.length === 0
      ? []
      : [`the history of ${named(forgetful)} is not in the backup: the server takes it back only since MariaDB 10.11`]),
  ];
}

/** MySQL has JavaScript libraries since 9.2, which mariadb-dump does not know. */
export async function libraryWarnings(session: MariadbSession): Promise<string[]> {
  if (session.server.product !== 'MySQL' || session.server.number < 90_200) return [];
  const libraries = await session.rows(
    `SELECT LIBRARY_NAME AS name FROM information_schema.LIBRARIES WHERE ${isHere('LIBRARY_SCHEMA')}`,
  );
  if (libraries.length === 0) return [];
  return [
    'libraries are not in the backup, mariadb-dump does not know them: ' +
      `${libraries.map(({ name }) => quoteName(name ?? '')).join(', ')}`,
  ];
}
