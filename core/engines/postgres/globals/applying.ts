import { BackupError, messageOf } from '../../../domain/errors.ts';
import type { LoadFailure } from '../../../ports.ts';
import type { PostgresSession } from '../session.ts';
import { grantedAtOnce } from './memberships.ts';
import { withoutPassword } from './statements.ts';
import type { Global } from './statements.ts';

export type Applying = {
  isSuperuser: boolean;
  /** Receives each failure, and the work goes on; without it, the first failure ends the work. */
  failed?: ((failure: LoadFailure) => void) | undefined;
  /** Statements that belong into the same transaction. */
  besides?: readonly string[];
};

/** Keeps hashes of passwords out of the server's log. */
const quiet = [`set local log_statement = 'none'`, `set local log_min_error_statement = 'panic'`];
const quieter = [...quiet, 'set local log_min_duration_statement = -1'];

/** Makes everything or nothing, except what goes to `failed`. */
export async function makeTogether(
  globals: readonly Global[],
  session: PostgresSession,
  { isSuperuser, failed, besides = [] }: Applying,
): Promise<void> {
  await session.rows('begin read write');
  try {
    for (const statement of [...(isSuperuser ? quieter : []), ...besides]) await session.rows(statement);
    const { true: memberships = [], false: others = [] } = Object.groupBy(globals, isMembership);
    const make = async (one: Global): Promise<void> => {
      await session.rows('savepoint one');
      try {
        for (const statement of one.statements) await session.rows(statement);
      } catch (error) {
        if (failed === undefined) throw failureOf(one, error);
        await session.rows('rollback to one');
        failed({ ...saidOf(one), error: messageOf(error) });
      }
    };
    for (const one of others) await make(one);
    for (const one of await refusedOf(memberships, session)) await make(one);
    await session.rows('commit');
  } catch (error) {
    await session.rows('rollback').catch(() => {});
    throw error;
  }
}

/** Makes tablespaces, outside any transaction, as PostgreSQL requires; their folders have to exist. */
export async function makeTablespaces(
  tablespaces: readonly Global[],
  session: PostgresSession,
  { failed }: Pick<Applying, 'failed'>,
): Promise<void> {
  for (const one of tablespaces) {
    try {
      for (const statement of one.statements) await session.rows(statement);
    } catch (error) {
      if (failed === undefined) throw failureOf(one, error, folderHint);
      failed({ ...saidOf(one), error: messageOf(error) });
    }
  }
}

const folderHint =
  'make its folder on the server, empty and owned by the user that the server runs as, and run this again: what is ' +
  'there by now stays; or leave tablespaces out: --no-tablespaces';

const isMembership = ({ kind }: Global) => `${kind === 'membership'}` as const;

/**
 * Grants memberships, each in the name of its grantor. The grantor may first have to be granted it, so refused ones are
 * tried again after the others. Returns those that are left: they are then granted without naming a grantor, because
 * the membership itself matters more.
 */
async function refusedOf(memberships: readonly Global[], session: PostgresSession): Promise<Global[]> {
  let left = memberships.flatMap((one) => one.statements.map((statement) => ({ one, statement })));
  for (let before = Infinity; left.length < before; ) {
    before = left.length;
    const refused: typeof left = [];
    for (const grant of left) {
      await session.rows('savepoint one');
      await session.rows(grant.statement).catch(async () => {
        await session.rows('rollback to one');
        refused.push(grant);
      });
    }
    left = refused;
  }
  return [...new Set(left.map(({ one }) => one))].map((one) => ({
    ...one,
    statements: [grantedAtOnce(one.statements)],
  }));
}

function failureOf(one: Global, cause: unknown, hint = rightsHint): BackupError {
  const { object } = saidOf(one);
  return new BackupError('restore-failed', `${object} can't be made: ${messageOf(cause)}`, { hint, cause });
}

const rightsHint =
  'restore as a superuser (on a managed server: as its master user), or go on without what fails: --keep-going';

function saidOf({ kind, name, statements }: Global): Omit<LoadFailure, 'error'> {
  return { object: `${kind} ${name}`, statement: withoutPassword(statements.at(-1)!).slice(0, 200) };
}
