import type { Position } from '../../../contract/manifest/manifest.ts';
import type { PostgresSession } from '../session.ts';

/** A snapshot names each transaction that was running: of thousands, nobody needs the list. */
const longestSnapshot = 4000;

/**
 * Where a standby stands, to be asked before its snapshot is taken: what it has replayed, its snapshots see. Nothing on
 * a primary: a commit may be in its log, and not be seen yet.
 */
export async function positionBefore(session: PostgresSession): Promise<Position[]> {
  const [found] = await session
    .rows<{ lsn: string | null }>('select case when pg_is_in_recovery() then pg_last_wal_replay_lsn()::text end as lsn')
    .catch(() => []); // a service that has no such function: nothing is known
  return found?.lsn ? [{ name: 'lsn', value: found.lsn, relation: 'at-or-before' }] : [];
}

/**
 * Where the snapshot of this session's transaction stands on a primary: exactly, by the transactions that it sees; and
 * a place in the log that all of these were committed before. Nothing on a standby, whose snapshots name no
 * transactions. An answer that fails must not end the snapshot: a savepoint keeps it.
 */
export async function positionWithin(session: PostgresSession): Promise<Position[]> {
  await session.rows('savepoint position');
  const [found] = await session.rows<{ lsn: string; timeline: string; snapshot: string }>(primary).catch(async () => {
    await session.rows('rollback to savepoint position');
    return [];
  });
  if (found === undefined) return [];
  const { lsn, timeline, snapshot } = found;
  return [
    ...(snapshot.length > longestSnapshot ? [] : [{ name: 'snapshot', value: snapshot, relation: 'at' } as const]),
    { name: 'lsn', value: lsn, relation: 'at-or-after' },
    { name: 'timeline', value: String(Number.parseInt(timeline, 16)), relation: 'at' },
  ];
}

/** What was inserted into the log, written out or not: a commit that waits for no disk is seen before it is written. */
const primary = `select lsn::text as lsn, left(pg_walfile_name(lsn), 8) as timeline, pg_current_snapshot()::text as snapshot
  from (select case when not pg_is_in_recovery() then pg_current_wal_insert_lsn() end as lsn) as position where lsn is not null`;
