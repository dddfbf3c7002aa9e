import { abortError, BackupError } from '../../domain/errors.ts';
import type { Bytes } from '../../domain/units.ts';
import { placeOf } from '../login.ts';
import type { Login } from '../login.ts';
import { openSession } from './session.ts';
import type { Session } from './session.ts';

/** A table whose rows belong in a backup. */
export type Table = {
  oid: string;
  /** `schema.table`, each quoted where it must be, as the server prints it. */
  name: string;
  schema: string;
  table: string;
  /** Columns that are stored, in their order, quoted where they must be. */
  columns: string[];
  pages: number;
  bytes: Bytes;
  /** False below a partition by hash, at whatever depth: only pg_dump knows when rows must be loaded through their root, and prints them under its name then. */
  byOwnName: boolean;
  /** False for an unlogged table on a standby, which can't read it. */
  isHere: boolean;
};

/** A transaction that sees one moment of a database and keeps it visible to others until it is closed. */
export type Snapshot = {
  session: Session;
  name: string;
  serverMajor: number;
  serverVersion: string;
  tables: Table[];
  /** Unlogged tables, when this is a standby: it has their definitions, and none of their rows. */
  withoutRows: Table[];
  close(): Promise<void>;
};

/** Locks are taken for so many tables with one statement. */
const lockBatch = 500;

/**
 * Takes a snapshot, then locks every table against changes of its definition (ACCESS SHARE: readers and writers go on), and checks
 * that none was truncated or rewritten in between: such a table would look empty to the snapshot, without any error.
 */
export async function openSnapshot(login: Login, signal: AbortSignal): Promise<Snapshot> {
  const session = await openSession(login, signal);
  try {
    await session.rows('begin isolation level repeatable read read only');
    const [exported] = await session.rows<{ name: string }>('select pg_export_snapshot() as name');
    const all = await readTables(session);
    await requireReadable(session, login);
    await lock(session, all, login);
    await requireUnchanged(session, all, login);
    const { serverMajor, serverVersion } = session;
    const { tables = [], withoutRows = [] } = Object.groupBy(all, ({ isHere }) => (isHere ? 'tables' : 'withoutRows'));
    return { session, name: exported!.name, serverMajor, serverVersion, tables, withoutRows, close: () => session.close() };
  } catch (error) {
    await session.close();
    throw signal.aborted ? abortError(signal) : error;
  }
}

async function readTables(session: Session): Promise<Table[]> {
  const rows = await session.rows<Omit<Table, 'pages' | 'bytes'> & { size: string; heap: string }>(`
    select c.oid::text, format('%I.%I', n.nspname, c.relname) as name, n.nspname as schema, c.relname as table,
      array(select quote_ident(attname) from pg_attribute where attrelid = c.oid and attnum > 0 and not attisdropped and attgenerated = '' order by attnum) as columns,
      coalesce(pg_table_size(c.oid), 0) as size, coalesce(pg_relation_size(c.oid), 0) / current_setting('block_size')::int as heap,
      not exists (select from pg_partition_ancestors(c.oid) a join pg_partitioned_table p on p.partrelid = a.relid where p.partstrat = 'h') as "byOwnName",
      not (c.relpersistence = 'u' and pg_is_in_recovery()) as "isHere"
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'r' and c.relpersistence <> 't' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
      and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
    order by 2`);
  return rows.map(({ size, heap, ...table }) => ({ ...table, bytes: Number(size), pages: Number(heap) }));
}

async function requireReadable(session: Session, login: Login): Promise<void> {
  const denied = await session.rows<{ name: string }>(`
    select format('%I.%I', n.nspname, c.relname) as name
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'm', 'S') and c.relpersistence <> 't' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
      and not (has_schema_privilege(n.oid, 'usage') and case c.relkind when 'S' then has_sequence_privilege(c.oid, 'select') else has_table_privilege(c.oid, 'select') end)
    order by 1`);
  if (denied.length === 0) return;
  const shown = denied.slice(0, 10).map(({ name }) => name).join(', ') + (denied.length > 10 ? `, and ${denied.length - 10} more` : '');
  throw new BackupError('privilege-missing', `${placeOf('postgres', login)}: the role may not read ${shown}`, {
    hint: `GRANT pg_read_all_data TO ${login.user} (PostgreSQL 14 and newer), or USAGE on each schema and SELECT on all its tables and sequences`,
  });
}

async function lock(session: Session, tables: Table[], login: Login): Promise<void> {
  for (let start = 0; start < tables.length; start += lockBatch) {
    const batch = tables.slice(start, start + lockBatch);
    try {
      await session.rows(`lock table ${batch.map(({ name }) => `only ${name}`).join(', ')} in access share mode`);
    } catch (error) {
      throw error instanceof BackupError && error.code === 'lock-timeout' ? await withBlocker(error, batch, login) : error;
    }
  }
}

/** Says which table was locked, and by whom: with a session of its own, for the first one's transaction is over. */
async function withBlocker(error: BackupError, tables: Table[], login: Login): Promise<BackupError> {
  const session = await openSession(login, AbortSignal.timeout(5000)).catch(() => undefined);
  if (session === undefined) return error;
  try {
    const [found] = await session.rows<{ name: string; pid: number; user: string; application: string; since: string }>(`
      select l.relation::text as oid, l.relation::regclass::text as name, l.pid, a.usename as user, a.application_name as application, date_trunc('second', a.xact_start)::text as since
      from pg_locks l join pg_stat_activity a using (pid)
      where l.mode = 'AccessExclusiveLock' and l.granted and l.relation::text = any($1) limit 1`, [tables.map(({ oid }) => oid)]);
    if (found === undefined) return error;
    const { name, pid, user, application, since } = found;
    return new BackupError('lock-timeout', `${name} is locked by session ${pid} (${user}, ${application || 'no application name'}), in a transaction since ${since}`, {
      hint: `end that transaction, or try at a quieter time; SELECT pg_cancel_backend(${pid}) cancels what it does`,
      cause: error,
    });
  } catch {
    return error;
  } finally {
    await session.close();
  }
}

async function requireUnchanged(session: Session, tables: Table[], login: Login): Promise<void> {
  const changed = await session.rows<{ name: string }>(`
    select oid::regclass::text as name from pg_class
    where oid::text = any($1) and relkind = 'r' and relfilenode <> 0 and pg_relation_filenode(oid) is distinct from relfilenode`, [tables.map(({ oid }) => oid)]);
  if (changed.length === 0) return;
  throw new BackupError('source-changed', `${placeOf('postgres', login)}: ${changed.map(({ name }) => name).join(', ')} was truncated or rewritten while the backup began`, {
    hint: 'run the backup again',
  });
}
