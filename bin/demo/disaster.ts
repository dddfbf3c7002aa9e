import { formatCount } from '../../core/domain/units.ts';
import type { Figure } from './figures.ts';
import type { Shop } from './shop.ts';

/** What goes wrong at each shop: somebody forgets a WHERE, and takes production for the test server. */
const statements: Record<Shop['engine'], readonly string[]> = {
  postgres: ['UPDATE variants SET price = 0', 'DROP TABLE customers CASCADE'],
  mariadb: ['UPDATE order_lines SET unit_price = 0', 'DROP TABLE page_views'],
};

/** Ruins a shop; `told` receives each statement. */
export function ruin({ engine, ask }: Shop, told: (statement: string) => void, signal: AbortSignal): Promise<void> {
  return ask(async (query) => {
    for (const statement of statements[engine]) {
      told(statement);
      await query(statement);
    }
  }, signal);
}

/**
 * Rows and state of the tables that were hit, before and after, as cells of a table; leaves out counters of one row.
 */
export function damageOf(before: readonly Figure[], after: readonly Figure[]): string[][] {
  const now = new Map(after.map((figure) => [figure.table, figure]));
  return before.flatMap(({ table, rows, checksum }) => {
    const found = now.get(table);
    if (found?.checksum === checksum || rows <= 1) return [];
    const state = found === undefined ? 'GONE' : found.rows === rows ? 'OVERWRITTEN' : 'CHANGED';
    return [[table, formatCount(rows), found === undefined ? '–' : formatCount(found.rows), state]];
  });
}
