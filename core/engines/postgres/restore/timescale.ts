import type { Catalog } from '../../../ports.ts';
import type { PostgresSession } from '../session.ts';

export function holdsTimescale(catalog: Catalog): boolean {
  return catalog['extension']?.['timescaledb'] !== undefined;
}

/**
 * Calls the function of TimescaleDB that stands before (`pre`) or after (`post`) a restore, in whatever schema it is.
 * Between them each new session takes hypertables for plain tables, so that rows of its own tables and keys can be
 * loaded in any order. Source: TimescaleDB's documentation, logical backup.
 */
export function tellTimescale(when: 'pre' | 'post'): string {
  return (
    `do $$ begin execute (select format('select %I.timescaledb_${when}_restore()', nspname) from pg_extension ` +
    `join pg_namespace n on n.oid = extnamespace where extname = 'timescaledb'); end $$`
  );
}

/**
 * Makes hypertables of them again. Its jobs stay stopped: a retention policy would drop what was just restored. They
 * would begin when this transaction is committed.
 */
export async function endTimescale(session: PostgresSession): Promise<void> {
  await session.rows('begin');
  await session.rows(tellTimescale('post'));
  await session.rows('select _timescaledb_functions.stop_background_workers()');
  await session.rows('commit');
}

const startJobs = 'SELECT _timescaledb_functions.start_background_workers();';

/** In a copy the jobs stay stopped until somebody, or the server's next start, starts them. Returns what to tell. */
export async function settleTimescale(session: PostgresSession, database: string, starts: boolean): Promise<string[]> {
  if (starts) {
    await session.rows(startJobs);
    return [];
  }
  return [
    `TimescaleDB's jobs (retention, compression, …) do not run in database ${database} until the server's next start; at once: ${startJobs}`,
  ];
}
