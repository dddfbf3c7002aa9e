import * as z from 'zod';
import { BackupError } from '../../../domain/errors.ts';
import { placeOf } from '../../login.ts';
import type { Login } from '../../login.ts';
import { markOf } from '../database/mark.ts';
import { quoteLiteral } from '../identifier.ts';
import type { PostgresSession } from '../session.ts';

/**
 * A schema that stands in a database that was there and empty, from before the first write of a restore until all is
 * proven: whoever may fill a database may make one, and may mostly not comment on it. Nobody else's database has it.
 */
export const unfinishedSchema = 'nightjar_restore_unfinished';

/** Names by kind, as a catalog has them. */
const names = z.record(z.string(), z.array(z.string()));

/** What the comment of that schema says, in its second line. */
const unfinished = z.object({
  /** Which backup was being restored. */
  backup: z.string(),
  /** What it holds: nothing else is ours. */
  makes: names,
  /** What was there before the first write: extensions, and schemas that hold nothing else. */
  before: names,
  /** It is of the first format, in which names are others. */
  first: z.literal(true).optional(),
});
export type Unfinished = z.infer<typeof unfinished>;
export type NamesByKind = Unfinished['makes'];

/** Both in one transaction: there is no schema without its comment. */
export function markStatements(mark: Unfinished): string[] {
  const words = `what a restore by Nightjar fills, and has not proven yet; the next one empties it\n${JSON.stringify(mark)}`;
  return [`create schema ${unfinishedSchema}`, `comment on schema ${unfinishedSchema} is ${quoteLiteral(words)}`];
}

/**
 * The mark of the database that the session is in, where there is one. `owner`: whose it is: what somebody else has
 * written in our name is nothing to go by.
 */
export async function readMark(
  session: PostgresSession,
): Promise<{ owner: string; mine: boolean; mark: Unfinished | undefined } | undefined> {
  const [found] = await session.rows<{ owner: string; mine: boolean; comment: string | null }>(
    `select pg_get_userbyid(nspowner) as owner, nspowner = current_user::regrole as mine,
      obj_description(oid, 'pg_namespace') as comment from pg_namespace where nspname = ${quoteLiteral(unfinishedSchema)}`,
  );
  if (found === undefined) return undefined;
  return { owner: found.owner, mine: found.mine, mark: markIn(found.comment ?? '') };
}

function markIn(comment: string): Unfinished | undefined {
  try {
    return unfinished.parse(JSON.parse(comment.slice(comment.indexOf('\n') + 1)));
  } catch {
    return undefined;
  }
}

/** Whether a name in a catalog is that of the mark: it is no object of anybody's. */
export function isMark(name: string): boolean {
  return name === unfinishedSchema || name.startsWith(`schema ${unfinishedSchema}`);
}

/**
 * Throws `source-changed` where a restore is filling the database, or was killed while it did: a backup of it would be
 * of half a database.
 */
export async function requireFinished(session: PostgresSession, login: Login): Promise<void> {
  const [found] = await session.rows<{ comment: string | null; marked: boolean }>(
    `select shobj_description(oid, 'pg_database') as comment,
      exists (select from pg_namespace where nspname = ${quoteLiteral(unfinishedSchema)}) as marked
      from pg_database where datname = current_database()`,
  );
  if (found?.marked !== true && markOf(found?.comment)?.state !== 'restoring') return;
  throw new BackupError(
    'source-changed',
    `${placeOf('postgres', login)} is a part of a restore that has not ended, or was interrupted`,
    {
      hint:
        'wait until it has ended; one that was interrupted is done again by the same command (nightjar restore … ' +
        '--to …)',
    },
  );
}
