/** One thing that somebody does to a restored database, and what the proof must say of it. */
export type Lie = [what: string, sql: string, said: RegExp];

/** In the rows, and in what counts for rows. */
const rows: Lie[] = [
  [
    'a value changed in one row',
    `update orders set number = 0 where id = 250`,
    /table public\.orders has the right number of rows, and other content/,
  ],
  ['a row more', `insert into orders (id, number) values (0, 0)`, /table public\.orders has 501 rows instead of 500/],
  ['a row fewer', `delete from logs where line = 'old'`, /table public\.logs_2025 has 0 rows instead of 1/],
  ['all rows of a table gone', `truncate orders`, /table public\.orders has 0 rows instead of 500/],
  ['a row in a table that was empty', `insert into empty values (1)`, /table public\.empty has 1 row instead of 0/],
  [
    'two values swapped between rows',
    `update orders set number = case id when 1 then 2 else 1 end where id in (1, 2)`,
    /table public\.orders has the right number of rows, and other content/,
  ],
  [
    'a row twice and another not at all',
    `update base set a = 1`,
    /table public\.base has the right number of rows, and other content/,
  ],
  ['one byte in a blob', `update goods set picture = '\\x00ff11' where id = 1`, /table public\.goods has the right/],
  ['NULL turned into an empty text', `update goods set note = '' where id = 1`, /table public\.goods has the right/],
  ['an empty text turned into NULL', `update goods set note = null where id = 2`, /table public\.goods has the right/],
  [
    'an empty blob turned into NULL',
    `update goods set picture = null where id = 2`,
    /table public\.goods has the right/,
  ],
  ['a space behind a text', `update goods set note = 'wool ' where id = 3`, /table public\.goods has the right/],
  [
    'another case in a text that compares without case',
    `update goods set name = 'Hat' where id = 1`,
    /table public\.goods has the right/,
  ],
  [
    'two columns swapped by their names',
    `alter table goods rename note to x; alter table goods rename label to note; alter table goods rename x to label`,
    /goods/,
  ],
  [
    'a row moved to another partition',
    `update logs set day = '2026-05-06' where line = 'old'`,
    /table public\.logs_2025 has 0 rows instead of 1/,
  ],
  ['a byte of a large object', `select lo_put(70001, 0, 'F')`, /large objects have other content/],
  ['a large object gone', `select lo_unlink(70002)`, /1 large object instead of 2/],
  ['a large object more', `select lo_from_bytea(70003, '')`, /3 large objects instead of 2/],
  [
    'a large object under another number',
    `select lo_unlink(70002); select lo_from_bytea(70003, 'second')`,
    /large objects have other content/,
  ],
  [
    'a sequence one further',
    `select nextval('stock.numbers')`,
    /sequence \S*numbers\S* stands at \(102, true\) instead of \(101, true\)/,
  ],
  [
    'a sequence that was used, fresh',
    `select setval('stock.numbers', 101, false)`,
    /sequence \S*numbers\S* stands at \(101, false\) instead of \(101, true\)/,
  ],
  [
    'the sequence of an identity set back',
    `alter table goods alter id restart with 1`,
    /sequence \S*goods_id_seq\S* stands at/,
  ],
  ['the sequence of a serial set back', `select setval('orders_id_seq', 1)`, /sequence \S*orders_id_seq\S* stands at/],
];

/** Tables, and what they consist of. */
const tables: Lie[] = [
  ['a table more', `create table more (i int)`, /table public\.more is not in the backup/],
  ['a table fewer', `drop table empty`, /table public\.empty is missing/],
  [
    'a table under another name',
    `alter table empty rename to void`,
    /table public\.empty is missing.*table public\.void is not in the backup/,
  ],
  ['a table in another schema', `alter table empty set schema stock`, /table public\.empty is missing/],
  ['a column more', `alter table empty add j int`, /table public\.empty is defined differently/],
  ['a column fewer', `alter table orders drop made`, /table public\.orders/],
  [
    'a column of another type',
    `alter table orders alter number type bigint`,
    /table public\.orders is defined differently/,
  ],
  [
    'a column of another length',
    `alter table goods alter note type varchar(21)`,
    /table public\.goods is defined differently/,
  ],
  [
    'a default changed',
    `alter table orders alter made set default '2026-01-02'`,
    /table public\.orders is defined differently/,
  ],
  ['a default gone', `alter table goods alter price drop default`, /table public\.goods is defined differently/],
  [
    'a default that was not there',
    `alter table empty alter i set default 0`,
    /table public\.empty is defined differently/,
  ],
  ['NOT NULL gone', `alter table goods alter name drop not null`, /table public\.goods is defined differently/],
  [
    'another collation',
    `alter table goods alter label type text collate "POSIX"`,
    /table public\.goods is defined differently/,
  ],
  [
    'an identity that is always generated',
    `alter table goods alter id set generated always`,
    /table public\.goods is defined differently/,
  ],
  [
    'a generated column that stays as it is',
    `alter table goods alter twice drop expression`,
    /table public\.goods is defined differently/,
  ],
  [
    'a check changed',
    `alter table goods drop constraint code_sane, add constraint code_sane check (code > -1)`,
    /code_sane on public\.goods is defined differently/,
  ],
  ['a check gone', `alter table goods drop constraint code_sane`, /code_sane on public\.goods is missing/],
  [
    'a check that was never validated',
    `alter table goods drop constraint code_sane, add constraint code_sane check (code > 0) not valid`,
    /code_sane on public\.goods is defined differently/,
  ],
  ['a foreign key gone', `alter table orders drop constraint of_good`, /of_good on public\.orders is missing/],
  [
    'a foreign key that deletes',
    'alter table orders drop constraint of_good, add constraint of_good foreign key (good) references goods on ' +
      'delete cascade',
    /of_good on public\.orders is defined differently/,
  ],
  ['a unique constraint gone', `alter table goods drop constraint code_once`, /code_once on public\.goods is missing/],
  ['a primary key gone', `alter table orders drop constraint orders_pkey`, /orders_pkey on public\.orders is missing/],
  ['an index gone', `drop index orders_number`, /index public\.orders_number is missing/],
  ['an index more', `create index more on orders (made)`, /index public\.more is not in the backup/],
  [
    'an index over other rows',
    `drop index orders_number; create index orders_number on orders (number) where number > 251`,
    /index public\.orders_number is defined differently/,
  ],
  [
    'an index that is unique now',
    `drop index orders_number; create unique index orders_number on orders (number) where number > 250`,
    /index public\.orders_number is defined differently/,
  ],
  [
    'a partition detached',
    `alter table logs detach partition logs_2025`,
    /table public\.logs_2025 is defined differently/,
  ],
  [
    'a partition with other bounds',
    'alter table logs detach partition logs_2025; alter table logs attach partition logs_2025 for values from ' +
      `('2025-01-01') to ('2025-12-31')`,
    /table public\.logs_2025 is defined differently/,
  ],
  [
    'a table that inherits no more',
    `alter table derived no inherit base`,
    /table public\.derived is defined differently/,
  ],
  ['a table that is logged now', `alter table cache set logged`, /table public\.cache is defined differently/],
  ['a storage parameter', `alter table goods set (fillfactor = 70)`, /table public\.goods is defined differently/],
  [
    'row level security switched off',
    `alter table goods disable row level security`,
    /table public\.goods is defined differently/,
  ],
  ['the replica identity', `alter table goods replica identity full`, /table public\.goods is defined differently/],
];

/** Everything else that has a definition. */
const definitions: Lie[] = [
  ['a schema more', `create schema more`, /schema more is not in the backup/],
  ['an extension gone', `drop extension citext cascade`, /extension citext is missing/],
  ['an extension more', `create extension hstore`, /extension hstore is not in the backup/],
  [
    'an extension in another schema',
    `alter extension citext set schema stock`,
    /extension citext is defined differently/,
  ],
  [
    'the text of a view',
    `create or replace view cheap as select id, name from goods where price < 7::numeric`,
    /view public\.cheap is defined differently/,
  ],
  ['a view gone', `drop view cheap`, /view public\.cheap is missing/],
  ['a view more', `create view more as select 1 as i`, /view public\.more is not in the backup/],
  ['a view with a barrier', `alter view cheap set (security_barrier)`, /view public\.cheap is defined differently/],
  [
    'a materialized view that is empty',
    `refresh materialized view totals with no data`,
    /materialized view public\.totals is defined differently/,
  ],
  [
    'the body of a function',
    `create or replace function twice(i int) returns int language sql immutable as 'SELECT i * 3'`,
    /function public\.twice\(.*\) is defined differently/,
  ],
  [
    'a function that is volatile',
    `alter function twice(int) volatile`,
    /function public\.twice\(.*\) is defined differently/,
  ],
  [
    'a function that runs as its owner',
    `alter function twice(int) security definer`,
    /function public\.twice\(.*\) is defined differently/,
  ],
  [
    'a setting of a function',
    `alter function twice(int) set search_path = ''`,
    /function public\.twice\(.*\) is defined differently/,
  ],
  ['a function gone', `drop function twice(int)`, /function public\.twice\(.*\) is missing/],
  [
    'an overloaded function more',
    `create function twice(i text) returns text language sql as 'SELECT i || i'`,
    /function public\.twice\(.*text\) is not in the backup/,
  ],
  [
    'the body of a procedure',
    `create or replace procedure tidy() language sql as 'DELETE FROM logs'`,
    /procedure public\.tidy\(\) is defined differently/,
  ],
  [
    'an aggregate that begins elsewhere',
    `drop aggregate stock.total(int); create aggregate stock.total(int) (sfunc = int4pl, stype = int, initcond = '1')`,
    /aggregate stock\.total\(.*\) is defined differently/,
  ],
  ['a trigger gone', `drop trigger touched on goods`, /trigger touched on public\.goods is missing/],
  [
    'a trigger for other events',
    'drop trigger touched on goods; create trigger touched before update or insert on goods for each row ' +
      'execute function touch()',
    /trigger touched on public\.goods is defined differently/,
  ],
  [
    'a trigger switched off',
    `alter table goods disable trigger touched`,
    /trigger touched on public\.goods is defined differently/,
  ],
  [
    'an event trigger switched off',
    `alter event trigger watched disable`,
    /event trigger watched is defined differently/,
  ],
  [
    'a rule',
    `create or replace rule no_delete as on delete to orders do also nothing`,
    /rule .*no_delete on public\.orders is defined differently/,
  ],
  [
    'whom a policy shows what',
    `alter policy seen on goods using (code > 1)`,
    /policy seen on public\.goods is defined differently/,
  ],
  [
    'for whom a policy is',
    `alter policy seen on goods to auditor`,
    /policy seen on public\.goods is defined differently/,
  ],
  ['a policy gone', `drop policy seen on goods`, /policy seen on public\.goods is missing/],
  [
    'a statistics object',
    `drop statistics code_and_label; create statistics code_and_label (ndistinct) on code, label from goods`,
    /statistics object public\.code_and_label is defined differently/,
  ],
  [
    'a publication of another table',
    `alter publication news set table orders`,
    /publication news is defined differently/,
  ],
  [
    'what a publication publishes',
    `alter publication news set (publish = 'insert')`,
    /publication news is defined differently/,
  ],
  [
    'a label of an enum',
    `alter type stock.mood rename value 'busy' to 'wild'`,
    /type stock\.mood is defined differently/,
  ],
  ['a label of an enum more', `alter type stock.mood add value 'new'`, /type stock\.mood is defined differently/],
  [
    'an attribute of a type',
    `alter type stock.pair alter attribute a type bigint cascade`,
    /stock\.pair is defined differently/,
  ],
  [
    'a check of a domain',
    `alter domain stock.price drop constraint price_check`,
    /price_check on stock\.price is missing/,
  ],
  ['a default of a domain', `alter domain stock.price set default 0`, /type stock\.price is defined differently/],
  [
    'a range over another type',
    `drop type stock.span; create type stock.span as range (subtype = int8)`,
    /type stock\.span is defined differently/,
  ],
  [
    'the step of a sequence',
    `alter sequence stock.numbers increment 2`,
    /sequence stock\.numbers is defined differently/,
  ],
  ['a sequence gone', `drop sequence stock.unused`, /sequence stock\.unused is missing/],
  ['a sequence more', `create sequence more`, /sequence public\.more is not in the backup/],
  ['an operator gone', `drop operator === (text, text) cascade`, /operator .*===\(.*\) is missing/],
  [
    'a cast that needs no asking',
    `drop cast (stock.pair as text); create cast (stock.pair as text) with inout as implicit`,
    /cast .* is defined differently/,
  ],
  [
    'a collation',
    `drop collation stock.plain; create collation stock.plain (locale = 'POSIX')`,
    /collation stock\.plain is defined differently/,
  ],
  [
    'how text is searched',
    `alter text search configuration stock.words drop mapping for word`,
    /text search configuration stock\.words is defined differently/,
  ],
  [
    'an option of a foreign server',
    `alter server remote options (set host 'b')`,
    /server remote is defined differently/,
  ],
  [
    'an option of a foreign table',
    `alter foreign table distant options (set place 'y')`,
    /foreign table public\.distant is defined differently/,
  ],
  [
    'a comment changed',
    `comment on table goods is 'what we sold'`,
    /comment table public\.goods is defined differently/,
  ],
  ['a comment gone', `comment on column goods.note is null`, /comment table column public\.goods\.note is missing/],
  ['a comment more', `comment on view cheap is 'below six'`, /comment view public\.cheap is not in the backup/],
  [
    'a comment on a large object gone',
    `comment on large object 70001 is null`,
    /comment large object 70001 is missing/,
  ],
  [
    'the locale of a collation',
    `drop collation stock.german; create collation stock.german (provider = icu, locale = 'de')`,
    /collation stock\.german is defined differently/,
  ],
  [
    'an option of a user mapping',
    `alter user mapping for clerk server remote options (set user 'b')`,
    /user mapping .*clerk.* is defined differently/,
  ],
  ['a user mapping gone', `drop user mapping for clerk server remote`, /user mapping .*clerk.* is missing/],
  [
    'a sequence that belongs to nothing',
    `alter sequence orders_id_seq owned by none`,
    /sequence public\.orders_id_seq is defined differently/,
  ],
  [
    'labels of an enum in another order',
    `alter type stock.mood rename value 'calm' to 'x'; alter type stock.mood rename value 'busy' to 'calm'; ` +
      `alter type stock.mood rename value 'x' to 'busy'`,
    /type stock\.mood is defined differently/,
  ],
  ['a comment of an index', `comment on index wide_b is null`, /comment .*wide_b is missing/],
  [
    'a comment of a constraint',
    `comment on constraint code_sane on goods is null`,
    /comment .*code_sane on public\.goods is missing/,
  ],
  [
    'a comment of a trigger',
    `comment on trigger touched on goods is null`,
    /comment .*touched on public\.goods is missing/,
  ],
  ['a comment of a policy', `comment on policy seen on goods is null`, /comment .*seen on public\.goods is missing/],
  ['a comment of a type', `comment on type stock.mood is null`, /comment .*stock\.mood is missing/],
  ['a comment of a schema', `comment on schema stock is null`, /comment .*stock is missing/],
  [
    'a comment of the schema public',
    `comment on schema public is null`,
    /comment .*public is (missing|defined differently)/,
  ],
];

/** Who owns, and who may do what; settings of the database. */
const rights: Lie[] = [
  ['the owner of a table', `alter table goods owner to clerk`, /owner table public\.goods is defined differently/],
  [
    'the owner of a function',
    `alter function twice(int) owner to postgres`,
    /owner function public\.twice\(.*\) is defined differently/,
  ],
  ['the owner of a schema', `alter schema stock owner to clerk`, /owner schema stock is defined differently/],
  [
    'the owner of a large object',
    `alter large object 70001 owner to clerk`,
    /owner large object 70001 is defined differently/,
  ],
  ['a grant taken away', `revoke select on goods from auditor`, /grant table public\.goods is defined differently/],
  ['a grant given', `grant delete on goods to auditor`, /grant table public\.goods is defined differently/],
  ['a grant to everybody', `grant select on orders to public`, /grant table public\.orders is defined differently/],
  [
    'a grant that may be handed on',
    `grant select on goods to auditor with grant option`,
    /grant table public\.goods is defined differently/,
  ],
  [
    'a grant of a column',
    `revoke update (note) on goods from clerk`,
    /grant table column public\.goods\.note is missing/,
  ],
  [
    'who may run a function',
    `grant execute on function twice(int) to public`,
    /grant function public\.twice\(.*\) is defined differently/,
  ],
  [
    'who may use a schema',
    `revoke grant option for usage on schema stock from auditor`,
    /grant schema stock is defined differently/,
  ],
  [
    'privileges by default',
    `alter default privileges in schema stock revoke select on tables from auditor`,
    /default privileges .* is missing/,
  ],
  [
    'a setting of the database',
    `alter database :db set work_mem = '1MB'`,
    /database setting work_mem is defined differently/,
  ],
  ['a setting of the database gone', `alter database :db reset work_mem`, /database setting work_mem is missing/],
  [
    'a setting of a role here',
    `alter role clerk in database :db set work_mem = '1MB'`,
    /database setting work_mem of clerk is not in the backup/,
  ],
  [
    'the comment of the database',
    `comment on database :db is 'other'`,
    /database comment comment is defined differently/,
  ],
  ['the owner of the database', `alter database :db owner to auditor`, /database access owner is defined differently/],
  ['who may connect', `grant connect on database :db to public`, /database access public CONNECT is not in the backup/],
  [
    'who may use a sequence',
    `revoke usage on sequence stock.numbers from auditor`,
    /grant sequence stock\.numbers is defined differently/,
  ],
  [
    'who may use a type',
    `revoke usage on type stock.mood from auditor`,
    /grant type stock\.mood is defined differently/,
  ],
  [
    'who may use a server',
    `revoke usage on foreign server remote from auditor`,
    /grant server remote is defined differently/,
  ],
  [
    'who may use a wrapper',
    `revoke usage on foreign data wrapper far from auditor`,
    /grant foreign-data wrapper far is defined differently/,
  ],
  [
    'who may read a large object',
    `revoke select on large object 70001 from auditor`,
    /grant large object 70001 is defined differently/,
  ],
  [
    'who may write into the schema public',
    `revoke create on schema public from clerk`,
    /grant schema public is defined differently/,
  ],
];

/**
 * Of what a database holds and who may do what with it. Each is told to a copy of the restored database of its own;
 * `:db` is its name.
 */
export const lies: Lie[] = [...rows, ...rights];

/** Of definitions; test/real/postgres/restore/mutations has more of them. */
export const definitionLies: Lie[] = [...tables, ...definitions];
