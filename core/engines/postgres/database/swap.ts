import { setTimeout as sleep } from 'node:timers/promises';
import { abortError, BackupError } from '../../../domain/errors.ts';
import type { Login } from '../../login.ts';
import { quoteIdentifier, quoteLiteral } from '../identifier.ts';
import { beforeName } from './leftovers.ts';
import { inTransaction, maintain } from './maintenance.ts';
import type { Maintenance } from './maintenance.ts';
import { marked } from './mark.ts';
import { sqlState } from '../session.ts';
import type { PostgresSession } from '../session.ts';

const objectInUse = '55006';
/** PostgreSQL itself waits for five seconds each time. */
const swapAttempts = 2;
const looks = 12;
const betweenMs = 250;

/**
 * Throws `restore-failed`, before anything is done, for whatever would keep the database of `login` from being renamed
 * and dropped in the end.
 */
export async function requireReplaceable(login: Login, signal: AbortSignal): Promise<void> {
  await maintain(login, signal, async (session) => {
    await noOthers(session, login, signal);
    await mayReplace(session, login);
    await nothingHolds(session, login);
  });
}

/**
 * Puts the database `whole` in the place of the one of `login` in one transaction: whatever happens, both names are
 * there, or none has changed. The old one is marked as replaced. Returns its name now. Throws `restore-failed` while
 * others are connected to it.
 */
export async function swapDatabases(
  login: Login,
  { whole, id, settled }: { whole: string; id: string; settled: readonly string[] },
  signal: AbortSignal,
): Promise<string> {
  return maintain(login, signal, async (session) => {
    const before = await freeName(session, login.database, id);
    const [old, fresh, gone] = [login.database, whole, before].map(quoteIdentifier) as [string, string, string];
    const [comment] = await session.rows<{ comment: string | null }>(
      `select shobj_description(oid, 'pg_database') as comment from pg_database where datname = $1`,
      [login.database],
    );
    const mark = quoteLiteral(marked({ state: 'replaced', of: login.database }, comment?.comment ?? undefined));
    const statements = [
      `alter database ${old} rename to ${gone}`,
      `alter database ${fresh} rename to ${old}`,
      `comment on database ${gone} is ${mark}`,
      ...settled,
    ];
    for (let left = swapAttempts; ; left -= 1) {
      try {
        await inTransaction(session, statements);
        return before;
      } catch (error) {
        if (sqlState(error) !== objectInUse) throw error;
        if (left > 1) continue;
        await noOthers(session, login, signal);
        throw error;
      }
    }
  });
}

/** Statements for a person who puts it there by hand. */
export function swapByHand(database: string, whole: string, id: string): string {
  const [old, fresh, before] = [database, whole, beforeName(database, id)].map(quoteIdentifier);
  return `BEGIN; ALTER DATABASE ${old} RENAME TO ${before}; ALTER DATABASE ${fresh} RENAME TO ${old}; COMMIT;`;
}

async function freeName(session: PostgresSession, database: string, id: string): Promise<string> {
  const rows = await session.rows<{ datname: string }>('select datname from pg_database');
  const taken = new Set(rows.map(({ datname }) => datname));
  for (let attempt = 0; ; attempt += 1) {
    const name = beforeName(database, id, attempt);
    if (!taken.has(name)) return name;
  }
}

/** Sessions of our own that a killed run has left, or that are just ending, get a moment. */
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
    {
      hint: 'stop the application first, then run the restore again',
    },
  );
}

function othersIn(session: PostgresSession, { database }: Login): Promise<{ who: string; ours: boolean }[]> {
  return session.rows(
    `select format('%s (pid %s, %s)', usename, pid, coalesce(nullif(application_name, ''), client_addr::text, 'local')) as who, application_name = 'nightjar' as ours
    from pg_stat_activity where datname = $1 and backend_type <> 'autovacuum worker'`,
    [database],
  );
}

/** Renaming takes the owner's rights, and the right to make databases. */
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
      hint: `${owns ? '' : `GRANT ${quoteIdentifier(owner)} TO ${quoteIdentifier(user)}; `}${creates ? '' : `ALTER ROLE ${quoteIdentifier(user)} CREATEDB; `}or restore as a role that may`,
    },
  );
}

type Obstruction = { what: string; remedy: string };

/** What holds a database though nobody is connected. */
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
    'select quote_ident(subname) as name from pg_subscription where subdbid = (select oid from pg_database where datname = $1)',
    [database],
  );
  return rows.map(({ name }) => ({
    what: `the subscription ${name}`,
    remedy: `DROP SUBSCRIPTION ${name}; (its publisher gone: ALTER SUBSCRIPTION ${name} DISABLE; ALTER SUBSCRIPTION ${name} SET (slot_name = NONE); before that)`,
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
