import { isBackupError } from '../../../domain/errors.ts';
import type { AssertionEnd } from '../../../ports.ts';
import type { Answered } from '../program/questions.ts';
import type { SqliteRefusal } from '../snapshot/asking.ts';
import { holdOwn } from '../snapshot/snapshot.ts';

const limitMs = 60_000;
/** For an error of the statement itself, SQLite's message contains no data. */
const ofTheStatement = 1;

/** Runs a statement on a file that can't be written to. As the table of a FROM, it can only be a single query. */
export async function askTrue(
  path: string,
  place: string,
  statement: string,
  signal: AbortSignal,
): Promise<AssertionEnd> {
  const held = await holdOwn(path, place, signal);
  const limit = AbortSignal.timeout(limitMs);
  try {
    const asked = { statement: `select * from (${statement}\n) as answer limit 2`, rows: 2 };
    return endOf(await held.sqlite.ask('query', asked, place, AbortSignal.any([signal, limit])));
  } catch (error) {
    if (limit.aborted && !signal.aborted) return { error: `it took more than ${limitMs / 1000} seconds` };
    const refusal = isBackupError(error) ? (error as Partial<SqliteRefusal>).refusal : undefined;
    if (refusal === undefined) throw error;
    return { error: refusal.code === ofTheStatement ? refusal.message : `SQLite's error ${refusal.code}` };
  } finally {
    await held.close();
  }
}

/** Booleans are numbers here. Any other result is a mistake in the statement, and says nothing about the rows. */
function endOf({ rows, columns }: Answered): AssertionEnd {
  const [row, ...more] = rows;
  if (row === undefined) return { error: 'it gives no row' };
  if (more.length > 0) return { error: 'it gives several rows' };
  if (columns !== 1) return { error: 'it gives several columns' };
  if (row[0] === '1') return 'true';
  return row[0] === '0' || row[0] === null ? 'not-true' : { error: 'it gives neither 1 nor 0' };
}
