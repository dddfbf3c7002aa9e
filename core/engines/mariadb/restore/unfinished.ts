import { createHash } from 'node:crypto';
import { BackupError } from '../../../domain/errors.ts';
import { sleep } from '../../../pipeline/waiting.ts';
import type { ServerClaim } from '../../../ports.ts';
import { placeOf } from '../../login.ts';
import type { Login } from '../../login.ts';
import { quoteName } from '../quoting.ts';
import { openSession } from '../session.ts';
import type { MariadbSession } from '../session.ts';
import { swapMarks } from '../swap/marker.ts';

/**
 * Tables that mark a database of ours: while a restore fills it, or while definitions are tried in it. They identify
 * what a killed run has left; nobody else's database has one.
 */
export const marks = { restore: 'nightjar_restore_unfinished', rehearsal: 'nightjar_rehearsal' } as const;
export type UnfinishedMark = keyof typeof marks;

/** Marks the session's database. `backup`: the one being restored. */
export async function setMark(session: MariadbSession, which: UnfinishedMark, backup: string): Promise<void> {
  await session.rows(
    `CREATE TABLE IF NOT EXISTS ${quoteName(marks[which])} (backup varchar(255) CHARACTER SET utf8mb4 PRIMARY ` +
      'KEY) ENGINE=InnoDB ROW_FORMAT=DYNAMIC',
  );
  await session.rows(`INSERT INTO ${quoteName(marks[which])} VALUES (?)`, [backup]);
}

export async function clearMark(session: MariadbSession, which: UnfinishedMark): Promise<void> {
  await session.rows(`DROP TABLE ${quoteName(marks[which])}`);
}

/** The names of databases with this mark that the user may see. */
export async function markedDatabases(session: MariadbSession, which: UnfinishedMark): Promise<string[]> {
  const found = await session.rows('SELECT TABLE_SCHEMA AS name FROM information_schema.TABLES WHERE TABLE_NAME = ?', [
    marks[which],
  ]);
  return found.map(({ name }) => name ?? '');
}

/**
 * Claims a database until the session ends; false if another session still has it after `seconds`: then a run is at
 * work there.
 */
export async function claim(session: MariadbSession, database: string, seconds = 0): Promise<boolean> {
  const [row] = await session.rows('SELECT GET_LOCK(?, ?) AS ours', [lockOf(database), seconds]);
  return row?.['ours'] === '1';
}

/** The server releases what a run has held a moment after that run has ended. */
export const freedWithinSeconds = 5;
/** Such a session is idle during the run; a server's maximum is a year, on Windows 24 days. */
const holderIdleSeconds = 2_147_483;

/**
 * A session that holds the claim on a database until it is closed, and does nothing else; undefined if another run
 * still has the claim after `seconds`. An abort ends its statements and not the claim, under which the run then drops
 * what it has made.
 */
export async function holdClaim(
  login: Login,
  database: string,
  seconds: number,
  signal: AbortSignal,
): Promise<MariadbSession | undefined> {
  const session = await openSession(login, signal, null, undefined, { outlivesAbort: true });
  let isHeld = false;
  try {
    await session.rows(`SET SESSION wait_timeout = ${holderIdleSeconds}`);
    isHeld = await claim(session, database, seconds);
    return isHeld ? session : undefined;
  } finally {
    if (!isHeld) await session.close();
  }
}

/** The error while another run has the claim. */
export function atWork(login: Login): BackupError {
  return new BackupError('lease-held', `another restore into ${placeOf('mariadb', login)} is at work`, {
    hint: 'wait for it, or name another database: --to',
  });
}

/** No database has this name. */
const noDatabase = '';
/** A server may need a moment to notice that a run was killed. */
const serverClaimSeconds = 3;

/** The claim on all of a server; undefined if another run has it. */
export async function claimServer(login: Login, signal: AbortSignal): Promise<ServerClaim | undefined> {
  const session = await holdClaim(login, noDatabase, serverClaimSeconds, signal);
  return session && { release: () => session.close() };
}

/** Gives back a claim of this session. */
export async function release(session: MariadbSession, database: string): Promise<void> {
  await session.rows('DO RELEASE_LOCK(?)', [lockOf(database)]);
}

export async function isClaimed(session: MariadbSession, database: string): Promise<boolean> {
  const [row] = await session.rows('SELECT IS_USED_LOCK(?) AS holder', [lockOf(database)]);
  return row?.['holder'] !== null && row?.['holder'] !== undefined;
}

/**
 * Throws `source-changed` while a restore fills the database, or if one was killed while it did: a backup would be of
 * half a database. Call it before looking at its views, which may be broken at that moment.
 */
export async function requireFinished(session: MariadbSession, place: string): Promise<void> {
  const there = (await session.rows("SHOW TABLES LIKE 'nightjar\\_%'")).flatMap((row) => Object.values(row));
  const has = (...names: string[]) => names.some((name) => there.includes(name));
  if (has(swapMarks.begun, swapMarks.renamed))
    throw new BackupError(
      'source-changed',
      `${place} is being replaced by a restore, or one that did it was interrupted`,
      {
        hint: 'wait until it has ended; the next restore with --replace, or --undo, ends one that was interrupted',
      },
    );
  if (!has(marks.restore)) return;
  throw new BackupError('source-changed', `${place} is a part of a restore that has not ended, or was interrupted`, {
    hint:
      'wait until it has ended; one that was interrupted is done again by the same command (nightjar restore … ' +
      '--to …)',
  });
}

/** Clients that may load into one database at the same time. */
const slots = [0, 1, 2, 3, 4, 5, 6, 7];
/** The slots of the clients that one restore starts, in turn. */
export function newSlots(): () => number {
  let next = 0;
  return () => (next += 1) - 1;
}

const pollMs = 200;
const endLimitMs = 30_000;

/**
 * What a client sets first, so that it can be recognised while it lives: after its run was killed, it goes on until it
 * has read everything that it was sent.
 */
export function clientClaim(database: string, slot: number): string {
  return `@nightjar_client = GET_LOCK('${lockOf(database)}:${slot % slots.length}', 0)`;
}

/**
 * Waits for the clients of a killed run, which would write into whatever has the name of their database. Throws
 * `lease-held` if they don't end.
 */
export async function untilClientsEnd(session: MariadbSession, database: string, signal: AbortSignal): Promise<void> {
  const asked = slots.map((slot) => `IS_USED_LOCK('${lockOf(database)}:${slot}')`).join(', ');
  for (let waitedMs = 0; ; waitedMs += pollMs) {
    const [row] = await session.rows(`SELECT COALESCE(${asked}) AS client`);
    const client = row?.['client'];
    if (client === null || client === undefined) return;
    if (waitedMs >= endLimitMs) {
      throw new BackupError(
        'lease-held',
        `session ${client} of a restore that was killed is still at work in database ${database}`,
        { hint: `wait for it, or end it: KILL ${client}` },
      );
    }
    await sleep(pollMs, signal);
  }
}

/**
 * A lock's name has at most 64 characters. Where a server ignores case, both names are one database; where it does not,
 * restores into two that differ in nothing else take turns.
 */
function lockOf(database: string): string {
  return `nightjar:${createHash('sha256').update(database.toLowerCase()).digest('hex').slice(0, 40)}`;
}
