import { BackupError, messageOf } from '../../domain/errors.ts';
import type { Catalog } from '../../ports.ts';
import type { Login } from '../login.ts';
import { readCatalog } from './catalog.ts';
import { plainNames, quoteIdentifier, quoteLiteral } from './identifier.ts';
import { openSession, sqlState } from './session.ts';
import type { Session } from './session.ts';

const discardLimitMs = 30_000;

/** What stands where a restore would go; no catalog: the database doesn't exist. */
export async function inspect(login: Login, signal: AbortSignal): Promise<{ serverMajor: number; catalog?: Catalog }> {
  const session = await openSession(login, signal).catch((error: unknown) => {
    if (sqlState(error) === '3D000') return undefined;
    throw error;
  });
  if (session === undefined) return maintain(login, signal, async ({ serverMajor }) => ({ serverMajor }));
  try {
    return { serverMajor: session.serverMajor, catalog: await readCatalog(session) };
  } finally {
    await session.close();
  }
}

/** A connection string for programs that take the database's name in no other way. */
export function connectionString(database: string): string {
  return `dbname='${database.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

/** Makes the database of `login` with the encoding, locale and settings of the one that was backed up, or none. */
export async function createDatabase(login: Login, serverMajor: number, made: { catalog: Catalog; owners: boolean }, signal: AbortSignal): Promise<void> {
  const { catalog } = made;
  await maintain(login, signal, async (session) => {
    await session.rows(`create database ${quoteIdentifier(login.database)} template template0 ${localeOptions(catalog['database'] ?? {}, serverMajor)}`);
  });
  try {
    await arrange(login, made, signal);
  } catch (error) {
    await discardDatabase(login, AbortSignal.timeout(discardLimitMs));
    throw error;
  }
}

/** Puts a database that is whole in the place of the one of `login`, which is dropped. Throws `restore-failed` while others are connected to that. */
export async function replaceDatabase(login: Login, whole: Login, signal: AbortSignal): Promise<void> {
  try {
    await dropDatabase(login, signal);
    await maintain(login, signal, (session) => session.rows(`alter database ${quoteIdentifier(whole.database)} rename to ${quoteIdentifier(login.database)}`));
  } catch (cause) {
    throw new BackupError('restore-failed', `all is restored into database ${whole.database}, but it could not take the place of ${login.database}: ${messageOf(cause)}`, {
      hint: `put it there by hand, or drop it: DROP DATABASE ${quoteIdentifier(login.database)}; ALTER DATABASE ${quoteIdentifier(whole.database)} RENAME TO ${quoteIdentifier(login.database)}`,
      cause,
    });
  }
}

/** The schema `public` before the settings: one of them may make the database read-only. */
async function arrange(login: Login, { catalog, owners }: { catalog: Catalog; owners: boolean }, signal: AbortSignal): Promise<void> {
  if (catalog['schema']?.['public'] === undefined) {
    const session = await openSession(login, signal);
    await session.rows('drop schema if exists public').finally(() => session.close());
  }
  const name = quoteIdentifier(login.database);
  await maintain(login, signal, async (session) => {
    for (const [setting, value] of Object.entries(catalog['database setting'] ?? {})) {
      const [, parameter, role] = /^(\S+)(?: of (.+))?$/s.exec(setting) ?? [];
      const whose = role === undefined ? `database ${name}` : `role ${quoteIdentifier(role)} in database ${name}`;
      await session.rows(`alter ${whose} set ${quoteIdentifier(parameter ?? '')} to ${settingValue(parameter ?? '', value)}`);
    }
    const { comment } = catalog['database comment'] ?? {};
    if (comment !== undefined) await session.rows(`comment on database ${name} is ${quoteLiteral(comment)}`);
    if (owners) for (const statement of accessStatements(name, catalog['database access'] ?? {})) await session.rows(statement);
  });
}

/** Drops a database that this run has made, and ends what is left of our own sessions in it. */
export async function discardDatabase(login: Login, signal: AbortSignal): Promise<void> {
  await maintain(login, signal, async (session) => {
    await session.rows(`drop database if exists ${quoteIdentifier(login.database)} with (force)`);
  });
}

/** Throws `restore-failed` while others are connected to the database of `login`. */
export async function requireUnused(login: Login, signal: AbortSignal): Promise<void> {
  await maintain(login, signal, (session) => noOthers(session, login));
}

/** What the server itself says of a database's owner and grants, said back to it. */
function accessStatements(name: string, { owner, ...grants }: Record<string, string>): string[] {
  return [
    ...(owner === undefined ? [] : [`alter database ${name} owner to ${quoteIdentifier(owner)}`]),
    ...(Object.keys(grants).length === 0 ? [] : [`revoke all on database ${name} from public`]),
    ...Object.entries(grants).map(([grantee, rights]) => {
      const [right, option] = rights.split('*');
      const to = grantee.startsWith('role ') ? quoteIdentifier(grantee.slice(5).replace(/ [A-Z]+$/, '')) : 'public';
      return `grant ${right} on database ${name} to ${to}${option === undefined ? '' : ' with grant option'}`;
    }),
  ];
}

/** Drops the database of `login`. Throws `restore-failed` while others are connected to it. */
async function dropDatabase(login: Login, signal: AbortSignal): Promise<void> {
  await maintain(login, signal, async (session) => {
    await noOthers(session, login);
    await session.rows(`drop database if exists ${quoteIdentifier(login.database)}`);
  });
}

async function noOthers(session: Session, login: Login): Promise<void> {
  const others = await session.rows<{ who: string }>(
    `select format('%s (pid %s, %s)', usename, pid, coalesce(nullif(application_name, ''), client_addr::text, 'local')) as who
    from pg_stat_activity where datname = $1 and backend_type <> 'autovacuum worker'`, [login.database]);
  if (others.length === 0) return;
  throw new BackupError('restore-failed', `database ${login.database} is in use by ${others.map(({ who }) => who).join(', ')}`, {
    hint: 'stop the application first, then run the restore again',
  });
}

/** Works on the server from a database that is always there. */
export async function maintain<T>(login: Login, signal: AbortSignal, work: (session: Session & { serverMajor: number }) => Promise<T>): Promise<T> {
  const database = login.database === 'postgres' ? 'template1' : 'postgres';
  const session = await openSession(login, signal, database);
  try {
    return await work(session);
  } finally {
    await session.close();
  }
}

/** Parameters that hold a list of names: the list is written out, for as one string it would be one name (guc.h, GUC_LIST_QUOTE). */
const listParameters = ['search_path', 'temp_tablespaces', 'local_preload_libraries', 'session_preload_libraries', 'shared_preload_libraries', 'unix_socket_directories'];

function settingValue(parameter: string, value: string): string {
  if (!listParameters.includes(parameter.toLowerCase())) return quoteLiteral(value);
  return plainNames(value).map(quoteLiteral).join(', ') || `''`;
}

function localeOptions(properties: Record<string, string>, serverMajor: number): string {
  const { encoding, collate, ctype, provider, locale, 'icu rules': rules } = properties;
  const options: [string, string | undefined][] = [['encoding', encoding], ['lc_collate', collate], ['lc_ctype', ctype]];
  if (serverMajor >= 15 && provider === 'i') options.push(['locale_provider', 'icu'], ['icu_locale', locale]);
  if (serverMajor >= 16 && provider === 'i') options.push(['icu_rules', rules]);
  if (serverMajor >= 17 && provider === 'b') options.push(['locale_provider', 'builtin'], ['builtin_locale', locale]);
  return options.flatMap(([option, value]) => (value === undefined ? [] : [`${option} ${quoteLiteral(value)}`])).join(' ');
}
