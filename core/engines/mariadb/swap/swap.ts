import { BackupError, isBackupError } from '../../../domain/errors.ts';
import type { Login } from '../../login.ts';
import { quoteName } from '../quoting.ts';
import { clientClaim } from '../restore/unfinished.ts';
import { withSession } from '../session.ts';
import type { MariadbSession } from '../session.ts';
import { lockWait } from './maker.ts';
import { notOurs, readOptions, readRecord, swapMarks, unendedSwap, writeRecord } from './marker.ts';
import type { BesideTables, SwapHead, SwapRecord } from './marker.ts';
import { readRoutineRights, rightsInPlace } from '../rights/routines.ts';
import { keptName } from './names.ts';
import { definerOf, readObjects } from './objects.ts';
import type { DatabaseObject } from './objects.ts';
import { remake } from './remake.ts';
import type { NotMade } from './remake.ts';
import { movable, movesOf, renameStatement } from './tables.ts';
import { isNamed } from '../exact-names.ts';

/** How often a locked exchange is tried: whoever waits behind a RENAME TABLE waits for what it waits for. */
const attempts = 2;

export type SwapOrder = Omit<SwapHead, 'of'> & { fresh: BesideTables };

/**
 * Puts the tables of the database `whole` in the place of those of the database of `login`, in one statement, and makes
 * the rest again around it. If it is killed at any moment, `recoverSwap` completes or reverts it. Returns what could
 * not be made again. While tables are locked, throws with everything as it was. Once begun it is not interrupted: it
 * takes seconds.
 */
export async function swapTables(login: Login, order: SwapOrder): Promise<NotMade[]> {
  const unending = new AbortController().signal;
  return withSession(login, unending, async (session) => {
    await session.rows(`SET ${clientClaim(login.database, 0)}`);
    await session.rows(`SET SESSION lock_wait_timeout = ${lockWait}`);
    const { fresh: coming, ...head } = order;
    const old = {
      options: await readOptions(session),
      objects: await readObjects(session),
      fixes: [],
      rights: (await readRoutineRights(session)) ?? [],
    };
    const fresh = { ...coming, rights: rightsInPlace(coming.objects, coming.rights, old) };
    const of = await keptName(session, login.database);
    const record = { head: { ...head, of }, old, fresh };
    await writeRecord(session, record);
    try {
      await exchange(session, login, record);
    } catch (error) {
      // a server that was killed may have done it; if it is gone, the next run finds out
      const state = await withSession(login, unending, (one) => unendedSwap(one, login.database)).catch(
        () => 'unknown',
      );
      const lost = state === 'begun' ? await takeBack(login, record, unending) : [];
      if (state !== 'renamed') throw withLost(error, lost);
    }
    return end(login, record, unending);
  });
}

/** Adds events whose time came meanwhile, and which are gone. */
function withLost(error: unknown, notMade: readonly NotMade[]): unknown {
  if (notMade.length === 0 || !(error instanceof BackupError)) return error;
  const { code, message, hint, cause } = error;
  const lost = notMade.map(({ what, why }) => `${what} (${why})`).join('; ');
  return new BackupError(code, `${message}; not there again: ${lost}`, { hint, cause });
}

async function exchange(session: MariadbSession, { database }: Login, { head, old }: SwapRecord): Promise<void> {
  const { whole, before } = head;
  const [there, coming] = [await movable(session, database), await movable(session, whole)];
  const mark = { database, name: swapMarks.begun };
  const moves = [
    ...(before === undefined ? [] : movesOf(there, database, before)),
    ...movesOf(coming, whole, database),
    [mark, { database, name: swapMarks.renamed }] as const,
  ];
  if (before !== undefined) {
    const { charset, collation } = old.options;
    await session.rows(`CREATE DATABASE ${quoteName(before)} CHARACTER SET ${charset} COLLATE ${collation}`);
  }
  await requireRemakable(session, whole, old.objects);
  await dropTriggers(session, whole);
  const gone = old.objects.filter(({ kind, name }) => kind === 'event' || (kind === 'view' && coming.includes(name)));
  for (let left = attempts; ; left -= 1) {
    try {
      for (const { kind, name } of gone) await session.rows(`DROP ${kind} IF EXISTS ${quoteName(name)}`);
      await dropTriggers(session, database);
      await session.rows(renameStatement(moves));
      return;
    } catch (error) {
      if (left <= 1 || !isBackupError(error, 'lock-timeout')) throw error;
    }
  }
}

/** Throws if the user may not make again what is dropped; checked in our own database. */
async function requireRemakable(session: MariadbSession, whole: string, old: readonly DatabaseObject[]): Promise<void> {
  const isLogged = old.some(({ kind }) => kind === 'trigger' || kind === 'function');
  const [kind, body] = isLogged ? ['FUNCTION', 'RETURNS int DETERMINISTIC NO SQL RETURN 1'] : ['PROCEDURE', 'DO 1'];
  const name = `${quoteName(whole)}.nightjar_trial`;
  for (const definer of new Set(old.flatMap((one) => definerOf(one) ?? []))) {
    await session.rows(`DROP ${kind} IF EXISTS ${name}`); // of an exchange that died
    await session.rows(`CREATE DEFINER=${definer} ${kind} ${name}() ${body}`);
    await session.rows(`DROP ${kind} ${name}`);
  }
}

/** A table with triggers can't be moved to another database. */
async function dropTriggers(session: MariadbSession, database: string): Promise<void> {
  const rows = await session.rows(
    `SELECT TRIGGER_NAME AS name FROM information_schema.TRIGGERS WHERE ${isNamed('TRIGGER_SCHEMA', database)}`,
  );
  for (const { name } of rows)
    await session.rows(`DROP TRIGGER IF EXISTS ${quoteName(database)}.${quoteName(name ?? '')}`);
}

/** After the exchange: makes the rest, drops what is left of `whole`, and puts the record where the old tables are. */
async function end(login: Login, { head, old, fresh }: SwapRecord, signal: AbortSignal): Promise<NotMade[]> {
  const { whole, before } = head;
  const failed = await remake(login, fresh, old.objects, signal);
  await withSession(login, signal, async (session) => {
    if ((await movable(session, whole)).length === 0) await session.rows(`DROP DATABASE IF EXISTS ${quoteName(whole)}`);
    const from = { database: login.database, name: swapMarks.renamed };
    const isKept = before !== undefined && (await isThere(session, before));
    if (!isKept) await session.rows(`DROP TABLE IF EXISTS ${quoteName(swapMarks.kept)}`);
    // the record is the only place with what could not be made
    if (!isKept && failed.length === 0) await session.rows(`DROP TABLE ${quoteName(swapMarks.renamed)}`);
    else {
      const database = isKept ? before : login.database;
      await session.rows(renameStatement([[from, { database, name: swapMarks.kept }]]));
    }
  });
  return failed;
}

export async function isThere({ rows }: MariadbSession, database: string): Promise<boolean> {
  const found = await rows(
    `SELECT 1 AS found FROM information_schema.SCHEMATA WHERE ${isNamed('SCHEMA_NAME', database)}`,
  );
  return found.length > 0;
}

/**
 * Before the exchange: makes again what was dropped for it. If a server that exchanges one table after the other was
 * killed in between, puts those back.
 */
async function takeBack(login: Login, { head, old }: SwapRecord, signal: AbortSignal): Promise<NotMade[]> {
  const { whole, before } = head;
  const { database } = login;
  await withSession(login, signal, async (session) => {
    if (before === undefined) return;
    const aside = await movable(session, before);
    const stranded = aside.length === 0 ? [] : await movable(session, database);
    const kept = new Set(await movable(session, whole));
    const came = stranded.filter((name) => aside.includes(name) && !kept.has(name));
    const moves = [...movesOf(came, database, whole), ...movesOf(aside, before, database)];
    if (moves.length > 0) await session.rows(renameStatement(moves));
  });
  const failed = await remake(login, old, [], signal);
  await withSession(login, signal, async (session) => {
    if (before !== undefined && (await movable(session, before)).length === 0)
      await session.rows(`DROP DATABASE IF EXISTS ${quoteName(before)}`);
    if (failed.every(({ lasting }) => lasting)) await session.rows(`DROP TABLE ${quoteName(swapMarks.begun)}`);
  });
  return failed;
}

/** What was done about a swap that died, and what could not be restored and never will be. */
export type Recovered = { how: 'ended' | 'taken back'; lost: string[] };

/** Says what was first repaired after a replacement that died, for people. */
export function mendedNote({ database }: Login, how: Recovered['how']): string {
  return `an earlier replacement of database ${database} had died: it is ${how}`;
}

/**
 * Completes or reverts a swap of the database of `login` that died; undefined if there is none. Throws `restore-failed`
 * if something could not be made again, or the record is not ours.
 */
export async function recoverSwap(login: Login, signal: AbortSignal): Promise<Recovered | undefined> {
  const state = await withSession(login, signal, (session) => unendedSwap(session, login.database));
  if (state === undefined) return undefined;
  const at = { database: login.database, table: swapMarks[state] };
  const record = await withSession(login, signal, async (session) => {
    const found = await readRecord(session, login, at);
    if (found === undefined && state === 'renamed') throw notOurs(at);
    // it died before the record was complete, and so before it did anything
    if (found === undefined) await session.rows(`DROP TABLE ${quoteName(swapMarks.begun)}`);
    return found;
  });
  if (record === undefined) return { how: 'taken back', lost: [] };
  const how = state === 'renamed' ? 'ended' : 'taken back';
  const failed = await (how === 'ended' ? end : takeBack)(login, record, signal);
  const missing = failed.filter(({ lasting }) => !lasting);
  if (missing.length > 0) throw notRecovered(login, record, how, missing);
  return { how, lost: failed.map(({ what, why }) => `not there again: ${what} (${why})`) };
}

function notRecovered({ database }: Login, { head }: SwapRecord, how: Recovered['how'], missing: readonly NotMade[]) {
  const said = missing.map(({ what, why }) => `${what} (${why})`).join('; ');
  return new BackupError(
    'restore-failed',
    `a replacement of database ${database} that died is ${how}, and could not make again: ${said}`,
    {
      hint:
        how === 'taken back'
          ? `the statements are in the table ${swapMarks.begun} of database ${database}: mend what they failed of, ` +
            'and run the same command again'
          : `the statements are in the table ${swapMarks.kept} of database ${head.before ?? database}; the same ` +
            'command again goes on without them',
    },
  );
}
