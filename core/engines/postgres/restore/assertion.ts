import { isBackupError } from '../../../domain/errors.ts';
import type { AssertionEnd } from '../../../ports.ts';
import type { Login } from '../../login.ts';
import { withSession } from '../session.ts';

const limitMs = 60_000;
/** One column, and the boolean true in it. */
const oneTrue = /^\{"(?:[^"\\]|\\.)*":true\}$/;
const canceled = '57014';
/** Syntax, names and rights (PostgreSQL manual, appendix A): the server's words hold nothing of any row. */
const ofTheStatement = /^(42|25)/;

/**
 * Asks a statement in a transaction that can't write, with the search path that an application has. Its value stands in
 * the extended protocol, which takes one statement alone.
 */
export async function askTrue(login: Login, statement: string, signal: AbortSignal): Promise<AssertionEnd> {
  return withSession(login, signal, async (session) => {
    await session.rows('reset search_path');
    await session.rows('begin read only');
    await session.rows(`set local statement_timeout = ${limitMs}`);
    const question = `select pg_catalog.row_to_json(answer)::text as row from (${statement}\n) as answer where $1::bool limit 2`;
    try {
      const rows = await session.rows<{ row: string }>(question, [true]);
      return rows.length === 1 && oneTrue.test(rows[0]!.row) ? 'true' : 'not-true';
    } catch (error) {
      return { error: whyNot(error) };
    }
  });
}

/** Why the server could not answer, without a value of any row. Whatever else went wrong is thrown. */
function whyNot(error: unknown): string {
  const cause = (error as { cause?: { severity?: unknown; code?: unknown; message?: unknown } } | null)?.cause;
  const state = String(cause?.code);
  const isOfServer = cause?.severity === 'ERROR';
  if (!isBackupError(error) || !isOfServer) throw error;
  if (state === canceled) return `it took more than ${limitMs / 1000} seconds`;
  return ofTheStatement.test(state) ? String(cause?.message) : `the server's error ${state}`;
}
