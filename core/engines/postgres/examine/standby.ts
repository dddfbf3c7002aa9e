import { formatDuration } from '../../../domain/units.ts';
import type { Observed } from '../../../ports.ts';
import { standbyHint } from '../session.ts';
import type { PostgresSession } from '../session.ts';

/** A larger lag behind the primary is reported. */
const lagMs = 300_000;

type StandbyRow = { receives: boolean; caught_up: boolean; behind: number | null; patient: boolean };

/**
 * The state of a standby; empty for a primary. A standby that receives and has replayed everything is not behind,
 * however long ago the last change was (PostgreSQL manual, pg_last_xact_replay_timestamp).
 */
export async function observedStandby(session: PostgresSession): Promise<Observed[]> {
  const [where] = await session.rows<{ standby: boolean }>('select pg_is_in_recovery() as standby');
  if (where?.standby !== true) return [];
  let row: StandbyRow | undefined;
  try {
    [row] = await session.rows<StandbyRow>(`
      select exists (select from pg_stat_wal_receiver) as receives,
        coalesce(pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn(), false) as caught_up,
        (extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp()) * 1000)::float8 as behind,
        current_setting('hot_standby_feedback') = 'on' or current_setting('max_standby_streaming_delay') = '-1' as patient`);
  } catch {
    return [{ outcome: 'not tried', said: 'this is a reader, and it does not say how far behind it is' }];
  }
  return [observed(row!)];
}

function observed({ receives, caught_up: caughtUp, behind, patient }: StandbyRow): Observed {
  const ms = behind ?? Number.POSITIVE_INFINITY;
  const since = behind === null ? 'nothing yet' : `its last change ${formatDuration(Math.max(0, ms))} ago`;
  if (!receives && ms > lagMs)
    return {
      outcome: 'warning',
      said: `this standby receives nothing from its primary, and has replayed ${since}: a backup of it would be as old`,
      remedy: 'look at the log of the standby, or back up the primary',
    };
  if (!caughtUp && ms > lagMs)
    return {
      outcome: 'warning',
      said: `this standby is behind its primary: it has replayed ${since}, and a backup of it would be as old`,
      remedy: 'let it catch up (is replay paused, or its disk slow?), or back up the primary',
    };
  if (!patient) return { outcome: 'warning', said: 'this standby may cancel a long backup', remedy: standbyHint };
  return { outcome: 'fine', said: 'a standby, not behind its primary' };
}
