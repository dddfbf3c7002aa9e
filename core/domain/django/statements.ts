import type { RowDialect } from './dialect.ts';

const longestStatement = 256 * 1024;
const mostRows = 500;
const rememberedQueries = 5000;

/**
 * Collects rows into statements of several rows each: rows of models before those between models. Yields whole
 * statements.
 */
export type InsertStatements = {
  insert(table: string, columns: readonly string[], values: readonly string[]): void;
  /** A row between two models: comes after everything inserted so far. */
  connect(table: string, columns: readonly string[], values: readonly string[]): void;
  /** Aborts the load if this query finds no row by then. */
  mustFind(query: string): void;
  run(statement: string): void;
  /** The statements that are ready. */
  take(): string[];
  /** Makes everything ready that waits. */
  flush(): void;
};

type Waiting = Map<string, { rows: string[]; size: number }>;

export function statements(dialect: RowDialect): InsertStatements {
  const rows: Waiting = new Map();
  const between: Waiting = new Map();
  const found = new Set<string>();
  let ready: string[] = [];
  const flush = (): void => {
    for (const waiting of [rows, between]) {
      for (const [head, { rows: lines }] of waiting) ready.push(`${head}\n${lines.join(',\n')};`);
      waiting.clear();
    }
  };
  const add = (to: Waiting, table: string, columns: readonly string[], values: readonly string[]): void => {
    const head = `INSERT INTO ${dialect.name(table)} (${columns.map(dialect.name).join(', ')}) VALUES`;
    const row = `(${values.join(', ')})`;
    const waiting = to.get(head) ?? { rows: [], size: 0 };
    waiting.rows.push(row);
    waiting.size += row.length;
    to.set(head, waiting);
    if (waiting.size > longestStatement || waiting.rows.length >= mostRows) flush();
  };
  return {
    insert: (table, columns, values) => add(rows, table, columns, values),
    connect: (table, columns, values) => add(between, table, columns, values),
    mustFind(query) {
      if (found.has(query)) return;
      if (found.size >= rememberedQueries) found.clear();
      found.add(query);
      flush();
      ready.push(dialect.refuse('', `NOT EXISTS (${query})`));
    },
    run(statement) {
      flush();
      ready.push(statement);
    },
    take() {
      const taken = ready;
      ready = [];
      return taken;
    },
    flush,
  };
}
