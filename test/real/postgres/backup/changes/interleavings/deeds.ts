import type pg from 'pg';

/**
 * What another session may do. `a` and `b` choose from what is there at that moment, so that a deed nearly always finds
 * something to do it to.
 */
export type Deed = { what: keyof typeof deeds | keyof typeof alone; a: number; b: number };

type Found = {
  tables: string[];
  sequences: string[];
  views: string[];
  functions: string[];
  partitions: string[];
  schemas: string[];
  indexes: string[];
  labels: string[];
  objects: string[];
};
type Make = (found: Found, a: number, b: number) => string;

const lists: Record<keyof Found, string> = {
  tables: relations(`relkind = 'r'`),
  sequences: relations(`relkind = 'S'`),
  views: relations(`relkind = 'v'`),
  indexes: relations(`relkind = 'i'`),
  functions:
    `select oid::regprocedure::text from pg_proc where pronamespace >= 2200 and prorettype <> 'trigger'::regtype ` +
    `and pronamespace in (select oid from pg_namespace where nspname !~ '^(pg_|information)') order by 1`,
  partitions: `select inhrelid::regclass::text from pg_inherits where inhparent = to_regclass('public.days') order by 1`,
  schemas: `select quote_ident(nspname) from pg_namespace where nspname !~ '^(pg_|information|public)' order by 1`,
  labels: `select quote_literal(enumlabel) from pg_enum where enumtypid = 'public.mood'::regtype order by enumsortorder`,
  objects: `select oid::text from pg_largeobject_metadata order by 1`,
};

function relations(which: string): string {
  return `select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = relnamespace where ${which} and nspname !~ '^pg_' and nspname <> 'information_schema' order by 1`;
}

const one = (list: string[], n: number) => list[n % Math.max(1, list.length)] ?? 'nothing';
const fresh = (a: number, b: number) => `n_${a}_${b}`;
const bare = (name: string) => name.slice(name.indexOf('.') + 1);

const deeds = {
  insert: ({ tables }, a, b) =>
    `insert into ${one(tables, a)} (id, v) select g, g from generate_series(${b}, ${b + 3}) g`,
  change: ({ tables }, a, b) => `update ${one(tables, a)} set v = v + 1 where id % 3 = ${b % 3}`,
  remove: ({ tables }, a, b) => `delete from ${one(tables, a)} where id % 4 = ${b % 4}`,
  move: ({ tables }, a, b) =>
    `with gone as (delete from ${one(tables, a)} where id < 5 returning id, v) insert into ${one(tables, b)} ` +
    '(id, v) select id + 5, v from gone',
  truncate: ({ tables }, a) => `truncate ${one(tables, a)}`,
  rename: ({ tables }, a, b) => `alter table ${one(tables, a)} rename to ${fresh(a, b)}`,
  rotate: ({ tables }, a, b) =>
    `alter table ${one(tables, a)} rename to ${fresh(a, b)}; create table ${one(tables, a)} (id int, v int, note text)`,
  exchange: ({ tables }, a, b) => exchange('table', one(tables, a), one(tables, b)),
  remake: ({ tables }, a, b) =>
    `drop table ${one(tables, a)} cascade; create table ${one(tables, a)} as select ${b} as id, 1 as v`,
  create: (_, a, b) => `create table ${fresh(a, b)} as select g as id, g as v from generate_series(1, ${b % 9}) g`,
  drop: ({ tables }, a) => `drop table ${one(tables, a)} cascade`,
  moveSchema: ({ tables, schemas }, a, b) =>
    `alter table ${one(tables, a)} set schema ${one([...schemas, 'public'], b)}`,
  renameSchema: ({ schemas }, a, b) => `alter schema ${one(schemas, a)} rename to ${fresh(a, b)}`,
  exchangeSchemas: () =>
    'alter schema blue rename to x; alter schema green rename to blue; alter schema x rename to green',
  remakeSchema: () =>
    'alter schema blue rename to old_blue; create schema blue; create table blue.t as select 1 as id, 2 as v',
  attach: (
    _,
    a,
    b,
  ) => `create table day_${a}_${b} (id int, v int); insert into day_${a}_${b} values (${200 + (a % 50) * 10}, 1);
    alter table public.days attach partition day_${a}_${b} for values from (${200 + (a % 50) * 10}) to (${210 + (a % 50) * 10})`,
  detach: ({ partitions }, a) => `alter table public.days detach partition ${one(partitions, a)}`,
  detachAndDrop: ({ partitions }, a) =>
    `alter table public.days detach partition ${one(partitions, a)}; drop table ${one(partitions, a)}`,
  renameRoot: (_, a, b) =>
    `alter table public.days rename to ${fresh(a, b)}; create table public.days (id int, v int) partition by ` +
    'range (id)',
  rewrite: ({ tables }, a, b) =>
    `alter table ${one(tables, a)} alter v type ${['bigint', 'numeric', 'text'][b % 3]} using ` +
    `v::${['bigint', 'numeric', 'text'][b % 3]}`,
  addColumn: ({ tables }, a, b) => `alter table ${one(tables, a)} add column ${fresh(a, b)} int default ${b}`,
  dropColumn: ({ tables }, a) => `alter table ${one(tables, a)} drop column note`,
  renameColumn: ({ tables }, a, b) =>
    `alter table ${one(tables, a)} rename column v to ${fresh(a, b)}; alter table ${one(tables, a)} add column v int`,
  exchangeColumns: ({ tables }, a) =>
    `alter table ${one(tables, a)} rename column v to x; alter table ${one(tables, a)} rename column id to v; ` +
    `alter table ${one(tables, a)} rename column x to id`,
  cluster: () => 'cluster public.orders using orders_pkey',
  inherit: (_, a) => `alter table public.child ${['no inherit', 'inherit'][a % 2]} public.parent`,
  createView: ({ tables }, a, b) => `create view ${fresh(a, b)} as select id from ${one(tables, a)}`,
  replaceView: (_, a) => `create or replace view public.busy as select id, v from public.orders where v > ${a % 40}`,
  renameView: ({ views }, a, b) => `alter view ${one(views, a)} rename to ${fresh(a, b)}`,
  exchangeViews: ({ views }, a, b) => exchange('view', one(views, a), one(views, b)),
  dropView: ({ views }, a) => `drop view ${one(views, a)} cascade`,
  refresh: () => 'refresh materialized view public.sums',
  replaceFunction: (_, a) =>
    `create or replace function public.half(i int) returns int language sql immutable as 'select i / ${2 + (a % 9)}'`,
  renameFunction: ({ functions }, a, b) => `alter function ${one(functions, a)} rename to ${fresh(a, b)}`,
  dropFunction: ({ functions }, a) => `drop function ${one(functions, a)}`,
  createFunction: (_, a, b) =>
    `create function public.${fresh(a, b)}(i int) returns int language sql immutable as 'select i + ${a}'`,
  renameLabel: ({ labels }, a, b) => `alter type public.mood rename value ${one(labels, a)} to '${fresh(a, b)}'`,
  addLabel: (_, a, b) => `alter type public.mood add value '${fresh(a, b)}'`,
  renameType: (_, a, b) => `alter type public.mood rename to ${fresh(a, b)}`,
  renameDomain: (_, a, b) => `alter domain public.positive rename to ${fresh(a, b)}`,
  next: ({ sequences }, a) => `select nextval('${one(sequences, a)}')`,
  set: ({ sequences }, a, b) => `select setval('${one(sequences, a)}', ${1 + b})`,
  renameSequence: ({ sequences }, a, b) => `alter sequence ${one(sequences, a)} rename to ${fresh(a, b)}`,
  exchangeSequences: ({ sequences }, a, b) => exchange('sequence', one(sequences, a), one(sequences, b)),
  remakeSequence: ({ sequences }, a, b) =>
    `alter sequence ${one(sequences, a)} rename to ${fresh(a, b)}; create sequence ${one(sequences, a)} start ${1 + b}`,
  restartSequence: ({ sequences }, a, b) => `alter sequence ${one(sequences, a)} restart with ${1 + b}`,
  dropSequence: ({ sequences }, a) => `drop sequence ${one(sequences, a)} cascade`,
  createObject: (_, a, b) => `select lo_from_bytea(${8000 + a * 100 + b}, 'new ${a}')`,
  changeObject: ({ objects }, a, b) => `select lo_put(${one(objects, a)}, 0, 'changed ${b}')`,
  dropObject: ({ objects }, a) => `select lo_unlink(${one(objects, a)})`,
  createIndex: ({ tables }, a, b) => `create index ${fresh(a, b)} on ${one(tables, a)} (v)`,
  renameIndex: ({ indexes }, a, b) => `alter index ${one(indexes, a)} rename to ${fresh(a, b)}`,
  dropIndex: ({ indexes }, a) => `drop index ${one(indexes, a)}`,
  createTrigger: ({ tables }, a, b) =>
    `create trigger ${fresh(a, b)} before insert on ${one(tables, a)} for each row execute function public.note()`,
  disableTriggers: ({ tables }, a) => `alter table ${one(tables, a)} disable trigger user`,
  check: ({ tables }, a, b) =>
    `alter table ${one(tables, a)} add constraint ${fresh(a, b)} check (id > -${b + 1}) not valid`,
  validate: ({ tables }, a, b) => `alter table ${one(tables, a)} validate constraint ${fresh(a, b)}`,
  grant: ({ tables }, a) => `grant select on ${one(tables, a)} to public`,
  comment: ({ tables }, a, b) => `comment on table ${one(tables, a)} is 'remark ${b}'`,
  temporary: (_, a, b) =>
    `create temp table ${fresh(a, b)} as select 1 as id; create temp view temporary_${a}_${b} as select 1 as one`,
} satisfies Record<string, Make>;

/** What no transaction may hold: each is several of its own. */
const alone = {
  vacuumFull: ({ tables }, a) => `vacuum full ${one(tables, a)}`,
  reindex: ({ tables }, a) => `reindex table concurrently ${one(tables, a)}`,
  createIndexSlowly: ({ tables }, a, b) => `create index concurrently ${fresh(a, b)} on ${one(tables, a)} (v)`,
  detachSlowly: ({ partitions }, a) => `alter table public.days detach partition ${one(partitions, a)} concurrently`,
  dropIndexSlowly: ({ indexes }, a) => `drop index concurrently ${one(indexes, a)}`,
} satisfies Record<string, Make>;

export const deedNames = Object.keys(deeds) as Deed['what'][];
export const lonelyNames = Object.keys(alone) as Deed['what'][];

function exchange(kind: string, first: string, second: string): string {
  return `alter ${kind} ${first} rename to x; alter ${kind} ${second} rename to ${bare(first)}; alter ${kind} ${first.slice(0, first.length - bare(first).length)}x rename to ${bare(second)}`;
}

/** The statements of a deed, for what is there now. */
export async function statementsOf({ what, a, b }: Deed, client: pg.Client): Promise<string> {
  const make: Make = { ...deeds, ...alone }[what];
  const found = {
    tables: [],
    sequences: [],
    views: [],
    functions: [],
    partitions: [],
    schemas: [],
    indexes: [],
    labels: [],
    objects: [],
  } as Found;
  await client.query(`set search_path = ''`);
  for (const [list, query] of Object.entries(lists) as [keyof Found, string][]) {
    if (String(make).includes(list))
      found[list] = (await client.query({ text: query, rowMode: 'array' })).rows.map(([name]) => name as string);
  }
  await client.query('set search_path = public');
  return make(found, a, b);
}
