import { BackupError, isBackupError } from '../../../../domain/errors.ts';
import type { Login } from '../../../login.ts';
import { quoteLiteral } from '../../identifier.ts';
import { openSession, sqlState } from '../../session.ts';
import type { PostgresSession } from '../../session.ts';
import { ofUsers } from '../../tables.ts';

/** A table's name at a moment that is over by the time anybody locks it. */
type Named = { oid: string; name: string };

/** How many tables one LOCK statement names. */
const lockBatch = 500;
const askLimitMs = 5000;

/** A name that is gone, or means something other than a table: SQLSTATE codes, PostgreSQL manual, appendix A. */
const movedStates = ['42P01', '3F000', '42809'];

/**
 * Everything that must not change during a backup and that the server can lock: tables with rows, partitioned ones, and
 * those of extensions, whose rows pg_dump prints.
 */
export function readLockable(session: PostgresSession): Promise<Named[]> {
  return session.rows<Named>(`
    select c.oid::text, format('%I.%I', n.nspname, c.relname) as name
    from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind in ('r', 'p') and ${ofUsers} order by 2`);
}

/**
 * What the session sees and has not locked, by identity: a lock is taken by name, and a name may mean another table by
 * then.
 */
export function readUnlocked(session: PostgresSession): Promise<Named[]> {
  return session.rows<Named>(`
    select c.oid::text, format('%I.%I', n.nspname, c.relname) as name
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and ${ofUsers} and c.oid not in (
      select relation from pg_locks
      where pid = pg_backend_pid() and locktype = 'relation' and granted and database = (select oid from pg_database where datname = current_database()))
    order by 2`);
}

/**
 * Locks tables by name against changes of their definitions (ACCESS SHARE: readers and writers go on); false if a name
 * is gone. Throws `lock-timeout`, naming who holds the lock.
 */
export async function lock(session: PostgresSession, tables: Named[], login: Login): Promise<boolean> {
  for (let start = 0; start < tables.length; start += lockBatch) {
    const batch = tables.slice(start, start + lockBatch);
    try {
      await session.rows(`lock table ${batch.map(({ name }) => `only ${name}`).join(', ')} in access share mode`);
    } catch (error) {
      if (movedStates.includes(String(sqlState(error)))) return false;
      throw isBackupError(error, 'lock-timeout') ? await withHolder(error, batch, login) : error;
    }
  }
  return true;
}

type LockHolder = {
  name: string;
  gid: string | null;
  database: string;
  pid: number;
  user: string;
  application: string;
  since: string;
};

/** Adds which table was locked, and by whom, with a new session, because the first one's transaction is over. */
async function withHolder(error: BackupError, tables: Named[], login: Login): Promise<BackupError> {
  const session = await openSession(login, AbortSignal.timeout(askLimitMs)).catch(() => undefined);
  if (session === undefined) return error;
  try {
    const [found] = await session.rows<LockHolder>(holderQuery, [tables.map(({ oid }) => oid)]);
    if (found === undefined) return error;
    const { said, hint } = found.gid === null ? bySession(found) : byPrepared(found, found.gid);
    return new BackupError('lock-timeout', `${found.name} is locked by ${said}`, { hint, cause: error });
  } catch {
    return error;
  } finally {
    await session.close();
  }
}

/** A prepared transaction belongs to no session: its locks have no pid, and one of them is on its own number. */
const holderQuery = `
  select l.relation::regclass::text as name, p.gid, current_database() as database, l.pid, coalesce(p.owner, a.usename) as user,
    a.application_name as application, date_trunc('second', coalesce(p.prepared, a.xact_start))::text as since
  from pg_locks l left join pg_stat_activity a on a.pid = l.pid
    left join pg_locks t on l.pid is null and t.pid is null and t.locktype = 'transactionid' and t.granted and t.virtualtransaction = l.virtualtransaction
    left join pg_prepared_xacts p on p.transaction = t.transactionid
  where l.mode = 'AccessExclusiveLock' and l.locktype = 'relation' and l.relation::text = any($1)
    and l.database = (select oid from pg_database where datname = current_database())
    and (a.pid is not null or p.gid is not null)
  order by l.granted desc limit 1`;

function bySession({ pid, user, application, since }: LockHolder) {
  return {
    said: `session ${pid} (${user}, ${application || 'no application name'}), in a transaction since ${since}`,
    hint: `end that transaction, or try at a quieter time; SELECT pg_cancel_backend(${pid}) cancels what it does`,
  };
}

function byPrepared({ user, since, database }: LockHolder, gid: string) {
  const literal = quoteLiteral(gid);
  return {
    said:
      `the prepared transaction ${literal} (${user}, prepared ${since}), which belongs to no session and stays ` +
      'until somebody ends it',
    hint:
      `as ${user} or a superuser, in database ${database}: COMMIT PREPARED ${literal}, or ROLLBACK PREPARED ` +
      `${literal}; pg_prepared_xacts lists all of them`,
  };
}
