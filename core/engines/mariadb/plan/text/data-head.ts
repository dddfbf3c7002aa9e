import type { DumpReader } from '../../../../pipeline/rows/reader.ts';
import type { Login } from '../../../login.ts';
import { quoteName } from '../../quoting.ts';
import { withSession } from '../../session.ts';
import type { MariadbSession } from '../../session.ts';

/**
 * The head before the rows of a part. `text` is called when the rows' snapshot has begun; `counted` adds what it holds
 * to the reader's counts.
 */
export type Head = { text(signal: AbortSignal): Promise<string>; counted(reader: DumpReader): DumpReader };

const setNames = '/*!40101 SET NAMES utf8mb4 */;\n';
/**
 * For tables that no transaction protects: ends the one in which a part is loaded, so that each statement stands alone.
 */
const alone = 'SET autocommit = 1;\n';

/**
 * Sets these MariaDB sequences to their positions once the rows' snapshot has begun, so that no row holds a value that
 * a sequence will give again. `transactional`: whether the part's tables are.
 */
export function dataHead(transactional: boolean, sequences: readonly string[], login: Login): Head {
  const plain = transactional ? setNames : `${setNames}${alone}`;
  if (sequences.length === 0) return { text: async () => plain, counted: (reader) => reader };
  let found: Record<string, string> = {};
  return {
    async text(signal) {
      found = await withSession(login, signal, (session) => positions(session, sequences));
      const statements = Object.entries(found).map(([name, position]) => `DO SETVAL(${name}, ${position});\n`);
      return [plain, ...statements].join('');
    },
    counted: (reader) => ({ ...reader, end: () => ({ ...reader.end(), sequences: found }) }),
  };
}

/**
 * By SQL name, the arguments of SETVAL: the first value neither given out nor cached, that it is still to come, and the
 * round of a cycle.
 */
async function positions(session: MariadbSession, names: readonly string[]): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const name of names) {
    const [row] = await session.rows(
      `SELECT next_not_cached_value AS value, cycle_count AS round FROM ${quoteName(name)}`,
    );
    found[quoteName(name)] = `${row?.['value']}, 0, ${row?.['round']}`;
  }
  return found;
}
