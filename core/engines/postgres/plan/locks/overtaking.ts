import { BackupError } from '../../../../domain/errors.ts';
import { formatDuration } from '../../../../domain/units.ts';
import type { PostgresSession } from '../../session.ts';

/**
 * Keeps the sessions of a backup from being stuck behind somebody who waits for the locks of its first session.
 * PostgreSQL queues lock requests: an ALTER TABLE that waits for the first session would block all later ones, until
 * they time out while the first session waits only for them. The server does not see that, because nothing tells it
 * that the first session waits. So each session holds an advisory lock (`join`), and the first session requests it when
 * a member is stuck: now it is a deadlock, of the kind that the server solves by moving the member to the front of its
 * queue, without an error for anybody (src/backend/storage/lmgr/README, "soft" edges).
 */
export type Overtaking = {
  /** The statement with which a session joins, before its transaction. */
  join: string;
  /** Longest wait of a member for a lock that the first session has: enough for the server to look for deadlocks. */
  waitMs: number;
  stop(): void;
};

/**
 * How long others may wait for the backup, as a multiple of how long it waits for them: whoever waits for a table also
 * blocks everybody who comes after.
 */
const patience = 10;
const lookEveryMs = 500;
/** An arbitrary number that identifies our advisory locks; the second number is the first session's pid. */
const ours = 7717;

type WaitingSession = { pid: number; table: string; isMember: boolean; now: number };

/**
 * Lets sessions overtake those that wait for the locks of this one, which must be in a transaction, until `stop`. Calls
 * `giveWay` when somebody has waited for too long.
 */
export async function letOvertake(
  session: PostgresSession,
  lockTimeoutMs: number,
  giveWay: (why: BackupError) => void,
): Promise<Overtaking> {
  const [found] = await session.rows<{ pid: number; deadlockMs: number }>(
    `select pg_backend_pid() as pid, (select setting::int from pg_settings where name = 'deadlock_timeout') as ` +
      '"deadlockMs"',
  );
  const { pid, deadlockMs } = found!;
  const limitMs = patience * lockTimeoutMs;
  let since = new Map<number, number>();
  let busy = false;

  async function look(): Promise<void> {
    const waiting = await session.rows<WaitingSession>(waitingForUs);
    since = new Map(waiting.filter(({ isMember }) => !isMember).map((one) => [one.pid, since.get(one.pid) ?? one.now]));
    const tooLong = waiting.find((one) => one.now - (since.get(one.pid) ?? one.now) > limitMs);
    if (tooLong !== undefined) return giveWay(gaveWay(tooLong, limitMs));
    if (!waiting.some(({ isMember }) => isMember)) return;
    // sent together, so that no other query comes between them
    const wait = session.rows(
      `savepoint waiting; set local lock_timeout = ${deadlockMs + lookEveryMs}; select ` +
        `pg_advisory_xact_lock(${ours}, ${pid})`,
    );
    await Promise.allSettled([wait, session.rows('rollback to waiting')]);
  }
  const timer = setInterval(() => {
    if (busy) return;
    busy = true;
    look()
      .catch(() => {})
      .finally(() => (busy = false)); // whoever needs the session reports its loss
  }, lookEveryMs).unref();
  return {
    join: `select pg_advisory_lock_shared(${ours},${pid})`,
    waitMs: Math.max(lockTimeoutMs, 2 * deadlockMs + 4 * lookEveryMs),
    stop: () => clearInterval(timer),
  };
}

/** Those who wait for a table that this session holds. */
const waitingForUs = `
  with l as materialized (select * from pg_locks where database = (select oid from pg_database where datname = current_database()))
  select pid, relation::regclass::text as table, extract(epoch from clock_timestamp())::float8 * 1000 as now,
    exists (select from l m where m.pid = w.pid and m.locktype = 'advisory' and m.classid = ${ours} and m.objid = pg_backend_pid() and m.granted) as "isMember"
  from l w where not granted and locktype = 'relation'
    and exists (select from l where l.pid = pg_backend_pid() and l.locktype = 'relation' and l.granted and l.relation = w.relation)`;

function gaveWay({ pid, table }: WaitingSession, limitMs: number): BackupError {
  return new BackupError(
    'lock-timeout',
    `session ${pid} has waited for ${table} for ${formatDuration(limitMs)}, which the backup keeps from being ` +
      'changed: the backup gave way',
    {
      hint:
        'see pg_stat_activity; make such changes at another time, give them a lock_timeout of their own, or raise ' +
        `lockTimeout: others wait ${patience} times as long for a backup`,
    },
  );
}
