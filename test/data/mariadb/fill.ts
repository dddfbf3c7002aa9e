import mysql from 'mysql2/promise';
import { amountsFor, ordersPerMegabyte } from '../amounts.ts';
import type { Store } from '../clothing-store.ts';
import { rowsOf, sentencesTable } from './rows.ts';
import { programs, relations, tables } from './tables.ts';
import type { TableName } from './tables.ts';

/** Largest first, so that two sessions end at about the same time. */
const order: TableName[] = [
  'page_views',
  'reviews',
  'payments',
  'order_lines',
  'orders',
  'customers',
  'addresses',
  'products',
  'variants',
  'stock',
  'returns',
  'departments',
  'price_changes',
  'bestsellers',
];
const sessions = 2;

/** Makes the store's database on a MariaDB server: rows are made by the server itself, table by table. */
export async function fillMariadb(store: Store, signal: AbortSignal): Promise<void> {
  const { database, ...server } = store;
  await inSession(server, signal, (run) => run(`create database ${mysql.escapeId(database)} character set utf8mb4`));
  const amounts = amountsFor(Math.round(store.megabytes * ordersPerMegabyte.mariadb));
  const rows = rowsOf(amounts);
  const waiting = [...order];
  await Promise.all(
    Array.from({ length: sessions }, () =>
      inSession(store, signal, async (run) => {
        for (const statement of sentencesTable(amounts)) await run(statement);
        for (let table = waiting.shift(); table !== undefined; table = waiting.shift()) {
          await run(`create table ${table} (${tables[table]}) engine = InnoDB`);
          if (rows[table] !== undefined) await run(`insert into ${table} (${columnsOf(table)}) ${rows[table]}`);
        }
      }),
    ),
  );
  await inSession(store, signal, async (run) => {
    for (const statement of [...relations, ...programs]) await run(statement);
  });
}

/** Columns that are given a value: all but the generated ones. */
function columnsOf(table: TableName): string {
  const definitions = tables[table].split(/,\s+(?![^(]*\))/).map((definition) => definition.trim());
  return definitions
    .filter((definition) => !/^primary key|generated always/.test(definition))
    .map((definition) => definition.split(' ')[0])
    .join(', ');
}

type Run = (statement: string) => Promise<void>;

async function inSession(
  access: Omit<Store, 'database' | 'megabytes'> & { database?: string },
  signal: AbortSignal,
  work: (run: Run) => Promise<unknown>,
): Promise<void> {
  signal.throwIfAborted();
  const { host, port, user, password, database } = access;
  const connection = await mysql.createConnection({
    host,
    port,
    user,
    password,
    ...(database !== undefined && { database }),
    charset: 'utf8mb4',
    connectTimeout: 10_000,
  });
  const onAbort = () => connection.destroy();
  signal.addEventListener('abort', onAbort, { once: true });
  const run: Run = async (statement) => {
    signal.throwIfAborted();
    await connection.query(statement);
  };
  try {
    // InnoDB then fills an empty table in bulk; the data needs no check, for it was made to fit
    await run(`set unique_checks = 0, foreign_key_checks = 0, time_zone = '+00:00'`);
    await work(run);
  } finally {
    signal.removeEventListener('abort', onAbort);
    connection.destroy();
  }
}
