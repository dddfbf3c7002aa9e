import type pg from 'pg';

/**
 * What a database is at a moment, as the server itself tells it: rows by table, definitions, large objects; values of
 * sequences apart, which belong to no moment.
 */
export type State = { content: Record<string, string>; numbers: Record<string, string> };

const ofUsers = `n.nspname !~ '^pg_' and n.nspname <> 'information_schema'`;
const name = `format('%I.%I', n.nspname, c.relname)`;

const definitions = `
  select 'relation ' || ${name} as what, concat_ws(' ', relkind, pg_get_expr(relpartbound, c.oid), pg_get_partkeydef(c.oid),
      (select string_agg(inhparent::regclass::text, ',' order by 1) from pg_inherits where inhrelid = c.oid and relkind in ('r', 'p')),
      case when relkind in ('v', 'm') then pg_get_viewdef(c.oid) end,
      (select string_agg(concat_ws(' ', attname, format_type(atttypid, atttypmod), attnotnull, pg_get_expr(adbin, adrelid)), ', ' order by attname)
        from pg_attribute a left join pg_attrdef on adrelid = attrelid and adnum = attnum where attrelid = c.oid and attnum > 0 and not attisdropped)) as is
    from pg_class c join pg_namespace n on n.oid = relnamespace where relkind in ('r', 'p', 'v', 'm') and ${ofUsers}
  union all select 'schema ' || nspname, '' from pg_namespace n where ${ofUsers}
  union all select 'index ' || indexrelid::regclass, pg_get_indexdef(indexrelid) from pg_index i join pg_class c on c.oid = indexrelid join pg_namespace n on n.oid = c.relnamespace where ${ofUsers} and indisvalid
  union all select 'constraint ' || conrelid::regclass || conname, pg_get_constraintdef(k.oid) from pg_constraint k join pg_namespace n on n.oid = connamespace where contype <> 'n' and ${ofUsers}
  union all select 'function ' || p.oid::regprocedure, pg_get_functiondef(p.oid) from pg_proc p join pg_namespace n on n.oid = pronamespace where ${ofUsers}
  union all select 'trigger ' || tgrelid::regclass || tgname, concat(pg_get_triggerdef(oid), tgenabled) from pg_trigger where not tgisinternal
  union all select 'enum ' || enumtypid::regtype, string_agg(enumlabel, ',' order by enumsortorder) from pg_enum group by enumtypid
  union all select 'domain ' || t.oid::regtype, format_type(typbasetype, typtypmod) from pg_type t join pg_namespace n on n.oid = typnamespace where typtype = 'd' and ${ofUsers}
  union all select 'sequence ' || ${name}, (select concat_ws(' ', seqstart, seqincrement, seqmax, seqmin) from pg_sequence where seqrelid = c.oid)
    from pg_class c join pg_namespace n on n.oid = relnamespace where relkind = 'S' and ${ofUsers}
  union all select 'large object ' || oid, md5(lo_get(oid)) from pg_largeobject_metadata
  union all select 'comment ' || objoid::regclass, description from pg_description where classoid = 'pg_class'::regclass and objsubid = 0 and objoid >= 16384`;

/** Each table with its columns in the order of their names, for a restore may change their places. */
const tables = `
  select ${name} as name, (select coalesce(string_agg(quote_ident(attname), ', ' order by attname), 'null') from pg_attribute where attrelid = c.oid and attnum > 0 and not attisdropped) as columns
  from pg_class c join pg_namespace n on n.oid = relnamespace where relkind = 'r' and ${ofUsers}`;

const sequences =
  `select ${name} as name from pg_class c join pg_namespace n on n.oid = relnamespace where relkind = 'S' and ` +
  `${ofUsers}`;

export async function fingerprint(client: pg.Client): Promise<State> {
  await client.query(`set search_path = ''`);
  const { rows: found } = await client.query<{ what: string; is: string }>(definitions);
  const { rows: named } = await client.query<{ name: string; columns: string }>(tables);
  const counts = named.map(
    ({ name: table, columns }) => `select 'rows ${table.replaceAll("'", "''")}' as what,
    concat(count(*), ' ', md5(string_agg(r, '|' order by r))) as is from (select row(${columns})::text as r from only ${table}) x`,
  );
  const rows =
    counts.length === 0 ? [] : (await client.query<{ what: string; is: string }>(counts.join(' union all '))).rows;
  return {
    content: Object.fromEntries([...found, ...rows].map(({ what, is }) => [what, is])),
    numbers: await numbers(client),
  };
}

export async function numbers(client: pg.Client): Promise<Record<string, string>> {
  const { rows: named } = await client.query<{ name: string }>(sequences);
  if (named.length === 0) return {};
  const values = named.map(
    ({ name: sequence }) =>
      `select '${sequence.replaceAll("'", "''")}' as what, concat(last_value, is_called) as is from ${sequence}`,
  );
  return Object.fromEntries(
    (await client.query<{ what: string; is: string }>(values.join(' union all '))).rows.map(({ what, is }) => [
      what,
      is,
    ]),
  );
}
