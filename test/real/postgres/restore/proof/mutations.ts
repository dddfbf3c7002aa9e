/**
 * One change of a restored database, and every difference that the proof must name because of it. All are made at once:
 * each is of an object that no other touches.
 */
export type Mutation = { sql: string; found: string[]; since?: number };

/** A definition that is changed in place. */
const of = (object: string, sql: string, since?: number): Mutation => ({
  sql,
  found: [`${object} is defined differently`],
  ...(since !== undefined && { since }),
});

export const mutations: Mutation[] = [
  {
    sql: 'alter schema unused rename to used',
    found: [
      'schema unused is missing',
      'schema used is not in the backup',
      'owner schema unused is missing',
      'owner schema used is not in the backup',
      'grant schema unused is missing',
      'grant schema used is not in the backup',
    ],
  },
  of('extension hstore', 'alter extension hstore set schema elsewhere'),
  of('extension comment hstore', `comment on extension hstore is 'ours'`),

  // types
  of('type s.mood', `alter type s.mood add value 'mad'`),
  of('type s.mood_two', `alter type s.mood_two rename value 'busy' to 'idle'`),
  of('composite type s.pair', `alter type s.pair alter attribute b type varchar(20) cascade`),
  of('type s.span', `update pg_range set rngsubdiff = 'float8mi'::regproc where rngtypid = 's.span'::regtype`),
  { sql: 'drop type s.shell', found: ['type s.shell is missing'] },
  of('type s.based', 'alter type s.based set (storage = external)'),
  of('type s.with_default', 'alter domain s.with_default set default 2 + 1'),
  of('type s.not_empty', 'alter domain s.not_empty drop not null'),
  of(
    'domain constraint sane on s.checked',
    `alter domain s.checked drop constraint sane, add constraint sane check (value in ('a', 'c'))`.replace(
      ', add',
      '; alter domain s.checked add',
    ),
  ),

  // tables
  of('table s.with_not_null', 'alter table s.with_not_null alter a drop not null'),
  of('table s.with_default_value', `alter table s.with_default_value alter status set default 'old'`),
  of('table s.with_length', 'alter table s.with_length alter a type varchar(20)'),
  of('table s.with_generated', 'alter table s.with_generated alter b drop expression'),
  of('table s.with_identity', 'alter table s.with_identity alter a set generated always'),
  of('table s.with_collation', 'alter table s.with_collation alter a type text collate "POSIX"'),
  of('table s.with_storage', 'alter table s.with_storage alter a set storage external'),
  of('table s.with_target', 'alter table s.with_target alter a set statistics 500'),
  of('table s.with_estimate', 'alter table s.with_estimate alter a set (n_distinct = 5)'),
  of('table s.with_options', 'alter table s.with_options set (fillfactor = 80)'),
  of('table s.with_toast', 'alter table s.with_toast reset (toast.autovacuum_enabled)'),
  of('table s.with_order', 'alter table s.with_order drop b; alter table s.with_order add b int'),
  of('table s.with_identity_of_rows', 'alter table s.with_identity_of_rows replica identity full'),
  of('table s.with_security', 'alter table s.with_security enable row level security'),
  of('table s.child', 'alter table s.child no inherit s.parent'),
  of(
    'table s.child_with_own',
    `update pg_attribute set attislocal = false where attrelid = 's.child_with_own'::regclass and attname = 'a'`,
  ),
  of('table s.unlogged', 'alter table s.unlogged set logged'),
  of('table s.typed', 'alter table s.typed not of'),
  of(
    'table s.parted_low',
    'alter table s.parted detach partition s.parted_low; alter table s.parted attach partition s.parted_low for ' +
      'values from (1) to (11)',
  ),
  of(
    'table s.parted_by',
    'drop table s.parted_by; create table s.parted_by (a int, b text) partition by list (upper(b)); revoke all ' +
      'on s.parted_by from auditor',
  ),
  of('foreign table s.distant', `alter foreign table s.distant options (set table_name 'u')`),
  of('foreign table s.distant_two', `alter foreign table s.distant_two alter a options (set column_name 'y')`),
  of('table s.with_virtual', 'alter table s.with_virtual rename constraint a_named to renamed', 18),

  // views, indexes, sequences
  of(
    'view s.with_constant',
    `create or replace view s.with_constant as select id from s.plain where status in ('new', 'old')`,
  ),
  of('view s.with_barrier', 'alter view s.with_barrier reset (security_barrier)'),
  of('view s.with_column_default', `alter view s.with_column_default alter status set default 'old'`),
  of('materialized view s.filled', 'refresh materialized view s.filled with no data'),
  of(
    'index s.with_predicate',
    `drop index s.with_predicate; create index with_predicate on s.plain (id) where status in ('new', 'paid', 'old')`,
  ),
  of('index s.with_expression', 'alter index s.with_expression alter column 1 set statistics 50'),
  of('index s.with_columns', 'drop index s.with_columns; create index with_columns on s.plain (name, at desc)'),
  of('index s.with_fillfactor', 'alter index s.with_fillfactor set (fillfactor = 50)'),
  of('index s.clustered', 'alter table s.plain cluster on clustered'),
  of('sequence s.counting', 'alter sequence s.counting increment 2'),
  of('sequence s.owned', 'alter sequence s.owned owned by none'),

  // constraints
  of(
    'table constraint a_sane on s.constrained',
    'alter table s.constrained drop constraint a_sane, add constraint a_sane check (a > 1)',
  ),
  of(
    'table constraint in_list on s.constrained',
    `alter table s.constrained drop constraint in_list, add constraint in_list check (status in ('new', 'old'))`,
  ),
  of(
    'table constraint b_valid on s.constrained',
    'alter table s.constrained drop constraint b_valid, add constraint b_valid check (b > 0) not valid',
  ),
  of(
    'table constraint inherited on s.constrained',
    'alter table s.constrained drop constraint inherited, add constraint inherited check (a < 100) no inherit',
  ),
  of(
    'table constraint of_plain on s.constrained',
    'alter table s.constrained drop constraint of_plain, add constraint of_plain foreign key (b) references ' +
      's.plain on delete cascade',
  ),
  of('table constraint later on s.constrained', 'alter table s.constrained alter constraint later not deferrable'),
  {
    sql: 'alter table s.constrained drop constraint c_once',
    found: ['table constraint c_once on s.constrained is missing', 'index s.c_once is missing'],
  },
  {
    sql:
      'alter table s.constrained drop constraint apart, add constraint apart exclude using btree (a with =) where ' +
      '(a > 6)',
    found: ['table constraint apart on s.constrained is defined differently', 'index s.apart is defined differently'],
  },
  {
    sql: 'alter table s.enforced disable trigger all',
    found: ['left out by pg_dump foreign key fires on s.enforced is not in the backup'],
  },
  of(
    'table constraint soft on s.with_virtual',
    'alter table s.with_virtual drop constraint soft, add constraint soft check (a > 0)',
    18,
  ),

  // functions
  of('function s.body(integer)', `create or replace function s.body(a int) returns int language sql as 'SELECT a + 1'`),
  of(
    'function s.with_argument(integer)',
    `create or replace function s.with_argument(a int default 2 + 1) returns int language sql as 'SELECT a'`,
  ),
  of('function s.definer()', 'alter function s.definer() security definer'),
  of('procedure s.work()', `create or replace procedure s.work() language plpgsql as $$ begin perform 1; end $$`),
  of(
    'aggregate s.total(integer)',
    `update pg_aggregate set agginitval = '1' where aggfnoid = 's.total(int)'::regprocedure`,
  ),
  of(
    'aggregate s.total_two(integer)',
    `update pg_proc set proparallel = 'u' where oid = 's.total_two(int)'::regprocedure`,
  ),
  of(
    'function s.parsed(integer)',
    'create or replace function s.parsed(a int) returns boolean language sql return a in (1, 3) and a <> 5',
    14,
  ),

  // triggers, rules, policies, statistics
  of('trigger switched on s.plain', 'alter table s.plain disable trigger switched'),
  of(
    'trigger with_when on s.plain',
    'drop trigger with_when on s.plain; create trigger with_when before update on s.plain for each row when ' +
      `(new.status in ('new', 'old')) execute function s.fires()`,
  ),
  of(
    'trigger with_argument on s.plain',
    'drop trigger with_argument on s.plain; create trigger with_argument before delete on s.plain for each row ' +
      `execute function s.fires('b')`,
  ),
  of('trigger cloned on s.parted', 'alter table s.parted_low disable trigger cloned'),
  of(
    'event trigger watching',
    `drop event trigger watching; create event trigger watching on ddl_command_end when tag in ('DROP TABLE') ` +
      'execute function s.watch()',
  ),
  of('event trigger disabled', 'alter event trigger disabled disable'),
  of(
    'rule with_condition on s.with_order',
    'create or replace rule with_condition as on update to s.with_order where new.a in (1, 3) do also delete ' +
      'from s.child',
  ),
  of('rule switched on s.with_order', 'alter table s.with_order disable rule switched'),
  of('policy with_role on s.plain', 'alter policy with_role on s.plain to auditor'),
  of('policy with_expression on s.plain', `alter policy with_expression on s.plain with check (id > 6)`),
  of(
    'policy permissive on s.plain',
    'drop policy permissive on s.plain; create policy permissive on s.plain as restrictive for select using (id > 1)',
  ),
  of(
    'statistics object s.with_columns',
    'drop statistics s.with_columns; create statistics s.with_columns (ndistinct) on name, id from s.plain',
  ),
  of('statistics object s.with_its_target', 'alter statistics s.with_its_target set statistics 60'),
  of(
    'statistics object s.with_expression',
    'drop statistics s.with_expression; create statistics s.with_expression on lower(name), (case when status ' +
      `in ('new', 'old') then 1 end) from s.plain`,
    14,
  ),

  // operators, casts, and what else extends the language
  of('operator s.===(pg_catalog.text,pg_catalog.text)', 'alter operator s.=== (text, text) set (restrict = neqsel)'),
  of(
    'operator class s.class USING btree',
    `update pg_opclass set opckeytype = 'name'::regtype where opcname = 'class'`,
  ),
  of('operator family s.loose USING hash', 'alter operator family s.loose using hash add operator 1 = (int4, int8)'),
  of('cast (s.pair AS pg_catalog.text)', `update pg_cast set castcontext = 'a' where castsource = 's.pair'::regtype`),
  of('collation s.plain_order', `update pg_collation set collcollate = 'POSIX' where collname = 'plain_order'`),
  of('conversion s.converts', `update pg_conversion set condefault = true where conname = 'converts'`),
  of('language speech', `update pg_language set lanpltrusted = true where lanname = 'speech'`),
  of(
    'transform for s.based language plpgsql',
    `update pg_transform set trftosql = 0 where trftype = 's.based'::regtype`,
  ),
  of('access method heap_two', `update pg_am set amhandler = 'bthandler'::regproc where amname = 'heap_two'`),
  of(
    'text search parser s.parser',
    `update pg_ts_parser set prsheadline = 'prsd_headline'::regproc where prsname = 'parser'`,
  ),
  of(
    'text search template s.template',
    `update pg_ts_template set tmpllexize = 'dsynonym_lexize'::regproc where tmplname = 'template'`,
  ),
  of('text search dictionary s.dictionary', 'alter text search dictionary s.dictionary (accept = true)'),
  of(
    'text search configuration s.config',
    'alter text search configuration s.config alter mapping for asciiword with english_stem',
  ),

  // foreign data, publications, subscriptions
  of('foreign-data wrapper wrapper', `alter foreign data wrapper wrapper options (set debug 'false')`),
  of('server other', `alter server other options (set host 'c')`),
  of('server far', `alter server far version '2'`),
  of('user mapping clerk on server far', `alter user mapping for clerk server far options (set password 'q')`),
  of('publication with_operations', `alter publication with_operations set (publish = 'update')`),
  of('publication with_tables', 'alter publication with_tables add table s.parent'),
  of('publication with_filter', 'alter publication with_filter set table s.plain (id, name) where (id > 6)', 15),
  of('publication with_columns', 'alter publication with_columns set table s.plain (id)', 15),
  of('publication with_schema', 'alter publication with_schema add tables in schema s', 15),
  of('subscription subscribed', 'alter subscription subscribed set (binary = true)', 14),

  // owners, grants, comments, labels, and the database itself
  {
    sql: 'alter table s.owned_by_clerk owner to postgres',
    found: [
      'owner table s.owned_by_clerk is defined differently',
      'grant table s.owned_by_clerk is defined differently',
    ],
  },
  of('grant table column s.owned_by_clerk.a', 'grant update (a) on s.owned_by_clerk to auditor with grant option'),
  of('grant function s.definer()', 'revoke execute on function s.definer() from public'),
  of('grant large object 70001', 'revoke select on large object 70001 from auditor'),
  {
    sql: 'grant execute on function pg_catalog.pg_sleep(double precision) to public',
    found: ['grant function pg_catalog.pg_sleep(double precision) is missing'],
  },
  {
    sql: 'revoke execute on function public.citext(inet) from public',
    found: ['grant function public.citext(pg_catalog.inet) is not in the backup'],
  },
  of('default privileges postgres s r', 'alter default privileges in schema s grant insert on tables to auditor'),
  of('comment table s.plain', `comment on table s.plain is 'of late'`),
  { sql: 'comment on column s.plain.name is null', found: ['comment table column s.plain.name is missing'] },
  of('comment schema public', `comment on schema public is 'yours'`),
  of('comment large object 70001', `comment on large object 70001 is 'a sound'`),
  {
    sql:
      `insert into pg_seclabel (objoid, classoid, objsubid, provider, label) values ('s.plain'::regclass, ` +
      `'pg_class'::regclass, 0, 'dummy', 'secret')`,
    found: ['security label dummy table s.plain is not in the backup'],
  },
  {
    sql: 'alter function s.volatile_one() no depends on extension hstore',
    found: ['depends on extension function s.volatile_one() is missing'],
  },
  { sql: 'grant create on database :db to clerk', found: ['database access role clerk CREATE is not in the backup'] },
  { sql: 'revoke connect on database :db from public', found: ['database access public CONNECT is missing'] },
  of('database comment comment', `comment on database :db is 'another'`),
  of('database setting work_mem', `alter database :db set work_mem to '5MB'`),
];
