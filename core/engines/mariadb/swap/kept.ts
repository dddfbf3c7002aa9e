import { BackupError, isBackupError, messageOf } from '../../../domain/errors.ts';
import type { Bytes } from '../../../domain/units.ts';
import type { KeptDatabase, Replaced } from '../../../ports.ts';
import { overdueNotes, usualKeepMs } from '../../kept-notes.ts';
import type { DroppedKept } from '../../kept-notes.ts';
import type { Login } from '../../login.ts';
import { quoteName } from '../quoting.ts';
import { grant } from '../failures/remedies.ts';
import { isUnknown } from '../failures/number.ts';
import { rightsOf } from '../rights/grants.ts';
import { atWork, freedWithinSeconds, holdClaim, untilClientsEnd } from '../restore/unfinished.ts';
import { withSession } from '../session.ts';
import type { MariadbSession } from '../session.ts';
import { readHead, readOptions, readRecord, swapMarks, unendedSwap } from './marker.ts';
import type { RecordPlace } from './marker.ts';
import { besidePattern, freeName, isBeside, keptName } from './names.ts';
import { isThere, mendedNote, recoverSwap, swapTables } from './swap.ts';
import { undoFindings } from './findings.ts';
import { isNamed } from '../exact-names.ts';

/** Databases that were replaced in the place of the one of `login`, and are kept. */
export function replacedDatabases(login: Login): Replaced {
  return {
    list: (signal) => withSession(login, signal, (session) => keptDatabases(session, login), null),
    findings: (kept, signal) =>
      undoFindings(login, kept, signal).catch((error: unknown) => {
        if (!isBackupError(error, 'source-changed')) throw error;
        // another undo may exchange at this moment what was looked at
        return claimed(login, signal, () => undoFindings(login, kept, signal));
      }),
    hasBegun: (signal) =>
      withSession(login, signal, async (session) => (await unendedSwap(session, login.database)) === 'begun', null),
    takeBack: (signal) =>
      claimed(login, signal, () => recoverSwap(login, signal)).then((done) =>
        done?.how === 'taken back' ? done.lost : undefined,
      ),
    swapBack: (kept, tell, signal) => claimed(login, signal, () => swapBack(login, kept, tell, signal)),
    requireSight: (signal) => withSession(login, signal, (session) => requireSight(session, login), null),
    dropOverdue: (signal) => claimed(login, signal, async (session) => overdueNotes(await dropUnused(session, login))),
    drop: ({ name }, signal) =>
      claimed(login, signal, (session) => dropKept(session, login, ({ name: one }) => one === name)).then(
        ([dropped]) => {
          if (dropped === undefined) throw gone(name);
          if (dropped.why !== undefined) throw notDropped(dropped);
        },
      ),
  };
}

/** Works with the claim on the database of `login`, once nothing of a killed run is at work there. */
async function claimed<T>(
  login: Login,
  signal: AbortSignal,
  work: (session: MariadbSession) => Promise<T>,
): Promise<T> {
  const session = await holdClaim(login, login.database, freedWithinSeconds, signal);
  if (session === undefined) throw atWork(login);
  try {
    await untilClientsEnd(session, login.database, signal);
    return await work(session);
  } finally {
    await session.close();
  }
}

/** The newest first. A swap that died after the exchange of the tables has also kept them. */
export async function keptDatabases(session: MariadbSession, login: Login): Promise<KeptDatabase[]> {
  const of = await keptName(session, login.database);
  const marked = await session.rows(
    `SELECT TABLE_SCHEMA AS name, TABLE_NAME AS mark FROM information_schema.TABLES WHERE TABLE_NAME = '${swapMarks.kept}'
      OR (TABLE_NAME = '${swapMarks.renamed}' AND ${isNamed('TABLE_SCHEMA', of)})`,
  );
  const kept: KeptDatabase[] = [];
  for (const { name, mark } of marked) {
    const at = { database: name ?? '', table: mark ?? '' };
    const place = await placeKept(session, login, at);
    if (place === undefined || kept.some((one) => one.name === place)) continue;
    const more = await sizeAndAge(session, login, at, place).catch(unlessDropped);
    if (more !== undefined) kept.push({ name: place, ...more });
  }
  return kept.sort((one, other) => (other.since ?? '').localeCompare(one.since ?? ''));
}

/** Another run may drop a kept database, or put it back, between the list and this look. */
function unlessDropped(error: unknown): undefined {
  if (!isUnknown(error)) throw error;
}

/** The database that a record names; undefined if the record is another's, or can't be read: then it keeps nothing. */
async function placeKept(session: MariadbSession, login: Login, at: RecordPlace): Promise<string | undefined> {
  const isKept = at.table === swapMarks.kept;
  if (isKept && !(await isBeside(session, login, at.database))) return undefined;
  const before = (await readHead(session, login, at).catch(() => undefined))?.before;
  return isKept && before !== at.database ? undefined : before;
}

/** Servers hide databases on which the user has no right. */
async function requireSight(session: MariadbSession, login: Login): Promise<void> {
  const rights = await rightsOf(session);
  const before = await freeName(session, login, { id: '0'.repeat(23) });
  if (rights.has('SELECT', before)) return;
  const pattern = await besidePattern(session, login);
  const [row] = await session.rows('SELECT CURRENT_USER() AS user');
  const restorer = { server: session.server, user: row?.['user'] ?? '', database: login.database };
  throw new BackupError(
    'privilege-missing',
    `whether anything is kept of what database ${login.database} was before can't be seen: the user lacks SELECT ` +
      `on ${pattern}`,
    { hint: grant(restorer, 'ALL PRIVILEGES', pattern) },
  );
}

/** The size as the server counts it. */
export async function sizeOf({ rows }: MariadbSession, database: string): Promise<Bytes | undefined> {
  const [size] = await rows(
    `SELECT SUM(DATA_LENGTH + INDEX_LENGTH) AS bytes FROM information_schema.TABLES WHERE ${isNamed('TABLE_SCHEMA', database)}`,
  );
  return size?.['bytes'] ? Number(size['bytes']) : undefined;
}

async function sizeAndAge(
  session: MariadbSession,
  { keepReplacedMs }: Login,
  { database, table }: RecordPlace,
  place: string,
) {
  const seconds = Math.round((keepReplacedMs ?? usualKeepMs) / 1000);
  const bytes = await sizeOf(session, place);
  const [age] = await session.rows(
    `SELECT DATE_FORMAT(CAST(name AS datetime), '%Y-%m-%dT%H:%i:%sZ') AS since,
      CAST(name AS datetime) > UTC_TIMESTAMP() - INTERVAL ${seconds} SECOND AS recent
      FROM ${quoteName(database)}.${quoteName(table)} WHERE side = 'swap' AND kind = 'since'`,
  );
  // if a limit is configured, one of unknown age never counts as older
  const since = /^[1-9]\d{3}-/.exec(age?.['since'] ?? '')?.input; // what is no moment reads as 0000-00-00
  const isRecent = since === undefined ? keepReplacedMs !== undefined : age?.['recent'] === '1';
  return {
    ...(bytes !== undefined && { bytes }),
    ...(since !== undefined && { since }),
    ...(isRecent && { recent: true as const }),
    ...(keepReplacedMs !== undefined && !isRecent && { overdue: true as const }),
  };
}

/** Drops overdue databases that nobody works with. */
async function dropUnused(session: MariadbSession, login: Login): Promise<DroppedKept[]> {
  const overdue = (await keptDatabases(session, login)).filter((kept) => kept.overdue);
  const seesAll = overdue.length > 0 && (await rightsOf(session)).has('PROCESS');
  const dropped: DroppedKept[] = [];
  for (const kept of overdue) {
    const users = await session.rows(`SELECT ID FROM information_schema.PROCESSLIST WHERE ${isNamed('DB', kept.name)}`);
    if (!seesAll) dropped.push({ ...kept, why: 'without the right PROCESS nobody can see who works with it' });
    else if (users.length > 0) dropped.push({ ...kept, why: 'somebody is connected to it' });
    else dropped.push(...(await dropKept(session, login, ({ name }) => name === kept.name)));
  }
  return dropped;
}

/** Drops those kept databases of `login`'s that match. */
export async function dropKept(
  session: MariadbSession,
  login: Login,
  isAsked: (kept: KeptDatabase) => boolean = () => true,
): Promise<DroppedKept[]> {
  const dropped: DroppedKept[] = [];
  for (const kept of (await keptDatabases(session, login)).filter(isAsked)) {
    const failure = await session.rows(`DROP DATABASE IF EXISTS ${quoteName(kept.name)}`).then(
      () => ({}),
      (error: unknown) => ({ why: messageOf(error) }),
    );
    dropped.push({ ...kept, ...failure });
  }
  return dropped;
}

/** Returns the new name of what stood there; undefined if nothing did. */
async function swapBack(
  login: Login,
  { name }: KeptDatabase,
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<string | undefined> {
  const order = await withSession(
    login,
    signal,
    async (session) => {
      const exists = await isThere(session, login.database);
      const recovered = exists ? await recoverSwap(login, signal) : undefined;
      if (recovered?.how === 'taken back') throw takenBack(login);
      if (recovered !== undefined) tell(mendedNote(login, recovered.how));
      for (const line of recovered?.lost ?? []) tell(line);
      const at = { database: name, table: swapMarks.kept };
      const record = await readRecord(session, login, at).catch(() => undefined);
      if (record === undefined) throw gone(name);
      if (!exists) await makeEmpty(session, login, record.old.options);
      const { id } = record.head;
      const before = exists ? await freeName(session, login, { id, word: 'undone' }) : undefined;
      return { id, whole: name, before, fresh: record.old };
    },
    null,
  );
  const failed = await swapTables(login, order);
  if (failed.length > 0)
    throw new BackupError(
      'restore-failed',
      `database ${login.database} has its tables of before again, and without: ` +
        failed.map(({ what, why }) => `${what} (${why})`).join('; '),
      {
        hint: `the statements that make them are in the table ${swapMarks.kept} of database ${order.before ?? login.database}`,
      },
    );
  return order.before;
}

function makeEmpty({ rows }: MariadbSession, { database }: Login, options: Awaited<ReturnType<typeof readOptions>>) {
  const { charset, collation } = options;
  return rows(`CREATE DATABASE ${quoteName(database)} CHARACTER SET ${charset} COLLATE ${collation}`);
}

/** What is kept is older than that replacement, and nobody asked for it. */
function takenBack({ database }: Login): BackupError {
  return new BackupError(
    'restore-failed',
    `a replacement of database ${database} that died is taken back: the database is as it was before that, and ` +
      'nothing was exchanged',
    { hint: 'look again: the same command with --plan' },
  );
}

function gone(name: string): BackupError {
  return new BackupError('restore-failed', `database ${name} is not what it was: somebody has used it meanwhile`, {
    hint: 'look again: the same command with --plan',
  });
}

function notDropped({ name, why }: DroppedKept): BackupError {
  return new BackupError('restore-failed', `database ${name} could not be dropped: ${why}`, {
    hint: `DROP DATABASE ${quoteName(name)};`,
  });
}
