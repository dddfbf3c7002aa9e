import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { abortError, BackupError } from '../../../domain/errors.ts';
import type { Login } from '../../login.ts';
import { openMaintenance } from './maintenance.ts';
import { openSession } from '../session.ts';
import type { PostgresSession } from '../session.ts';

/** The right to restore into a database of a server: only one run has it, and it ends with the run. */
export type Claim = { release(): Promise<void> };

/** No database has this name. */
const noDatabase = '';
const looks = 12;
const betweenMs = 250;

/**
 * Takes the claim on the database of `login` and holds it with an open session: in a database that always exists, or
 * (`within`) in the one of `login` itself, where nothing is to be done to the server. Throws `lease-held` if another
 * run has it.
 */
export async function claim(login: Login, signal: AbortSignal, within = false): Promise<Claim> {
  // its release must not depend on an aborted signal: what was made is dropped after that
  const unending = new AbortController().signal;
  const session = await (within ? openSession(login, unending) : openMaintenance(login, unending));
  const held = await heldBy(session, login, signal);
  if (held === undefined) throw taken(login);
  return held;
}

/**
 * The claim on all of a server; undefined if another run has it. It is held in a database that none of the `replaced`
 * is: nobody may be in one that is renamed.
 */
export async function claimServer(
  login: Login,
  replaced: readonly string[],
  signal: AbortSignal,
): Promise<Claim | undefined> {
  const place = replaced.includes('postgres') ? 'template1' : 'postgres';
  const session = await openSession(login, new AbortController().signal, place);
  return heldBy(session, { ...login, database: noDatabase }, signal);
}

async function heldBy(session: PostgresSession, login: Login, signal: AbortSignal): Promise<Claim | undefined> {
  let isHeld = false;
  try {
    isHeld = await isFree(session, login, signal);
    return isHeld ? { release: () => session.close() } : undefined;
  } finally {
    if (!isHeld) await session.close();
  }
}

/**
 * Whether nobody restores into the database of `login`; takes the claim until the session ends. A server may need a
 * moment to notice that a run was killed.
 */
export async function isFree(session: PostgresSession, login: Login, signal: AbortSignal): Promise<boolean> {
  for (let left = looks; ; left -= 1) {
    const mine = await tryClaim(session, claimKey(login));
    if (mine || left <= 1) return mine;
    await sleep(betweenMs, undefined, { signal }).catch(() => {});
    if (signal.aborted) throw abortError(signal);
  }
}

/** Identifies the claimed database by 16 hex digits, which are also part of the names of what is made for it. */
export function claimKey({ database }: Pick<Login, 'database'>): string {
  return createHash('sha256').update(database).digest('hex').slice(0, 16);
}

/** Takes a claim unless somebody else has it. */
export async function tryClaim(session: PostgresSession, key: string): Promise<boolean> {
  const digits = Buffer.from(key, 'hex');
  const [found] = await session.rows<{ mine: boolean }>('select pg_try_advisory_lock($1, $2) as mine', [
    digits.readInt32BE(0),
    digits.readInt32BE(4),
  ]);
  return found!.mine;
}

export function taken({ database }: Login): BackupError {
  return new BackupError('lease-held', `another restore into database ${database} is at work on this server`, {
    hint: 'wait for its end, or look at what it does in pg_stat_activity (application nightjar)',
  });
}
