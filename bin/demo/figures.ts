import { database, type Shop } from './shop.ts';

/** One table by the database's own account: the number of rows, and a checksum over all of them. */
export type Figure = { table: string; rows: number; checksum: string };

/** Every table of a shop, by plain SQL, without Nightjar. */
export function figuresOf({ engine, ask }: Pick<Shop, 'engine' | 'ask'>, signal: AbortSignal): Promise<Figure[]> {
  return ask((query) => (engine === 'postgres' ? postgresFigures(query) : mariadbFigures(query)), signal);
}

/** What differs between two looks at the same shop; empty if nothing does. */
export function differencesOf(before: readonly Figure[], after: readonly Figure[]): string[] {
  const found = new Map(after.map((figure) => [figure.table, figure]));
  const known = new Set(before.map(({ table }) => table));
  return [
    ...before.flatMap(({ table, rows, checksum }) => {
      const now = found.get(table);
      if (now === undefined) return [`${table}: gone`];
      if (now.rows !== rows) return [`${table}: ${now.rows} rows instead of ${rows}`];
      return now.checksum === checksum ? [] : [`${table}: other content in its ${rows} rows`];
    }),
    ...after.filter(({ table }) => !known.has(table)).map(({ table }) => `${table}: was not there before`),
  ];
}

type Query = (sql: string) => Promise<Record<string, unknown>[]>;

async function postgresFigures(query: Query): Promise<Figure[]> {
  const tables =
    await query(`select c.oid::regclass::text as name, relkind = 'S' as sequence from pg_class c join pg_namespace n on n.oid = relnamespace
    where relkind in ('r', 'm', 'S') and nspname !~ '^pg_' and nspname <> 'information_schema' order by 1`);
  const figures: Figure[] = [];
  for (const { name, sequence } of tables) {
    const content =
      sequence === true ? `min(concat(last_value, is_called))` : `sum(hashtextextended(t::text, 0))::text`;
    const [sum] = await query(`select count(*)::float8 as rows, ${content} as checksum from ${String(name)} t`);
    figures.push({ table: String(name), rows: Number(sum!['rows']), checksum: String(sum!['checksum']) });
  }
  return figures;
}

/**
 * By plain arithmetic over all columns: `CHECKSUM TABLE` gives equal rows different sums if a column is generated
 * (tried on 11.8).
 */
async function mariadbFigures(query: Query): Promise<Figure[]> {
  await query('set session group_concat_max_len = 1000000');
  const tables =
    await query(`select table_name as name, group_concat('quote(\`', column_name, '\`)' order by ordinal_position) as cells
    from information_schema.columns join information_schema.tables using (table_schema, table_name)
    where table_schema = '${database}' and table_type in ('BASE TABLE', 'SEQUENCE') group by table_name order by 1`);
  const figures: Figure[] = [];
  for (const { name, cells } of tables) {
    const [sum] = await query(
      `select count(*) as amount, sum(crc32(concat_ws(',', ${String(cells)}))) as checksum from \`${String(name)}\``,
    );
    figures.push({ table: String(name), rows: Number(sum!['amount']), checksum: String(sum!['checksum']) });
  }
  return figures;
}
