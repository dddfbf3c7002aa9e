import { isBackupError } from '../../../domain/errors.ts';
import type { AssertionEnd } from '../../../ports.ts';
import type { Login } from '../../login.ts';
import { withSession } from '../session.ts';
import { serverWords } from './errors/server-words.ts';

const limitMs = 60_000;
/** One column with a boolean or null. */
const oneAnswer = /^\{"(?:[^"\\]|\\.)*":(true|false|null)\}$/;
const canceled = '57014';

/**
 * Runs a statement in a transaction that can't write, with an application's search path. Uses the extended protocol,
 * which accepts only a single statement.
 */
export async function askTrue(login: Login, statement: string, signal: AbortSignal): Promise<AssertionEnd> {
  return withSession(login, signal, async (session) => {
    await session.rows('reset search_path');
    await session.rows('begin read only');
    await session.rows(`set local statement_timeout = ${limitMs}`);
    const question = `select pg_catalog.row_to_json(answer)::text as row from (${statement}\n) as answer where $1::bool limit 2`;
    try {
      return endOf(await session.rows<{ row: string }>(question, [true]));
    } catch (error) {
      return { error: whyNot(error, statement) };
    }
  });
}

/** Any other result than one boolean is a mistake in the statement, and says nothing about the rows. */
function endOf([first, ...more]: readonly { row: string }[]): AssertionEnd {
  if (first === undefined) return { error: 'it gives no row' };
  if (more.length > 0) return { error: 'it gives several rows' };
  const [, value] = oneAnswer.exec(first.row) ?? [];
  if (value === undefined) return { error: 'it gives several columns, or a value that is no boolean' };
  return value === 'true' ? 'true' : 'not-true';
}

/** Why the server could not answer, without a value of any row. Rethrows other errors. */
function whyNot(error: unknown, statement: string): string {
  const cause = (
    error as { cause?: { severity?: unknown; code?: unknown; message?: unknown; routine?: string } } | null
  )?.cause;
  const state = String(cause?.code);
  const isOfServer = cause?.severity === 'ERROR';
  if (!isBackupError(error) || !isOfServer) throw error;
  if (state === canceled) return `it took more than ${limitMs / 1000} seconds`;
  return serverWords({ code: state, message: String(cause?.message), routine: cause?.routine }, statement);
}
