/**
 * How objects of one system catalogue are described, in SQL over its row `o`. `facts`: everything that must be equal to
 * the letter. `statements`: an array of SQL statements with the expressions of the definition, which PostgreSQL may
 * print in more than one way; null if there are none.
 */
export type Definition = { from: string; where?: string; facts: string; statements?: string };

/** Values in order, including nulls. */
export function list(...values: string[]): string {
  return `jsonb_build_array(${values.join(', ')})`;
}

/** A column that only some major versions have, as text. */
export function optional(column: string, row = 'o'): string {
  return `to_jsonb(${row}) ->> '${column}'`;
}

/** The whole row, except columns that are described in another way or mean nothing in another database. */
export function rowWithout(...columns: string[]): string {
  return `to_jsonb(o) - '{${columns.join(',')}}'::text[]`;
}

/** Options in sorted order, because pg_dump does not keep their order. */
export function sorted(options: string): string {
  return `(select jsonb_agg(x order by x collate "C") from unnest(${options}) x)`;
}

/** The extension whose table an object (an index, a constraint, a trigger, a rule) belongs to; null if none. */
export function extensionBelow(class_: string, oid: string): string {
  const tables = {
    pg_class: 'select indrelid from pg_index where indexrelid',
    pg_constraint: 'select conrelid from pg_constraint where oid',
    pg_trigger: 'select tgrelid from pg_trigger where oid',
    pg_rewrite: 'select ev_class from pg_rewrite where oid',
  };
  const table = `case ${class_} ${Object.entries(tables)
    .map(([from, select]) => `when '${from}'::regclass then (${select} = ${oid})`)
    .join(' ')} end`;
  return `(select e.extname from pg_depend x join pg_extension e on e.oid = x.refobjid
    where x.classid = 'pg_class'::regclass and x.objid = ${table} and x.refclassid = 'pg_extension'::regclass and x.deptype = 'e')`;
}

/** A name including its schema. */
export function named(
  catalogue: 'pg_opfamily' | 'pg_ts_parser' | 'pg_ts_template',
  prefix: 'opf' | 'prs' | 'tmpl',
  oid: string,
): string {
  return `(select format('%I.%I', nspname, ${prefix}name) from pg_catalog.${catalogue} x join pg_namespace s on s.oid = x.${prefix}namespace where x.oid = ${oid})`;
}

/**
 * Made by a user: not by initdb, not by an extension, not in the system's schemas, and not the functions and casts that
 * come with a range type, of which newer servers make more. `public` and plpgsql are listed because they can be
 * dropped.
 */
export function own(from: string): string {
  return `${madeByUser(from)} and not exists (select from pg_depend d where d.classid = '${from}'::regclass and d.objid = o.oid and d.deptype in (${madeWith(from)}))`;
}

/** What the number and the name of an object say of it. */
export function madeByUser(from: string): string {
  if (from === 'pg_namespace') return `(o.oid >= 16384 or o.nspname = 'public') and o.nspname !~ '^pg_'`;
  return numberedByUsers.includes(from) ? 'true' : 'o.oid >= 16384';
}

/** The kinds of dependency of what was made together with something else. */
export function madeWith(from: string): string {
  return ['pg_proc', 'pg_cast'].includes(from) ? `'e', 'i'` : `'e'`;
}

/** Whoever makes a large object may choose its number; an extension counts whoever has made it. */
const numberedByUsers = ['pg_extension', 'pg_largeobject_metadata'];

/**
 * An array of those catalogues that may hold what `own` looks for. A server takes a millisecond to plan questions about
 * one of them, and most databases have objects in few.
 */
export function inUse(catalogues: readonly string[]): string {
  const isUsed = (from: string) =>
    from === 'pg_namespace' || numberedByUsers.includes(from)
      ? 'true'
      : `exists (select from pg_catalog.${from} where oid >= 16384)`;
  const each = [...new Set(catalogues)].map((from) => `('${from}', ${isUsed(from)})`);
  return `array(select x.name from (values ${each.join(', ')}) x (name, used) where x.used)`;
}
