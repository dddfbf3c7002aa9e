import { BackupError, messageOf } from '../../../domain/errors.ts';
import type { Catalog } from '../../../ports.ts';
import type { Login } from '../../login.ts';
import { readCatalog } from '../catalog/catalog.ts';
import { isFree, taken } from './claim.ts';
import { arrangements, commentOf, creationOptions } from './statements.ts';
import type { DatabaseStatement } from './statements.ts';
import { quoteIdentifier, quoteLiteral } from '../identifier.ts';
import { discardDatabase } from './discard.ts';
import { newName } from './leftovers.ts';
import type { Loading } from '../restore/loading.ts';
import { inTransaction, maintain } from './maintenance.ts';
import type { Maintenance } from './maintenance.ts';
import { marked, markOf } from './mark.ts';
import type { DatabaseMark } from './mark.ts';
import { failureOf, refusedError } from '../failures/remedies.ts';
import { openSession, sqlState, withSession } from '../session.ts';
import { leftInside } from '../unfinished/filling.ts';
import type { LeftInside } from '../unfinished/filling.ts';

const discardLimitMs = 30_000;

/**
 * What exists where a restore would go. No catalog: the database doesn't exist, or was left half made by a dead restore
 * (`leftover`). `skipsWal`: the server need not log rows that are loaded into a table of the same transaction, and we
 * may use that.
 */
export type FoundDatabase = {
  serverMajor: number;
  skipsWal: boolean;
  catalog?: Catalog;
  leftover: boolean;
  /** What a restore has left in a database that was there before it. */
  left?: LeftInside;
  oid?: number;
};

const sessionEnded = '57P01';

/** Looks at the database of `login`. Throws `lease-held` while another run restores into it. */
export function inspect(login: Login, signal: AbortSignal): Promise<FoundDatabase> {
  return look(login, signal).catch((error: unknown) => {
    // another run has dropped what a dead restore had left, and ended the sessions there
    if (sqlState(error) !== sessionEnded) throw error;
    return look(login, signal);
  });
}

async function look(login: Login, signal: AbortSignal): Promise<FoundDatabase> {
  const session = await openSession(login, signal).catch((error: unknown) => {
    if (sqlState(error) === '3D000') return undefined;
    throw error;
  });
  if (session === undefined)
    return maintain(login, signal, async (elsewhere) => ({ ...(await serverFacts(elsewhere)), leftover: false }));
  try {
    const facts = await serverFacts(session);
    const [found] = await session.rows<{ oid: number; comment: string | null }>(
      `select oid, shobj_description(oid, 'pg_database') as comment from pg_database where datname = $1`,
      [login.database],
    );
    const { state, of } = markOf(found?.comment) ?? {};
    if (state !== 'restoring' || of !== login.database) {
      const left = await leftInside(session, login, signal);
      const there = { leftover: false, oid: Number(found?.oid), ...(left && { left }) };
      return { ...facts, catalog: await readCatalog(session), ...there };
    }
    if (!(await maintain(login, signal, (elsewhere) => isFree(elsewhere, login, signal)))) throw taken(login);
    return { ...facts, leftover: true };
  } finally {
    await session.close();
  }
}

/** Truncating takes a right that loading rows does not; a superuser has it everywhere. */
async function serverFacts({ serverMajor, rows }: Maintenance): Promise<{ serverMajor: number; skipsWal: boolean }> {
  const [found] = await rows<{ skips: boolean }>(
    `select current_setting('wal_level') = 'minimal' and current_setting('is_superuser') = 'on' as skips`,
  );
  return { serverMajor, skipsWal: found!.skips };
}

/** A connection string, for programs that take the database's name in no other form. */
export function connectionString(database: string): string {
  return `dbname='${database.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

/**
 * Makes a database for the one of `login`, with the encoding, locale and settings of the backup, or none: under its
 * name, or `beside` it under a temporary name. Until its mark is written, nobody can connect to it. Returns its name.
 */
export async function createDatabase(
  login: Login,
  { id, beside, catalog, state }: { id: string; beside: boolean; catalog: Catalog; state: DatabaseMark['state'] },
  loading: Loading,
  signal: AbortSignal,
): Promise<string> {
  const unnamed = newName(id, login);
  const name = beside ? unnamed : login.database;
  const made = quoteIdentifier(unnamed);
  return maintain(login, signal, async (session) => {
    const create =
      `create database ${made} ${creationOptions(catalog, loading.serverMajor, loading.tablespaces)} ` +
      'allow_connections false';
    await session
      .rows(create)
      .catch((cause: unknown) =>
        refuse({ kind: 'database', name: login.database, sql: create }, cause, loading, signal),
      );
    const comment = marked({ state, of: login.database }, commentOf(catalog));
    await inTransaction(session, [
      ...(beside ? [] : [`alter database ${made} rename to ${quoteIdentifier(name)}`]),
      `comment on database ${quoteIdentifier(name)} is ${quoteLiteral(comment)}`,
      `alter database ${quoteIdentifier(name)} allow_connections true`,
    ]).catch(async (error: unknown) => {
      await session.rows(`drop database if exists ${made}`);
      if (sqlState(error) !== '42P04') throw error;
      throw new BackupError('target-not-empty', `somebody else has made database ${name} meanwhile`, {
        hint: 'look at it; then name another with --to, or replace it with --replace',
      });
    });
    await arrange(session, { ...login, database: name }, catalog, loading, signal).catch(async (error: unknown) => {
      await discardDatabase({ ...login, database: name }, AbortSignal.timeout(discardLimitMs));
      throw error;
    });
    return name;
  });
}

/** The schema `public` comes before the settings, because one of them may make the database read-only. */
async function arrange(
  session: Maintenance,
  login: Login,
  catalog: Catalog,
  loading: Loading,
  signal: AbortSignal,
): Promise<void> {
  if (catalog['schema']?.['public'] === undefined)
    await withSession(login, signal, (within) => within.rows('drop schema if exists public'));
  for (const statement of arrangements(quoteIdentifier(login.database), catalog)) {
    if (!loading.owners && isLeftOut(statement, loading)) continue;
    await session.rows(statement.sql).catch((cause: unknown) => refuse(statement, cause, loading, signal));
  }
}

/** Without owners: rights are not compared then, but settings of roles are, so leaving these out is noted. */
function isLeftOut({ kind, name, role }: DatabaseStatement, loading: Loading): boolean {
  if (kind === 'database access') return true;
  if (role === undefined) return false;
  loading.leftOut.push({ kind, name, why: 'left out, with all that names a role' });
  return true;
}

/** Records a failure if the restore may skip it and there is a database to go on with; throws otherwise. */
function refuse({ kind, name, sql }: DatabaseStatement, cause: unknown, loading: Loading, signal: AbortSignal): void {
  const said = messageOf(cause)
    .replace(`${loading.place}: `, '')
    .replace(/^postgres:\/\/\S+: /, '');
  const refusal = { object: `${kind} ${name}`, error: `ERROR:  ${said}`, statement: sql };
  if (signal.aborted || !loading.keepGoing || kind === 'database')
    throw refusedError([refusal], cause, loading, signal);
  loading.failures.push(failureOf(refusal, loading));
}

/** Statements that remove every sign of a restore from a database: from now on it belongs to a person. */
export function settledStatements(database: string, catalog: Catalog): string[] {
  const comment = commentOf(catalog);
  return [
    `comment on database ${quoteIdentifier(database)} is ${comment === undefined ? 'null' : quoteLiteral(comment)}`,
  ];
}
