import { isBackupError } from '../../../domain/errors.ts';
import type { AssertionEnd } from '../../../ports.ts';
import type { Login } from '../../login.ts';
import { namesDatabase } from '../catalog/names-database.ts';
import { withSession } from '../session.ts';
import type { TextRow } from '../session.ts';

const limitSeconds = 60;
const tookTooLong = [1969, 3024];
/** Errors of syntax, names, rights, writing and columns: the server's messages for these contain no data. */
const ofTheStatement = [1044, 1046, 1052, 1054, 1060, 1064, 1142, 1143, 1146, 1222, 1248, 1305, 1370, 1792];

/**
 * Runs a statement in a transaction that can't write. As the table of a FROM, it can only be a single query. One that
 * names `source`, the database that was backed up, would query that one instead.
 */
export async function askTrue(
  login: Login,
  statement: string,
  source: string,
  signal: AbortSignal,
): Promise<AssertionEnd> {
  if (namesDatabase(statement, source))
    return { error: `it names the database ${source}: name its tables alone, or by an alias` };
  return withSession(login, signal, async ({ rows, server }) => {
    const limit =
      server.product === 'MariaDB' ? `max_statement_time = ${limitSeconds}` : `max_execution_time = ${limitSeconds}000`;
    await rows(`SET SESSION ${limit}`);
    await rows('START TRANSACTION READ ONLY');
    try {
      return endOf(await rows(`SELECT * FROM (${statement}\n) AS answer LIMIT 2`));
    } catch (error) {
      return { error: whyNot(error) };
    }
  });
}

/** Booleans are numbers here. Any other result is a mistake in the statement, and says nothing about the rows. */
function endOf([row, ...more]: readonly TextRow[]): AssertionEnd {
  if (row === undefined) return { error: 'it gives no row' };
  if (more.length > 0) return { error: 'it gives several rows' };
  const values = Object.values(row);
  if (values.length !== 1) return { error: 'it gives several columns' };
  if (values[0] === '1') return 'true';
  return values[0] === '0' || values[0] === null ? 'not-true' : { error: 'it gives neither 1 nor 0' };
}

/** Why the server could not answer, without a value of any row. Rethrows other errors. */
function whyNot(error: unknown): string {
  const cause = (error as { cause?: { errno?: unknown; sqlMessage?: unknown } } | null)?.cause;
  const number = Number(cause?.errno);
  const isOfServer = typeof cause?.sqlMessage === 'string' && number >= 1000 && !(number >= 2000 && number < 3000);
  if (!isBackupError(error) || !isOfServer || isBackupError(error, 'source-unreachable')) throw error;
  if (tookTooLong.includes(number)) return `it took more than ${limitSeconds} seconds`;
  return ofTheStatement.includes(number) ? String(cause?.sqlMessage) : `the server's error ${number}`;
}
