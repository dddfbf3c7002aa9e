import type { Position } from '../../../contract/manifest/manifest.ts';
import type { PostgresSession } from '../session.ts';

/** A snapshot names each running transaction; nobody needs a list of thousands. */
const longestSnapshot = 4000;

/**
 * A standby's position, read before its snapshot is taken: its snapshots see everything that it has replayed. Empty on
 * a primary: a commit may be in its log and not visible yet.
 */
export async function positionBefore(session: PostgresSession): Promise<Position[]> {
  const [found] = await session
    .rows<{ lsn: string | null }>('select case when pg_is_in_recovery() then pg_last_wal_replay_lsn()::text end as lsn')
    .catch(() => []); // a service without this function: unknown
  return found?.lsn ? [{ name: 'lsn', value: found.lsn, relation: 'at-or-before' }] : [];
}

/**
 * The position of this session's snapshot on a primary: exactly, by the transactions that it sees; and a place in the
 * log before which all of these were committed. Empty on a standby, whose snapshots name no transactions. A failure
 * must not end the snapshot, so a savepoint protects it.
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

/**
 * What was inserted into the log, written or not: a commit that does not wait for the disk is visible before it is
 * written.
 */
const primary = `select lsn::text as lsn, left(pg_walfile_name(lsn), 8) as timeline, pg_current_snapshot()::text as snapshot
  from (select case when not pg_is_in_recovery() then pg_current_wal_insert_lsn() end as lsn) as position where lsn is not null`;
