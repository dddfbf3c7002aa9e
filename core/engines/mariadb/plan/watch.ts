import { BackupError } from '../../../domain/errors.ts';
import type { ByteStream } from '../../../ports.ts';
import { placeOf } from '../../login.ts';
import type { Login } from '../../login.ts';
import { readIdentities, waitForClock } from './identity.ts';
import type { TableIds } from './identity.ts';
import { quoteName } from '../quoting.ts';
import { withSession } from '../session.ts';
import type { MariadbTable } from '../tables.ts';

/** How often a dump's tables are looked at while it runs. */
const lookEveryMs = 5_000;

/** Checks that each table that the dump has read was, to the end of its rows, the one it was before the snapshot. */
export type TableWatch = {
  /** The rows of a table begin, and those of the one before have ended. */
  reached(table: string): void;
  /**
   * Reads the tables' identities again. Tables read by now (`ended`: all) and still the same are settled, whatever
   * becomes of them later.
   */
  look(ended: boolean, signal: AbortSignal): Promise<void>;
  /** Throws `source-changed` if a table could not be settled. */
  requireSame(): void;
};

/**
 * Begins to watch; call it before the dump's transaction begins. A transaction protects rows, but not tables: one that
 * another session empties or swaps is read as it is now. MariaDB notices that (error 1412) only until the table has
 * left its cache.
 */
export function watchTables(
  before: TableIds,
  place: string,
  ask: (signal: AbortSignal) => Promise<TableIds>,
): TableWatch {
  const open = new Set(before.keys());
  const read = new Set<string>();
  let current: string | undefined;
  return {
    reached(table) {
      if (current !== undefined) read.add(current);
      current = table;
    },
    async look(ended, signal) {
      const candidates = [...open].filter((table) => ended || read.has(table));
      const now = await ask(signal);
      for (const table of candidates) if (now.get(table) === before.get(table)) open.delete(table);
    },
    requireSame() {
      if (open.size === 0) return;
      const named = [...open].slice(0, 5).map(quoteName).join(', ');
      const more = open.size > 5 ? ` and ${open.size - 5} more` : '';
      const what = 'emptied, rebuilt or exchanged for another while the backup ran';
      throw new BackupError('source-changed', `${place}: ${what}: table ${named}${more}`, {
        hint: 'run the backup again when nothing truncates, optimizes, renames or partitions these tables',
      });
    },
  };
}

/** The rows that `open` reads, under watch: checked at intervals, and at their end. */
export async function* watched(
  login: Login,
  tables: MariadbTable[],
  open: (watch: TableWatch) => ByteStream,
  signal: AbortSignal,
): ByteStream {
  const ask = (stop: AbortSignal) => withSession(login, stop, (session) => readIdentities(session, tables));
  const before = await withSession(login, signal, async (session) => {
    if (session.server.product === 'MariaDB') await waitForClock(session);
    return readIdentities(session, tables);
  });
  const watch = watchTables(before, placeOf('mariadb', login), ask);
  let due = false;
  const timer = setInterval(() => (due = true), lookEveryMs);
  try {
    for await (const chunk of open(watch)) {
      yield chunk;
      if (!due) continue;
      await watch.look(false, signal);
      due = false;
    }
  } finally {
    clearInterval(timer);
  }
  await watch.look(true, signal);
  watch.requireSame();
}
