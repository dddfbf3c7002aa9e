import pg from 'pg';
import { amountsFor, ordersPerMegabyte } from '../amounts.ts';
import type { Store } from '../clothing-store.ts';
import { programs } from './programs.ts';
import { rowsOf, sentencesTable } from './rows.ts';
import { indexes, preamble, relations, tables } from './tables.ts';
import type { TableName } from './tables.ts';

/** Largest first, so that two sessions end at about the same time. */
const order: TableName[] = [
  'web.page_views',
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
];
const sessions = 2;

/** Makes the store's database on a PostgreSQL server: rows are made by the server itself, table by table. */
export async function fillPostgres(store: Store, signal: AbortSignal): Promise<void> {
  await inSession({ ...store, database: 'postgres' }, signal, (run) =>
    run(`create database ${pg.escapeIdentifier(store.database)}`),
  );
  await inSession(store, signal, (run) => run(preamble));
  const amounts = amountsFor(Math.round(store.megabytes * ordersPerMegabyte.postgres));
  const rows = rowsOf(amounts);
  const waiting = [...order];
  await Promise.all(
    Array.from({ length: sessions }, () =>
      inSession(store, signal, async (run) => {
        await run(sentencesTable(amounts));
        await run('analyze sentences');
        for (let table = waiting.shift(); table !== undefined; table = waiting.shift()) {
          await fillTable(table, rows[table], run);
        }
      }),
    ),
  );
  await inSession(store, signal, async (run) => {
    for (const statement of [...relations, ...programs]) await run(statement);
  });
}

type Run = (statement: string) => Promise<void>;

/** The table is made and filled in one transaction: a server with `wal_level=minimal` then writes its rows once. */
async function fillTable(table: TableName, select: string | undefined, run: Run): Promise<void> {
  await run('begin');
  await run(`create table ${table} (${tables[table]})`);
  if (select !== undefined) await run(`insert into ${table} ${select}`);
  for (const statement of indexes[table] ?? []) await run(statement);
  await run('commit');
}

async function inSession(store: Store, signal: AbortSignal, work: (run: Run) => Promise<unknown>): Promise<void> {
  signal.throwIfAborted();
  const { host, port, user, password, database } = store;
  const client = new pg.Client({
    host,
    port,
    user,
    password,
    database,
    connectionTimeoutMillis: 10_000,
    options: '-c maintenance_work_mem=256MB -c synchronous_commit=off',
  });
  client.on('error', () => {}); // the statement that is running fails with it
  const onAbort = () => void client.end().catch(() => {});
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await client.connect();
    await work(async (statement) => {
      signal.throwIfAborted();
      await client.query(statement);
    });
  } finally {
    signal.removeEventListener('abort', onAbort);
    await client.end().catch(() => {});
  }
}
