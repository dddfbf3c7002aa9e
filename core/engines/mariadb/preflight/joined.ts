import { isBackupError } from '../../../domain/errors.ts';
import { fewNames } from '../../../domain/lines.ts';
import type { ByteStream } from '../../../ports.ts';
import { linesOf } from '../lines.ts';
import type { RefusedLoad } from './definers.ts';

/** The server's number for a MERGE table that it can't open: one that it joins is gone, or is not as it is. */
const notJoined = 1168;
const tableHead = /^CREATE TABLE (`(?:[^`]|``)*`) \(/;
const joinedNames = /^\).*\bENGINE=MRG_\w+.*\bUNION=\(((?:`(?:[^`]|``)*`|[.,\s])*)\)/;

/**
 * What a server says of a MERGE table that it has made, and can't read: `undefined` for any other error. The tables that
 * it joins may be of another database, which no restore of this one brings.
 */
export async function refusedJoins(
  error: unknown,
  definitions: readonly ByteStream[],
): Promise<RefusedLoad[] | undefined> {
  const { cause } = (error ?? {}) as { cause?: { errno?: unknown; sqlMessage?: unknown } };
  if (!isBackupError(error) || cause?.errno !== notJoined) return undefined;
  const found = (await Promise.all(definitions.map(joins))).flat();
  const elsewhere = found.filter(({ joined }) => joined.includes('.'));
  return (elsewhere.length > 0 ? elsewhere : found).map(({ table }) => ({
    number: notJoined,
    object: `table ${table}`,
    statement: '',
    error: `ERROR ${notJoined} (HY000): ${String(cause.sqlMessage)}`,
    remedy:
      `MERGE tables join others: ${fewNames(found.map((one) => `${one.table} joins ${one.joined}`))}. Restore the ` +
      'databases of these first, or drop that table in the source, and back up again',
  }));
}

/** Each MERGE table of the definitions, with what it joins, as SQL writes it: `` `beside`.`log` ``. */
async function joins(definitions: ByteStream): Promise<{ table: string; joined: string }[]> {
  const found: { table: string; joined: string }[] = [];
  let table = '';
  for await (const lines of linesOf(definitions)) {
    for (const bytes of lines) {
      const line = Buffer.from(bytes).toString();
      table = tableHead.exec(line)?.[1] ?? table;
      const [, joined] = joinedNames.exec(line) ?? [];
      if (joined !== undefined) found.push({ table, joined: joined.replaceAll(',', ', ') });
    }
  }
  return found;
}
