import { randomBytes } from 'node:crypto';
import type { Bytes } from '../../../domain/units.ts';
import type { Login } from '../../login.ts';
import { claimKey, tryClaim } from './claim.ts';
import { discardDatabase } from './discard.ts';
import { maintain } from './maintenance.ts';
import { markOf } from './mark.ts';
import type { PostgresSession } from '../session.ts';

/** The longest name that PostgreSQL does not cut, in bytes. */
const longestName = 63;
const justMade = /^nightjar_new_([0-9a-f]{16})[0-9a-f]{4}_/;

/**
 * A name for a database that is being made for the one of `login`: never used before, because programs of a killed run
 * may still be at work.
 */
export function newName(id: string, login: Login): string {
  return `nightjar_new_${claimKey(login)}${randomBytes(2).toString('hex')}_${id}`;
}

/**
 * A name for the replaced database, by the backup `id` or (`undone`) by the one that stood there before: its own name
 * as far as it fits.
 */
export function beforeName(database: string, id: string, attempt = 0, word: 'before' | 'undone' = 'before'): string {
  const ending = `_${word}_${id}${attempt === 0 ? '' : `_${attempt}`}`;
  return `${startOf(database, longestName - ending.length)}${ending}`;
}

/**
 * Drops what dead runs left half made: by its mark, what was to become the database of `login`; what any drill has
 * left; and databases that were only just made, for any database, and that nobody could ever connect to. The caller has
 * the claim on the database. Adds to `swept` what drills have left.
 */
export async function sweepHalfMade(login: Login, swept: string[], signal: AbortSignal): Promise<void> {
  await maintain(login, signal, async (session) => {
    for (const found of await databases(session)) {
      const { name, comment, own } = found;
      const mark = markOf(comment);
      const half = mark?.state === 'restoring' && mark.of === login.database;
      const key = unopenedKey(found);
      const unopened = own && key !== undefined && (key === claimKey(login) || (await tryClaim(session, key)));
      const drilled = own && isDrill(found) && (await tryClaim(session, claimKey({ database: name })));
      if (half || unopened || drilled) await discardDatabase({ ...login, database: name }, signal);
      if (drilled) swept.push(name);
    }
  });
}

/** Databases that adoptions and drills make, or have made and not dropped: nobody else's data. */
export async function ofDrills(session: PostgresSession): Promise<string[]> {
  const found = await databases(session);
  return found.filter((one) => isDrill(one) || unopenedKey(one) !== undefined).map(({ name }) => name);
}

function isDrill({ name, comment }: FoundName): boolean {
  const mark = markOf(comment);
  return mark?.state === 'drilling' && mark.of === name;
}

/** The claim that shows whether a database without a mark is still being made. */
function unopenedKey({ name, open, comment }: FoundName): string | undefined {
  return open || comment !== null ? undefined : justMade.exec(name)?.[1];
}

/** Databases that were to become the one of `login` and were left by a dead run: the next run drops them. */
export async function halfMade(session: PostgresSession, { database }: Login): Promise<string[]> {
  return (await databases(session)).flatMap(({ name, comment }) => {
    const mark = markOf(comment);
    return mark?.state === 'restoring' && mark.of === database ? [name] : [];
  });
}

/** `whole`: its drop was not interrupted (known to PostgreSQL of August 2023 and newer). */
type FoundName = { name: string; open: boolean; whole: boolean; comment: string | null; own: boolean };

export function databases(session: PostgresSession): Promise<FoundName[]> {
  return session.rows(
    `select datname as name, datallowconn as open, datconnlimit <> -2 as whole, shobj_description(oid, 'pg_database') as comment,
      pg_has_role(datdba, 'usage') as own from pg_database where not datistemplate`,
  );
}

/** Sizes in bytes of those that the user may connect to; the server looks at each of their files. */
export async function sizesOf(session: PostgresSession, names: readonly string[]): Promise<Map<string, Bytes>> {
  const rows = await session.rows<{ name: string; bytes: string }>(
    `select datname::text as name, pg_database_size(oid)::text as bytes from pg_database
      where datname = any($1::text[]) and has_database_privilege(oid, 'connect')`,
    [names],
  );
  return new Map(rows.map(({ name, bytes }) => [name, Number(bytes)]));
}

function startOf(text: string, bytes: number): string {
  let start = text;
  while (Buffer.byteLength(start) > bytes) start = [...start].slice(0, -1).join('');
  return start;
}
