import { list, optional, sorted } from './definition.ts';
import type { Definition } from './definition.ts';

/** Tables, views, indexes and sequences. */
export function relations(serverMajor: number): Definition[] {
  return [
    {
      from: 'pg_class',
      where: `relkind in ('r', 'p', 'f', 'c')`,
      facts: tableFacts(serverMajor),
      statements: `${defaults} || ${partitioning}`,
    },
    {
      from: 'pg_class',
      where: `relkind in ('v', 'm')`,
      facts: list(
        'relkind',
        sorted('reloptions'),
        'relispopulated',
        accessMethod,
        columnsOf(list('attname', typeOf, 'atthasdef', optional('attcompression', 'a'), ...storage)),
      ),
      statements: `jsonb_build_array('create view v as ' || pg_get_viewdef(o.oid)) || ${defaults}`,
    },
    {
      from: 'pg_class',
      where: `relkind in ('i', 'I') and ${valid}`,
      facts: list(
        sorted('reloptions'),
        indexFlags,
        parents,
        columnsOf(list('attnum', optional('attstattarget', 'a'))),
        `case when ${isPlain} then pg_get_indexdef(o.oid) end`,
      ),
      statements: `case when not ${isPlain} then jsonb_build_array(pg_get_indexdef(o.oid)) end`,
    },
    { from: 'pg_class', where: `relkind = 'S'`, facts: list('relpersistence', sequence, ownerColumn) },
  ];
}

/**
 * A unique or plain index that was never built completely is left out by pg_dump. One of a partitioned table is invalid
 * until each partition has its own.
 */
export const valid = `(relkind = 'I' or (select indisvalid from pg_index where indexrelid = o.oid))`;

const typeOf = `format_type(atttypid, atttypmod), nullif(attcollation, 0)::regcollation`;
/** -1 and null both mean the server's default. */
const storage = [
  'attstorage',
  `nullif(${optional('attstattarget', 'a')}, '-1')`,
  `(select jsonb_agg(x order by x) from unnest(attoptions) x where x like 'n_distinct%')`,
];
const accessMethod = '(select amname from pg_am where oid = relam)';
const parents = '(select jsonb_agg(inhparent::regclass order by inhseqno) from pg_inherits where inhrelid = o.oid)';
const toast = `(select ${sorted('t.reloptions')} from pg_class t where t.oid = o.reltoastrelid)`;
const foreign =
  `(select jsonb_build_array(srvname, ${sorted('ftoptions')}) from pg_foreign_table join pg_foreign_server s on ` +
  's.oid = ftserver where ftrelid = o.oid)';
const indexFlags = '(select jsonb_build_array(indisclustered, indisreplident) from pg_index where indexrelid = o.oid)';
const isPlain = '(select indexprs is null and indpred is null from pg_index where indexrelid = o.oid)';
const sequence =
  '(select jsonb_build_array(seqtypid::regtype, seqstart, seqincrement, seqmax, seqmin, seqcache, seqcycle) ' +
  'from pg_sequence where seqrelid = o.oid)';
const ownerColumn = `(select jsonb_agg(jsonb_build_array(refobjid::regclass, attname, deptype)) from pg_depend join pg_attribute on attrelid = refobjid and attnum = refobjsubid
  where classid = 'pg_class'::regclass and objid = o.oid and refclassid = 'pg_class'::regclass and deptype in ('a', 'i'))`;

const defaults = `coalesce((select jsonb_agg('select ' || pg_get_expr(adbin, adrelid) order by attname collate "C") from pg_attrdef join pg_attribute on attrelid = adrelid and attnum = adnum
  where adrelid = o.oid), '[]')`;

const partitioning = `case when relkind = 'p' then jsonb_build_array('create table t () partition by ' || pg_get_partkeydef(o.oid)) else '[]' end
  || case when relispartition then jsonb_build_array('create table t partition of p ' || pg_get_expr(relpartbound, o.oid)) else '[]' end`;

/** The order of columns counts where pg_dump keeps it: a child's columns move when it is restored. */
function tableFacts(serverMajor: number): string {
  const isChild = 'exists (select from pg_inherits where inhrelid = o.oid) and not relispartition';
  const order =
    `case when not (${isChild}) then (select jsonb_agg(attname order by attnum) from pg_attribute where attrelid ` +
    '= o.oid and attnum > 0 and not attisdropped) end';
  const notNull =
    serverMajor < 18
      ? 'null'
      : `(select jsonb_build_array(conname, connoinherit, convalidated, conislocal and not relispartition)
    from pg_constraint where conrelid = attrelid and contype = 'n' and conkey = array[attnum])`;
  // an inherited column is made with its parent's compression
  const own = `case when attislocal or relispartition then ${optional('attcompression', 'a')} end`;
  const column = list(
    'attname',
    typeOf,
    'attnotnull',
    notNull,
    'attidentity',
    'attgenerated',
    'atthasdef',
    'attislocal and not relispartition',
    sorted('attfdwoptions'),
    own,
    ...storage,
  );
  return list(
    'relkind',
    'relpersistence',
    'relreplident',
    'relrowsecurity',
    'relforcerowsecurity',
    'relispartition',
    'nullif(reloftype, 0)::regtype',
    accessMethod,
    sorted('reloptions'),
    toast,
    parents,
    foreign,
    order,
    columnsOf(column),
  );
}

function columnsOf(column: string): string {
  return `(select jsonb_agg(${column} order by attname collate "C") from pg_attribute a where attrelid = o.oid and attnum > 0 and not attisdropped)`;
}
