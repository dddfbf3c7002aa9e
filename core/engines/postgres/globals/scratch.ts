import { BackupError } from '../../../domain/errors.ts';
import { quoteIdentifier, quoteLiteral } from '../identifier.ts';
import type { PostgresSession } from '../session.ts';
import type { Global } from './statements.ts';

/** A role that lists the roles that a drill has made, while they exist. */
const marker = 'nightjar_drill';

/** Statements that mark roles as a drill's: to run in the transaction that makes them. */
export function marking(made: readonly Global[]): string[] {
  const names = made.filter(({ kind }) => kind === 'role').map(({ name }) => name);
  const note = quoteLiteral(JSON.stringify(names));
  return [`create role ${marker} nologin`, `comment on role ${marker} is ${note}`];
}

/** Drops what a drill has made, and the mark with it. Returns the names. */
export async function dropMarked(session: PostgresSession): Promise<string[]> {
  const [found] = await session.rows<{ note: string | null }>(
    `select shobj_description(oid, 'pg_authid') as note from pg_roles where rolname = '${marker}'`,
  );
  if (found === undefined) return [];
  const names = namesIn(found.note);
  const there = await session.rows<{ rolname: string }>('select rolname from pg_roles where rolname = any($1)', [
    names,
  ]);
  const roles = there.map(({ rolname }) => quoteIdentifier(rolname));
  await session.rows('begin read write');
  try {
    // rights on server parameters are all that they can have
    if (roles.length > 0) await session.rows(`drop owned by ${roles.join(', ')}`);
    await session.rows(`drop role ${[...roles, marker].join(', ')}`);
    await session.rows('commit');
  } catch (error) {
    await session.rows('rollback').catch(() => {});
    throw error;
  }
  return names;
}

function namesIn(note: string | null): string[] {
  try {
    return (JSON.parse(note ?? '') as unknown[]).map(String);
  } catch {
    throw new BackupError('restore-failed', `the role ${marker} is not one that a drill has made`, {
      hint: `drop or rename it: drills use that name`,
    });
  }
}
