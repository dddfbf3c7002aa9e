import { setTimeout as sleep } from 'node:timers/promises';
import { abortError, BackupError, isBackupError } from '../../../domain/errors.ts';
import type { RestoreFinding } from '../../../ports.ts';
import type { Login } from '../../login.ts';
import { quoteIdentifier, quoteLiteral } from '../identifier.ts';
import { word } from '../../../domain/messages/text.ts';
import { beforeName } from './leftovers.ts';
import { inTransaction, maintain } from './maintenance.ts';
import type { Maintenance } from './maintenance.ts';
import { marked } from './mark.ts';
import { aboutToRename, isAnswer, wasRenamed } from './outcome.ts';
import { sqlState } from '../session.ts';
import type { PostgresSession } from '../session.ts';

const objectInUse = '55006';
/** PostgreSQL itself waits for five seconds each time. */
const swapAttempts = 2;
const looks = 12;
const betweenMs = 250;

/** The checks before a database is renamed: each throws if something is in the way. */
const checks = [noOthers, mayReplace, nothingHolds];

/**
 * Throws `restore-failed`, before anything is done, if anything would prevent the database of `login` from being
 * renamed and dropped in the end. `oid`: of the database that was looked at.
 */
export async function requireReplaceable(
  login: Login,
  { oid }: { oid?: number | undefined },
  signal: AbortSignal,
): Promise<void> {
  await maintain(login, signal, async (session) => {
    for (const check of checks) await check(session, login, signal);
    const [now] = await session.rows<{ oid: number }>('select oid from pg_database where datname = $1', [
      login.database,
    ]);
    if (oid !== undefined && Number(now?.oid) !== oid) throw exchanged(login);
  });
}

/** Everything that is in the way, at once. */
export async function replacementFindings(
  session: Maintenance,
  login: Login,
  signal: AbortSignal,
): Promise<RestoreFinding[]> {
  const found: RestoreFinding[] = [];
  for (const check of checks)
    await check(session, login, signal).catch((error: unknown) => {
      if (!isBackupError(error, 'restore-failed', 'privilege-missing')) throw error;
      found.push({ weight: 'fails', code: error.code, what: error.message, remedy: error.hint });
    });
  return found;
}

function exchanged({ database }: Login): BackupError {
  return new BackupError(
    'target-not-empty',
    `database ${database} is another one than was looked at: somebody has made it anew meanwhile`,
    { hint: 'look at it; then run the restore again' },
  );
}

type Swap = { whole: string; id: string; settled: readonly string[]; word?: 'before' | 'undone' };

/**
 * Puts the database `whole` in the place of the one of `login`, in one transaction: whatever happens, either both have
 * their new names, or neither. The old one is marked as replaced. Returns its new name; undefined if there was none. If
 * the answer is lost with the connection, asks the server what happened. Throws `restore-failed` while others are
 * connected to it.
 */
export async function swapDatabases(login: Login, swap: Swap, signal: AbortSignal): Promise<string | undefined> {
  return maintain(login, signal, async (session) => {
    const [now] = await session.rows<{ comment: string | null; at: string }>(
      `select shobj_description(oid, 'pg_database') as comment, to_char(now() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as at
        from pg_database where datname = $1`,
      [login.database],
    );
    const before = now && (await freeName(session, login.database, swap));
    const statements = [
      ...(before === undefined
        ? []
        : [`alter database ${quoteIdentifier(login.database)} rename to ${quoteIdentifier(before)}`]),
      `alter database ${quoteIdentifier(swap.whole)} rename to ${quoteIdentifier(login.database)}`,
      ...(before === undefined ? [] : [replacedComment(before, login, now!)]),
      ...swap.settled,
    ];
    const renaming = await aboutToRename(session, swap.whole);
    for (let left = swapAttempts; ; left -= 1) {
      try {
        await inTransaction(session, statements);
        return before;
      } catch (error) {
        if (renaming !== undefined && !isAnswer(error) && (await wasRenamed(login, renaming, error))) return before;
        if (sqlState(error) !== objectInUse) throw error;
        if (left > 1) continue;
        for (const database of [login.database, swap.whole]) await noOthers(session, { ...login, database }, signal);
        throw error;
      }
    }
  });
}

function replacedComment(before: string, { database }: Login, now: { comment: string | null; at: string }): string {
  const mark = marked({ state: 'replaced', of: database, at: now.at }, now.comment ?? undefined);
  return `comment on database ${quoteIdentifier(before)} is ${quoteLiteral(mark)}`;
}

/** Statements for a person who renames them by hand. */
export function swapByHand(database: string, whole: string, id: string): string {
  const [old, fresh, before] = [database, whole, beforeName(database, id)].map(quoteIdentifier);
  return `BEGIN; ALTER DATABASE ${old} RENAME TO ${before}; ALTER DATABASE ${fresh} RENAME TO ${old}; COMMIT;`;
}

/** The name that the replaced database will have. */
export async function freeName(
  session: PostgresSession,
  database: string,
  { id, word }: Pick<Swap, 'id' | 'word'>,
): Promise<string> {
  const rows = await session.rows<{ datname: string }>('select datname from pg_database');
  const taken = new Set(rows.map(({ datname }) => datname));
  for (let attempt = 0; ; attempt += 1) {
    const name = beforeName(database, id, attempt, word);
    if (!taken.has(name)) return name;
  }
}

/** Waits a moment for our own sessions that a killed run left, or that are just ending. */
async function noOthers(session: PostgresSession, login: Login, signal: AbortSignal): Promise<void> {
  let others = await othersIn(session, login);
  for (let left = looks; left > 0 && others.length > 0 && others.every(({ ours }) => ours); left -= 1) {
    await sleep(betweenMs, undefined, { signal }).catch(() => {});
    if (signal.aborted) throw abortError(signal);
    others = await othersIn(session, login);
  }
  if (others.length === 0) return;
  throw new BackupError(
    'restore-failed',
    `database ${login.database} is in use by ${others.map(({ who }) => who).join(', ')}`,
    { hint: `${[...new Set(others.map(stopping))].join(', and ')}, then run the restore again` },
  );
}

type Connected = { who: string; ours: boolean; kind: string };

/** How a person ends such a session. */
function stopping({ kind }: Connected): string {
  if (kind.startsWith('TimescaleDB'))
    return 'run SELECT _timescaledb_functions.stop_background_workers(); in that database';
  return 'stop the application first';
}

function othersIn(session: PostgresSession, { database }: Login): Promise<Connected[]> {
  return session.rows(
    `select format('%s (pid %s, %s)', usename, pid, coalesce(nullif(application_name, ''), client_addr::text, 'local')) as who, application_name like 'nightjar%' as ours,
      coalesce(backend_type, '') as kind
    from pg_stat_activity where datname = $1 and (backend_type <> 'autovacuum worker' or backend_type is null and usename is not null)`,
    [database],
  );
}

/** Renaming needs the owner's rights, and the right to make databases. */
async function mayReplace(session: Maintenance, { database, user }: Login): Promise<void> {
  const [found] = await session.rows<{ owner: string; owns: boolean; creates: boolean; template: boolean }>(
    `select pg_get_userbyid(datdba) as owner, pg_has_role(datdba, 'usage') as owns, datistemplate as template,
      (select rolsuper or rolcreatedb from pg_roles where rolname = current_user) as creates from pg_database where datname = $1`,
    [database],
  );
  if (found === undefined)
    throw new BackupError('restore-failed', `there is no database ${database} any more`, {
      hint: 'run the restore again: it will be made anew',
    });
  const { owner, owns, creates, template } = found;
  if (template)
    throw new BackupError('restore-failed', `database ${database} is a template, which can't be dropped`, {
      hint: `ALTER DATABASE ${quoteIdentifier(database)} IS_TEMPLATE false; then run the restore again`,
    });
  if (owns && creates) return;
  throw new BackupError(
    'privilege-missing',
    `${user} may not replace database ${database}: ${owns ? 'it may not make databases' : `that belongs to ${owner}`}`,
    {
      hint:
        `${owns ? '' : `GRANT ${quoteIdentifier(owner)} TO ${quoteIdentifier(user)}; `}` +
        `${creates ? '' : `ALTER ROLE ${quoteIdentifier(user)} CREATEDB; `}or restore as a role that may` +
        (owns ? byEmptying(database, user) : ''),
    },
  );
}

/** An owner of just one database, as on many hosts, can fill it but keep nothing beside it. */
function byEmptying(database: string, user: string): string {
  return (
    `; or, where nobody gives that right: back up what is there, empty the database for good (DROP OWNED BY ` +
    `${quoteIdentifier(user)} CASCADE; in ${database}), and restore with --to ${word(database)}, without --replace`
  );
}

type Obstruction = { what: string; remedy: string };

/** What holds a database although nobody is connected. */
async function nothingHolds(session: PostgresSession, { database }: Login): Promise<void> {
  const holders = [
    ...(await subscriptions(session, database)),
    ...(await slots(session, database)),
    ...(await prepared(session, database)),
  ];
  if (holders.length === 0) return;
  throw new BackupError(
    'restore-failed',
    `database ${database} can't be dropped as long as it has ${holders.map(({ what }) => what).join(', ')}`,
    {
      hint: `in that database: ${holders.map(({ remedy }) => remedy).join(' ')} Then run the restore again`,
    },
  );
}

async function subscriptions(session: PostgresSession, database: string): Promise<Obstruction[]> {
  const rows = await session.rows<{ name: string }>(
    'select quote_ident(subname) as name from pg_subscription where subdbid = (select oid from pg_database ' +
      'where datname = $1)',
    [database],
  );
  return rows.map(({ name }) => ({
    what: `the subscription ${name}`,
    remedy:
      `DROP SUBSCRIPTION ${name}; (its publisher gone: ALTER SUBSCRIPTION ${name} DISABLE; ALTER SUBSCRIPTION ` +
      `${name} SET (slot_name = NONE); before that)`,
  }));
}

async function slots(session: PostgresSession, database: string): Promise<Obstruction[]> {
  const rows = await session.rows<{ name: string }>(
    'select slot_name as name from pg_replication_slots where database = $1',
    [database],
  );
  return rows.map(({ name }) => ({
    what: `the replication slot ${name}`,
    remedy: `SELECT pg_drop_replication_slot('${name}');`,
  }));
}

async function prepared(session: PostgresSession, database: string): Promise<Obstruction[]> {
  const rows = await session.rows<{ name: string }>(
    'select quote_literal(gid) as name from pg_prepared_xacts where database = $1',
    [database],
  );
  return rows.map(({ name }) => ({
    what: `the prepared transaction ${name}`,
    remedy: `COMMIT PREPARED ${name}; or ROLLBACK PREPARED ${name};`,
  }));
}
