import type { MariadbSession } from '../session.ts';
import { isHere } from '../exact-names.ts';

/** The server's times are whole seconds, and the clock of a commit may be some milliseconds behind that of NOW(). */
const marginMs = 1_020;
const pauseMs = 350;
const mostPauses = 4;

/** The server's present time, to compare with later times of writes. */
export async function momentOf(session: MariadbSession): Promise<string> {
  const [row] = await session.rows(`SELECT CAST(NOW(6) - INTERVAL ${marginMs * 1000} MICROSECOND AS CHAR) AS moment`);
  return row?.['moment'] ?? '';
}

/**
 * Those of these tables into which something may have been committed since the moment: the server keeps the time of
 * each table's last commit, and forgets it only for a table that it has not opened since.
 */
export async function writtenSince(
  session: MariadbSession,
  moment: string,
  tables: readonly string[],
): Promise<Set<string>> {
  // MySQL answers from a cache unless told otherwise
  if (session.server.product === 'MySQL' && session.server.number >= 80_000)
    await session.rows('SET SESSION information_schema_stats_expiry = 0');
  const found = await session.rows(
    `SELECT TABLE_NAME AS name FROM information_schema.TABLES
      WHERE ${isHere('TABLE_SCHEMA')} AND UPDATE_TIME >= ? AND TABLE_NAME IN (${tables.map(() => '?').join(', ')})`,
    [moment, ...tables],
  );
  return new Set(found.map(({ name }) => name ?? ''));
}

/**
 * Waits, for about a second at most, until none of these tables was written to within the current second: later writes
 * could not be told from those.
 */
export async function untilAtRest(session: MariadbSession, tables: readonly string[]): Promise<void> {
  for (let pauses = 0; pauses < mostPauses; pauses += 1) {
    if ((await writtenSince(session, await momentOf(session), tables)).size === 0) return;
    await session.rows(`DO SLEEP(${pauseMs / 1000})`);
  }
}
