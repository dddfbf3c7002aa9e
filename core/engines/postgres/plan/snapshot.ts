import type { Position } from '../../../contract/manifest/manifest.ts';
import { abortError, BackupError } from '../../../domain/errors.ts';
import { placeOf } from '../../login.ts';
import type { Login } from '../../login.ts';
import { quoteLiteral } from '../identifier.ts';
import { lock, readLockable, readUnlocked } from './locks/locks.ts';
import { letOvertake } from './locks/overtaking.ts';
import type { Overtaking } from './locks/overtaking.ts';
import { positionBefore, positionWithin } from './position.ts';
import { openSession, withSession } from '../session.ts';
import type { PostgresSession } from '../session.ts';
import { readTables, requireReadable, requireWholeNames } from '../tables.ts';
import type { PostgresTable } from '../tables.ts';

/** What is needed to read under a snapshot, in any session of any process, while it is held. */
export type SnapshotUse = Pick<Overtaking, 'join' | 'waitMs'> & {
  database: string;
  /** The server's address, if the configuration has a name for it. */
  address: string | null;
  name: string;
  serverMajor: number;
};

/** A transaction that sees one moment of a database and keeps it visible to others until it is closed. */
export type Snapshot = {
  session: PostgresSession;
  under: SnapshotUse;
  serverVersion: string;
  position: Position[];
  tables: PostgresTable[];
  /** Unlogged tables, if this is a standby: it has their definitions, but none of their rows. */
  withoutRows: PostgresTable[];
  /** Aborted when the backup has to give way to others; its reason says why. */
  over: AbortSignal;
  close(): Promise<void>;
};

/** Tables may come and go while locks are waited for: then everything starts over, at most this often. */
const attempts = 5;

/**
 * Locks every table against changes of its definition (ACCESS SHARE: readers and writers go on), and only then takes a
 * snapshot. So it sees what was done to the tables before the locks, and nothing is done afterwards: a table that is
 * truncated or rewritten after a snapshot looks empty to it, without any error.
 */
export async function openSnapshot(login: Login, signal: AbortSignal): Promise<Snapshot> {
  const over = new AbortController();
  const session = await openSession(login, AbortSignal.any([signal, over.signal]));
  let overtaking: Overtaking | undefined;
  const close = async () => {
    overtaking?.stop();
    await session.close();
  };
  try {
    const { name, position } = await exportLocked(session, login);
    overtaking = await letOvertake(session, login.lockTimeoutMs, (why) => over.abort(why));
    const all = await readTables(session);
    requireWholeNames(
      all.flatMap(({ columns }) => columns),
      session,
      login,
    );
    const { serverMajor, serverVersion } = session;
    const { tables = [], withoutRows = [] } = Object.groupBy(all, ({ isHere }) => (isHere ? 'tables' : 'withoutRows'));
    const { join, waitMs } = overtaking;
    const { address = null } = session;
    const under = { database: login.database, address, name, join, waitMs, serverMajor };
    return { session, under, serverVersion, position, tables, withoutRows, over: over.signal, close };
  } catch (error) {
    await close();
    throw signal.aborted ? abortError(signal) : error;
  }
}

/** Runs queries under a snapshot that another session holds. */
export async function withinSnapshot<T>(
  login: Login,
  { name, join, waitMs }: SnapshotUse,
  signal: AbortSignal,
  ask: (session: PostgresSession) => Promise<T>,
): Promise<T> {
  return withSession({ ...login, lockTimeoutMs: waitMs }, signal, async (session) => {
    await session.rows(join);
    await session.rows('begin isolation level repeatable read read only');
    await session.rows(`set transaction snapshot ${quoteLiteral(name)}`);
    return ask(session);
  });
}

/** The name of a snapshot in which this session has locked every table, and its position. */
async function exportLocked(session: PostgresSession, login: Login): Promise<{ name: string; position: Position[] }> {
  let unlocked: string[] = [];
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    await requireReadable(session, login);
    const tables = await readLockable(session);
    requireWholeNames(
      tables.map(({ name }) => name),
      session,
      login,
    );
    const before = await positionBefore(session);
    await session.rows('begin isolation level repeatable read read only');
    if (await lock(session, tables, login)) {
      // the first query that is no LOCK decides which moment the transaction sees (PostgreSQL manual, LOCK, notes)
      const [exported] = await session.rows<{ name: string }>('select pg_export_snapshot() as name');
      unlocked = (await readUnlocked(session)).map(({ name }) => name);
      if (unlocked.length === 0)
        return { name: exported!.name, position: [...before, ...(await positionWithin(session))] };
    }
    await session.rows('rollback');
  }
  const which = unlocked.length === 0 ? 'tables' : unlocked.slice(0, 5).join(', ');
  throw new BackupError(
    'source-changed',
    `${placeOf('postgres', login)}: ${which} came, went or changed names while the backup began, ${attempts} times in a row`,
    {
      hint: 'run the backup again when no migration is running',
    },
  );
}
