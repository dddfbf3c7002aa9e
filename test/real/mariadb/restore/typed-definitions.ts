/**
 * A definition as a person types it, never printed by a server; one small change of it; and what the proof must then
 * call different.
 */
export type Typed = { create: string; change: string; named: string };

const table = (name: string, body: string, change: string, named = `table ${name}`): Typed => ({
  create: `CREATE TABLE ${name} ${body}`,
  change: `ALTER TABLE ${name} ${change}`,
  named,
});
const again = (kind: string, name: string, before: string, after: string, create = 'CREATE'): Typed => ({
  create: `${create} ${kind} ${name} ${before}`,
  change: `DROP ${kind} ${name}; ${create} ${kind} ${name} ${after}`,
  named: `${kind.toLowerCase()} ${name}`,
});
const view = (name: string, before: string, after: string): Typed => ({
  create: `CREATE VIEW ${name} AS ${before}`,
  change: `CREATE OR REPLACE VIEW ${name} AS ${after}`,
  named: `view ${name}`,
});

/** What MariaDB and MySQL both know. Tables come before what reads them. */
const common: Typed[] = [
  table(
    'orders',
    "(id int primary key auto_increment, status varchar(10) not null default 'new' check (status in " +
      "('new','paid','it''s')), total decimal(8,2) check (total>=0 and total<1e6), qty int default (1+1))",
    'MODIFY total decimal(8,2) check (total>0)',
  ),
  table(
    'people',
    "(id bigint unsigned not null, born date, mail varchar(100) collate utf8mb4_bin comment 'it''s \"quoted\" " +
      "\\\\ here', constraint adult check (born < '2010-01-01' or mail like '%@%' and not mail regexp '^x'), " +
      "primary key(id desc), unique key mail_key (mail(10)), key both_ways (born desc, mail(5) asc) comment 'why; " +
      "not')",
    'DROP KEY both_ways, ADD KEY both_ways (born, mail(5))',
    'index people.both_ways',
  ),
  table(
    'made',
    '(a int, b int as (a*2+1) virtual, c int generated always as (a % 7) stored, d varchar(50) as ' +
      "(concat(upper(left('x',1)),'-',a)) stored, e int as (case when a between 1 and 5 then 1 when a is null " +
      'then 0 else -a end) virtual, key(c))',
    'MODIFY e int as (case when a between 1 and 6 then 1 when a is null then 0 else -a end) virtual',
  ),
  table(
    'defaults',
    '(id int, t timestamp default current_timestamp on update current_timestamp, d datetime(3) default now(3), ' +
      "u varchar(40) default (concat('a',lower('B'))), j json default (json_array()), b bit(4) default b'0101', x " +
      "binary(3) default 'abc', e enum('a','b''c','d,e') default 'b''c', s set('x','y') default 'x,y', y year " +
      'default 2020, n decimal(5,2) default -1.50)',
    "ALTER u SET DEFAULT 'other'",
  ),
  table(
    'by_range',
    '(id int not null, d date not null) partition by range (year(d)*100+month(d)) subpartition by hash(id) ' +
      "subpartitions 2 (partition p0 values less than (202501) comment 'old ''ones''', partition p1 values less " +
      'than maxvalue)',
    'REORGANIZE PARTITION p0, p1 INTO (PARTITION p0 VALUES LESS THAN (202502), PARTITION p1 VALUES LESS THAN MAXVALUE)',
  ),
  table(
    'by_list',
    "(id int, k varchar(9)) partition by list columns(k) (partition a values in ('x','y''z'), partition b " +
      'values in (null))',
    "REORGANIZE PARTITION a INTO (PARTITION a VALUES IN ('x'))",
  ),
  table('by_key', '(id int primary key) partition by linear key(id) partitions 3', 'COALESCE PARTITION 1'),
  table(
    'charsets',
    '(a varchar(9) character set latin1, b varchar(9) character set latin1 collate latin1_bin, c text charset ' +
      'ucs2, d char(3) ascii, e varchar(9) charset binary, f tinytext collate utf8mb4_general_ci) default ' +
      "charset=utf8mb4 collate utf8mb4_unicode_ci comment='a \"b\" ''c'' `d`; \\n e'",
    'MODIFY a varchar(9) character set latin2',
  ),
  table(
    'rows_dynamic',
    '(a int primary key, b text) row_format=dynamic stats_persistent=1 engine=innodb',
    'ROW_FORMAT=COMPACT',
  ),
  table('parents', '(a int, b int, primary key(a,b))', "COMMENT 'changed'"),
  table(
    'children',
    '(x int, y int, z int, constraint up foreign key (x,y) references parents(a,b) on delete set null on update ' +
      'cascade, foreign key(z) references rows_dynamic(a))',
    'DROP FOREIGN KEY up; ALTER TABLE children ADD CONSTRAINT up FOREIGN KEY (x,y) REFERENCES parents(a,b) ON ' +
      'DELETE CASCADE ON UPDATE CASCADE',
    'constraint children.up',
  ),
  table(
    'words',
    '(a int, t text, u varchar(100), fulltext key said (t,u))',
    'DROP KEY said, ADD FULLTEXT KEY said (t)',
    'index words.said',
  ),
  table(
    '`odd``name 1,2`',
    "(`a,b` int comment 'x,y', `c)d` varchar(9) default '(', key `k``1` (`a,b`,`c)d`))",
    "MODIFY `a,b` int comment 'x;y'",
    'table odd`name 1,2',
  ),
  view(
    'v_plain',
    "select o.id,o.status,case when o.total>10 then 'big' else 'small' end as size,p.mail from orders o left " +
      'join people p on true where not (o.id in (1,2) and o.id<>3) order by 1 desc limit 5',
    "select o.id,o.status,case when o.total>11 then 'big' else 'small' end as size,p.mail from orders o left " +
      'join people p on true where not (o.id in (1,2) and o.id<>3) order by 1 desc limit 5',
  ),
  view(
    'v_nested',
    'select x.n,(select max(total) from orders where id=x.n) m from (select count(*) n,status from orders group ' +
      'by status having count(*)>1) x union all select 1,2 union distinct select 3,null',
    'select x.n,(select min(total) from orders where id=x.n) m from (select count(*) n,status from orders group ' +
      'by status having count(*)>1) x union all select 1,2 union distinct select 3,null',
  ),
  view(
    'v_with',
    'with recursive r(n) as (select 1 union all select n+1 from r where n<5) select n,row_number() over ' +
      "(partition by n%2 order by n desc) rn,date_add('2026-01-01',interval n day) d from r",
    'with recursive r(n) as (select 1 union all select n+1 from r where n<6) select n,row_number() over ' +
      "(partition by n%2 order by n desc) rn,date_add('2026-01-01',interval n day) d from r",
  ),
  view(
    'v_strings',
    "select 'it''s' a,\"double\" b,'back\\\\slash' c,_utf8mb4'x' collate utf8mb4_bin d,x'41' e,b'1' f,1e3 " +
      "g,date'2026-01-01' h,cast(id as char(5)) i,convert(status using latin1) j,trim(both 'x' from status) " +
      'k,extract(year from now()) l,id div 2 m,-id n,!id o,id<=>null p from orders',
    "select 'its' a,\"double\" b,'back\\\\slash' c,_utf8mb4'x' collate utf8mb4_bin d,x'41' e,b'1' f,1e3 " +
      "g,date'2026-01-01' h,cast(id as char(5)) i,convert(status using latin1) j,trim(both 'x' from status) " +
      'k,extract(year from now()) l,id div 2 m,-id n,!id o,id<=>null p from orders',
  ),
  {
    create:
      'create algorithm=merge sql security invoker view v_check as select id,total from orders where total<100 ' +
      'with cascaded check option',
    change:
      'CREATE OR REPLACE ALGORITHM=MERGE SQL SECURITY INVOKER VIEW v_check AS SELECT id,total FROM orders WHERE ' +
      'total<100 WITH LOCAL CHECK OPTION',
    named: 'view v_check',
  },
  {
    create:
      'create trigger on_insert before insert on orders for each row begin if new.total is null then set ' +
      "new.total=0; end if; /* why; */ set new.status=concat(new.status,';;'); end",
    change: 'DROP TRIGGER on_insert; CREATE TRIGGER on_insert BEFORE INSERT ON orders FOR EACH ROW SET NEW.total=1',
    named: 'trigger on_insert',
  },
  {
    create: 'create trigger second before insert on orders for each row follows on_insert set @second=new.id',
    change: 'DROP TRIGGER second; CREATE TRIGGER second AFTER INSERT ON orders FOR EACH ROW SET @second=NEW.id',
    named: 'trigger second',
  },
  again(
    'FUNCTION',
    'plus',
    "(a int,b decimal(5,2)) returns decimal(10,2) deterministic comment 'adds; ''both''' return a+b",
    "(a int,b decimal(5,2)) returns decimal(10,2) deterministic comment 'adds; ''both''' return a-b",
  ),
  again(
    'PROCEDURE',
    'walk',
    '(in n int,out m int,inout k varchar(9) charset latin1) reads sql data sql security invoker begin declare ' +
      'done int default 0; declare c cursor for select id from orders; declare continue handler for not found set ' +
      "done=1; l: while n>0 do set n=n-1; if n=2 then leave l; end if; end while l; -- ends\n select ';' into k; " +
      'end',
    '(in n int,out m int,inout k varchar(9) charset latin1) reads sql data sql security invoker select 1 into m',
  ),
  again(
    'EVENT',
    'nightly',
    "on schedule every '1:30' hour_minute starts '2031-01-01 00:00:00' ends '2032-01-01 00:00:00' on completion " +
      "preserve disable comment 'it''s; at night' do begin delete from orders where id<0; /* ; */ end",
    "on schedule every '1:31' hour_minute starts '2031-01-01 00:00:00' ends '2032-01-01 00:00:00' on completion " +
      "preserve disable comment 'it''s; at night' do begin delete from orders where id<0; /* ; */ end",
  ),
  again(
    'EVENT',
    'once',
    "on schedule at '2035-01-01 00:00:00' + interval 1 day disable do insert into parents values (1,2)",
    "on schedule at '2035-01-01 00:00:00' + interval 2 day disable do insert into parents values (1,2)",
  ),
];

const mariadb: Typed[] = [
  again(
    'SEQUENCE',
    'numbers',
    'start 5 minvalue -3 maxvalue 1000 increment 7 cache 3 cycle',
    'start 5 minvalue -3 maxvalue 1000 increment 8 cache 3 cycle',
  ),
  table(
    'from_sequence',
    '(id bigint default (next value for numbers) primary key, b int invisible default 3, c text compressed)',
    'ALTER b SET DEFAULT 4',
  ),
  table(
    'versioned',
    '(a int, b int without system versioning, s timestamp(6) generated always as row start invisible, e ' +
      'timestamp(6) generated always as row end invisible, period for system_time(s,e)) with system versioning',
    'ALTER b SET DEFAULT 5',
  ),
  table('periods', '(a int, f date, t date, period for p(f,t), unique(a, p without overlaps))', "COMMENT 'changed'"),
  table(
    'aria_table',
    '(a int primary key, key ig (a) ignored) engine=aria page_checksum=1 transactional=1',
    'ALTER INDEX ig NOT IGNORED',
    'index aria_table.ig',
  ),
  {
    create:
      'create table checked (a int check (a > 0), b varchar(9) check (length(b) between 1 and 5 or b is null), ' +
      'j json check (json_valid(j)))',
    change: 'ALTER TABLE checked MODIFY a int CHECK (a >= 0)',
    named: 'table checked',
  },
  {
    create: 'set sql_mode=oracle; create package pack as function f(a int) return int; end; set sql_mode=default',
    change: 'SET sql_mode=oracle; DROP PACKAGE pack; SET sql_mode=default',
    named: 'package pack',
  },
  {
    create:
      'set sql_mode=oracle; create package body pack as x int:=1; function f(a int) return int as begin return ' +
      'a+x; /* ; */ end; end; set sql_mode=default',
    change: 'DO 1',
    named: 'package body pack',
  },
  again(
    'FUNCTION',
    'agg',
    '(x int) returns int begin declare s int default 0; declare continue handler for not found return s; loop ' +
      'fetch group next row; set s=s+x; end loop; end',
    '(x int) returns int begin declare s int default 1; declare continue handler for not found return s; loop ' +
      'fetch group next row; set s=s+x; end loop; end',
    'CREATE AGGREGATE',
  ),
];

const mysql: Typed[] = [
  table(
    'functional',
    '(a int, b varchar(20), j json, key by_expr ((a*2+1) desc), key by_lower ((lower(b))), key many ' +
      "((cast(j->'$.x' as unsigned array))), key hidden (a) invisible)",
    'DROP KEY by_expr, ADD KEY by_expr ((a*2+2) desc)',
    'index functional.by_expr',
  ),
  table(
    'unseen',
    '(a int, b int invisible default 7, c point not null srid 4326, spatial key(c))',
    'ALTER COLUMN b SET DEFAULT 8',
  ),
  table(
    'unenforced',
    '(a int, constraint maybe check (a>3) not enforced)',
    'ALTER CHECK maybe ENFORCED',
    'table unenforced',
  ),
  table(
    'by_default',
    "(id binary(16) default (uuid_to_bin(uuid())), p json default (json_object('a',1,'b',json_array(1,'x'))), q " +
      'int default (abs(-3)))',
    'ALTER q SET DEFAULT (abs(-4))',
  ),
  view(
    'v_json',
    "select j->>'$.x' x,jt.n from functional,json_table(j,'$.l[*]' columns(n int path '$' default '0' on empty)) jt",
    "select j->>'$.y' x,jt.n from functional,json_table(j,'$.l[*]' columns(n int path '$' default '0' on empty)) jt",
  ),
];

export const typedDefinitions = { MariaDB: [...common, ...mariadb], MySQL: [...common, ...mysql] };
