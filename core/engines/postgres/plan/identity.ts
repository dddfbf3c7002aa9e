import type { PostgresSession } from '../session.ts';

/**
 * What an object was, by its number instead of its name. Read under a snapshot, and again in a fresh view, it tells
 * whether what the server printed in between belongs to the snapshot's moment. pg_dump and psql find tables and
 * sequences by name, and much of what they print comes from server functions (definitions, types, labels) that look at
 * the present, whatever the snapshot.
 */
export type ObjectIdentities = Map<string, ObjectIdentity>;
type ObjectIdentity = { key: string; name: string; version: string; touched: string | null; rights: string };

/**
 * `definitions`: everything that definitions are printed from. `numbers`: what sequences are found by. `rows`: what
 * rows are found by and printed with.
 */
export type Scope = 'definitions' | 'numbers' | 'rows';

/**
 * A kind of object: its catalogue `o`, and what must not change: its whole row except `without` (rights, owners,
 * counts, which pg_dump reads under its snapshot), or `content`. `renames`: every change of the row counts, even one
 * that was reverted, unless it was one of rights.
 */
type ObjectKind = {
  kind: string;
  from: string;
  scopes: readonly Scope[];
  key?: string;
  name: string;
  where?: string;
  without?: readonly string[];
  content?: string;
  renames?: string;
};

const definitions: readonly Scope[] = ['definitions'];
const ofRelation = (oid: string) => `exists (select from pg_class c where c.oid = ${oid} and c.relpersistence <> 't')`;
const inSchema = (column: string) =>
  `${column} not in (select oid from pg_namespace where nspname ~ '^pg_(temp|toast)')`;
const holdsRows = `exists (select from pg_class c where c.relnamespace = o.oid and c.relkind in ('r', 'p', 'S'))`;
const qualified = (name: string, schema: string) => `o.${schema}::regnamespace, '.', quote_ident(o.${name})`;
const sequenceRights = 'concat(o.relacl, o.relowner, o.relfilenode, o.relpersistence)';

const kinds: readonly ObjectKind[] = [
  {
    kind: 'schema',
    from: 'pg_namespace',
    scopes: definitions,
    name: 'o.nspname',
    content: 'o.nspname',
    where: `o.nspname !~ '^pg_(temp|toast)'`,
  },
  {
    kind: 'schema',
    from: 'pg_namespace',
    scopes: ['numbers', 'rows'],
    name: 'o.nspname',
    content: 'o.nspname',
    where: holdsRows,
    renames: 'concat(o.nspacl, o.nspowner)',
  },
  {
    kind: 'sequence',
    from: 'pg_class',
    scopes: ['definitions', 'numbers'],
    name: qualified('relname', 'relnamespace'),
    where: `o.relkind = 'S' and o.relpersistence <> 't'`,
    content: 'concat(o.relnamespace, o.relname)',
    renames: sequenceRights,
  },
  {
    kind: 'enum type',
    from: 'pg_enum',
    scopes: ['definitions', 'rows'],
    name: 'o.enumtypid::regtype',
    without: [],
    renames: `''`,
  },
  {
    kind: 'relation',
    from: 'pg_class',
    scopes: definitions,
    name: qualified('relname', 'relnamespace'),
    where:
      `o.relkind in ('r', 'p', 'v', 'm', 'f', 'c', 'i', 'I') and o.relpersistence <> 't' and ` +
      `${inSchema('o.relnamespace')}`,
    content:
      `concat_ws(' ', o.relnamespace, o.relname, o.relkind, (select string_agg(concat(attname, atttypid), ',' ` +
      'order by attnum) from pg_attribute where attrelid = o.oid and attnum > 0))',
  },
  {
    kind: 'type',
    from: 'pg_type',
    scopes: definitions,
    name: qualified('typname', 'typnamespace'),
    where: `(o.typrelid = 0 or ${ofRelation('o.typrelid')}) and o.typcategory <> 'A' and ${inSchema('o.typnamespace')}`,
    without: ['typacl', 'typowner'],
  },
  { kind: 'range', from: 'pg_range', scopes: definitions, key: 'rngtypid', name: 'o.rngtypid::regtype', without: [] },
  {
    kind: 'function',
    from: 'pg_proc',
    scopes: definitions,
    name: `${qualified('proname', 'pronamespace')}, '(', oidvectortypes(o.proargtypes), ')'`,
    where: inSchema('o.pronamespace'),
    without: ['proacl', 'proowner'],
  },
  {
    kind: 'aggregate',
    from: 'pg_aggregate',
    scopes: definitions,
    key: 'aggfnoid::oid',
    name: 'o.aggfnoid',
    without: [],
  },
  {
    kind: 'default',
    from: 'pg_attrdef',
    scopes: definitions,
    name: 'o.oid',
    where: ofRelation('o.adrelid'),
    without: [],
  },
  {
    kind: 'constraint',
    from: 'pg_constraint',
    scopes: definitions,
    name: 'o.conname',
    where: `(o.conrelid = 0 or ${ofRelation('o.conrelid')})`,
    without: ['coninhcount', 'conislocal'],
  },
  {
    kind: 'view',
    from: 'pg_rewrite',
    scopes: definitions,
    name: 'o.ev_class::regclass',
    where: `o.rulename = '_RETURN' and ${ofRelation('o.ev_class')}`,
    without: [],
  },
  {
    kind: 'rule',
    from: 'pg_rewrite',
    scopes: definitions,
    name: 'o.rulename',
    where: `o.rulename <> '_RETURN' and ${ofRelation('o.ev_class')}`,
    without: [],
  },
  {
    kind: 'trigger',
    from: 'pg_trigger',
    scopes: definitions,
    name: 'o.tgname',
    where: `not o.tgisinternal and ${ofRelation('o.tgrelid')}`,
    without: [],
  },
  {
    kind: 'policy',
    from: 'pg_policy',
    scopes: definitions,
    name: 'o.polname',
    where: ofRelation('o.polrelid'),
    without: [],
  },
  {
    kind: 'statistics',
    from: 'pg_statistic_ext',
    scopes: definitions,
    name: 'o.stxname',
    where: ofRelation('o.stxrelid'),
    without: ['stxowner', 'stxstattarget'],
  },
  { kind: 'event trigger', from: 'pg_event_trigger', scopes: definitions, name: 'o.evtname', without: ['evtowner'] },
  {
    kind: 'extension',
    from: 'pg_extension',
    scopes: definitions,
    name: 'o.extname',
    without: ['extowner', 'extconfig', 'extcondition'],
  },
  { kind: 'operator', from: 'pg_operator', scopes: definitions, name: 'o.oprname', without: ['oprowner'] },
  { kind: 'operator class', from: 'pg_opclass', scopes: definitions, name: 'o.opcname', without: ['opcowner'] },
  { kind: 'operator family', from: 'pg_opfamily', scopes: definitions, name: 'o.opfname', without: ['opfowner'] },
  { kind: 'cast', from: 'pg_cast', scopes: definitions, name: 'o.oid', without: [] },
  {
    kind: 'collation',
    from: 'pg_collation',
    scopes: definitions,
    name: 'o.collname',
    without: ['collowner', 'collversion'],
  },
  { kind: 'conversion', from: 'pg_conversion', scopes: definitions, name: 'o.conname', without: ['conowner'] },
  { kind: 'language', from: 'pg_language', scopes: definitions, name: 'o.lanname', without: ['lanowner', 'lanacl'] },
  { kind: 'access method', from: 'pg_am', scopes: definitions, name: 'o.amname', without: [] },
  {
    kind: 'text search configuration',
    from: 'pg_ts_config',
    scopes: definitions,
    name: 'o.cfgname',
    without: ['cfgowner'],
  },
  {
    kind: 'text search dictionary',
    from: 'pg_ts_dict',
    scopes: definitions,
    name: 'o.dictname',
    without: ['dictowner'],
  },
  { kind: 'text search parser', from: 'pg_ts_parser', scopes: definitions, name: 'o.prsname', without: [] },
  { kind: 'text search template', from: 'pg_ts_template', scopes: definitions, name: 'o.tmplname', without: [] },
  {
    kind: 'foreign data wrapper',
    from: 'pg_foreign_data_wrapper',
    scopes: definitions,
    name: 'o.fdwname',
    without: ['fdwowner', 'fdwacl'],
  },
  {
    kind: 'server',
    from: 'pg_foreign_server',
    scopes: definitions,
    name: 'o.srvname',
    without: ['srvowner', 'srvacl'],
  },
  { kind: 'publication', from: 'pg_publication', scopes: definitions, name: 'o.pubname', without: ['pubowner'] },
  {
    kind: 'role',
    from: 'pg_roles',
    scopes: definitions,
    name: 'o.rolname',
    content: 'o.rolname',
    where:
      'o.oid in (select refobjid from pg_shdepend where dbid in (0, (select oid from pg_database where datname = ' +
      `current_database())) and refclassid = 'pg_authid'::regclass)`,
  },
];

/** The objects of a scope, as this session sees them: no server function that ignores the snapshot is used. */
export async function readIdentities(session: PostgresSession, scope: Scope): Promise<ObjectIdentities> {
  const rows = await session.rows<ObjectIdentity>(
    kinds
      .filter(({ scopes }) => scopes.includes(scope))
      .map(query)
      .join(' union all '),
  );
  return new Map(rows.map((row) => [row.key, row]));
}

/** Whether rows print names of other objects (`regclass` and the like), which the server looks up in the present. */
export async function printsNames(session: PostgresSession): Promise<boolean> {
  const [found] = await session.rows<{ prints: boolean }>(`
    select exists (select from pg_attribute a join pg_class c on c.oid = attrelid join pg_type t on t.oid = atttypid
      where relkind = 'r' and c.oid >= 16384 and not attisdropped and typname ~ '^_?reg' and typnamespace = 'pg_catalog'::regnamespace) as prints`);
  return found!.prints;
}

/** What has changed or is gone, by kind and name. What was added since is in no backup and does no harm. */
export function changed(before: ObjectIdentities, now: ObjectIdentities): string[] {
  return [...before.values()].filter((was) => !isSame(was, now.get(was.key))).map(({ name }) => name);
}

function isSame(was: ObjectIdentity, is: ObjectIdentity | undefined): boolean {
  if (is === undefined || is.version !== was.version) return false;
  return is.touched === was.touched || is.rights !== was.rights;
}

/** 16384: the first number given to what users make; `public` and languages have lower ones. */
function query({ kind, from, key = 'oid', name, where, without, content, renames }: ObjectKind): string {
  const version = content ?? `(to_jsonb(o) - ${arrayOf(without ?? [])})::text`;
  const made = ['pg_namespace', 'pg_extension', 'pg_language', 'pg_roles'].includes(from)
    ? 'true'
    : `o.${key} >= 16384`;
  return `select concat('${kind} ', o.${key}) as key, concat('${kind} ', ${name}) as name, md5(${version}) as version,
    ${renames === undefined ? 'null' : 'o.xmin::text'} as touched, ${renames ?? `''`} as rights
    from pg_catalog.${from} o where ${made}${where === undefined ? '' : ` and ${where}`}`;
}

function arrayOf(columns: readonly string[]): string {
  return `array[${columns.map((column) => `'${column}'`).join(', ')}]::text[]`;
}
