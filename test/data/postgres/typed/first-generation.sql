-- Definitions as a person types them, no server's print: each kind of object that holds an expression, over types that the server converts by itself.
-- Sections begin with a line "-- since N" where older servers do not know what is in them.

DO $roles$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'clerk') THEN CREATE ROLE clerk; END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'auditor') THEN CREATE ROLE auditor; END IF;
END $roles$;
CREATE EXTENSION citext;
CREATE EXTENSION btree_gist;
CREATE EXTENSION postgres_fdw;
CREATE SCHEMA shop;
CREATE TYPE shop.mood AS ENUM ('calm', 'busy', 'it''s closed');
CREATE TYPE shop.pair AS (a int, b varchar(10));
CREATE TYPE shop.span AS RANGE (subtype = float8, subtype_diff = float8mi);

-- checks over each family of types
CREATE TABLE shop.orders (
  id int PRIMARY KEY,
  status varchar(10) CHECK (status IN ('new', 'paid')),
  other varchar CHECK (other NOT IN ('x', 'y') AND other <> '' AND length(other) < 10),
  code char(3) CHECK (code IN ('ABC', 'DEF')),
  kind "char" CHECK (kind IN ('a', 'b')),
  label name CHECK (label IN ('a', 'b')),
  amount numeric(10, 2) CHECK (amount > 0 AND amount < 1e6 AND amount <> 5.50),
  half real CHECK (half BETWEEN 0 AND 0.5),
  double float CHECK (double > -1 OR double IN (1, 2, 3)),
  small smallint CHECK (small IN (1, 2, 3)),
  big bigint CHECK (big > 5 AND big < 9999999999),
  made date DEFAULT current_date CHECK (made > '2020-01-01' AND made < date '2100-01-01'),
  at timestamptz DEFAULT now() CHECK (at > '2020-01-01' AND at < timestamp '2100-01-01'),
  local timestamp(0) DEFAULT localtimestamp,
  clock time CHECK (clock BETWEEN '08:00' AND '17:00'),
  lasts interval CHECK (lasts < '1 day'),
  flags bit(4) DEFAULT b'1010' CHECK (flags <> b'0000'),
  tags text[] DEFAULT '{}' CHECK (tags && ARRAY['a', 'b'] OR 'c' = ANY (tags)),
  names varchar(5)[] CHECK (names <@ ARRAY['one', 'two']::varchar[]),
  scores int[] CHECK (5 = ANY (scores) AND scores <> '{}'),
  many numeric[] CHECK (many @> ARRAY[1, 2.5]),
  during int4range CHECK (during && int4range(1, 10) AND NOT isempty(during)),
  spans shop.span CHECK (spans <> 'empty'),
  mood shop.mood DEFAULT 'calm' CHECK (mood IN ('calm', 'busy')),
  email citext CHECK (email ~ '@' AND email NOT IN ('a@b', 'c@d')),
  doc json CHECK (doc->>'a' IN ('x', 'y')),
  docs jsonb CHECK (docs ? 'a' AND docs @> '{"b": 1}' AND (docs->'n')::int IN (1, 2)),
  net cidr CHECK (net << '10.0.0.0/8'),
  picture bytea CHECK (picture <> '\x00'),
  uid uuid CHECK (uid <> '00000000-0000-0000-0000-000000000000'),
  paid boolean CHECK (paid IS NOT FALSE AND (paid OR NOT paid)),
  price money DEFAULT '1.50',
  home shop.pair CHECK ((home).a > 0 AND (home).b IN ('x', 'y')),
  search tsvector CHECK (search @@ 'cat & dog'),
  gross numeric GENERATED ALWAYS AS (round(amount * 1.19, 2)) STORED,
  upper_status text GENERATED ALWAYS AS (upper(status) || '-' || id) STORED,
  CONSTRAINT all_ands CHECK (id > 0 AND id < 1000 AND (status = 'new' AND code = 'ABC') AND (id <> 5 AND (id <> 6 AND id <> 7))),
  CONSTRAINT all_ors CHECK (id > 0 OR id < 1000 OR (status = 'new' OR (code = 'ABC' OR id IS NULL))),
  CONSTRAINT cases CHECK (CASE status WHEN 'new' THEN amount > 1 WHEN 'paid' THEN amount > 2 ELSE amount > 3 END),
  CONSTRAINT casted CHECK (CASE WHEN status = ANY ('{new,paid}') THEN 'a' ELSE 'b' END = 'a'),
  CONSTRAINT mixed CHECK (coalesce(status, other, 'none') <> 'x' AND nullif(other, '') IS DISTINCT FROM 'y' AND greatest(small, big, 3) > 2),
  CONSTRAINT patterns CHECK (status LIKE 'n%' OR status ILIKE '%P' OR status SIMILAR TO '(a|b)%' OR other ~* '^x' OR status NOT LIKE 'a\%'),
  CONSTRAINT comparing CHECK ((id, small) < (5, 6) AND (status, other) IS DISTINCT FROM ('a', 'b') AND ROW(id, small) IN ((1, 2), (3, 4))),
  CONSTRAINT extracting CHECK (extract(year FROM made) > 2000 AND date_part('dow', made) NOT IN (0, 6) AND at AT TIME ZONE 'UTC' > '2020-01-01'),
  CONSTRAINT texts CHECK (substring(status FROM 1 FOR 2) <> 'xx' AND trim(both ' ' FROM other) <> '' AND position('a' IN other) = 0 AND overlay(other placing 'x' FROM 1) <> 'y'),
  CONSTRAINT sums CHECK (-id + 2 * 3 - -4 < 10 ^ 2 AND id % 2 = 0 AND (id + 1) * 2 > id + 1 * 2),
  CONSTRAINT collated CHECK (status COLLATE "C" < 'z' AND other < 'é' COLLATE "C")
);
INSERT INTO shop.orders (id, status) SELECT 2, 'new' WHERE false;
CREATE DOMAIN shop.state AS varchar(2) DEFAULT 'NY' CHECK (VALUE IN ('NY', 'LA')) CHECK (VALUE <> 'XX' AND VALUE <> 'YY' AND length(VALUE) = 2);
CREATE DOMAIN shop.positive AS numeric(10, 2) NOT NULL DEFAULT 1 + 1 CONSTRAINT above_zero CHECK (VALUE > 0 AND VALUE < 1000000);
CREATE DOMAIN shop.moods AS shop.mood[] CHECK ('calm' = ANY (VALUE));
CREATE DOMAIN shop.email AS citext CHECK (VALUE ~ '@' AND VALUE NOT IN ('a@b'));
CREATE TABLE shop.customer (
  id serial PRIMARY KEY,
  state shop.state DEFAULT 'LA',
  email shop.email UNIQUE,
  balance shop.positive,
  wish int REFERENCES shop.orders ON DELETE SET NULL,
  valid tstzrange,
  tier varchar(8) DEFAULT lower('GOLD'),
  EXCLUDE USING gist (tier WITH =, valid WITH &&) WHERE (tier IN ('gold', 'silver'))
);

-- indexes and statistics
CREATE INDEX orders_open ON shop.orders (made) WHERE status IN ('new', 'paid') AND code = 'ABC';
CREATE INDEX orders_lower ON shop.orders (lower(status), (amount * 2), coalesce(other, 'none') DESC NULLS LAST);
CREATE UNIQUE INDEX orders_case ON shop.orders ((CASE WHEN status IN ('new') THEN id END)) WHERE amount > 5 OR amount < 1 OR other IN ('a', 'b');
CREATE INDEX orders_doc ON shop.orders ((docs->>'a'), ((docs->>'n')::int)) WHERE docs ? 'a';
CREATE INDEX orders_tags ON shop.orders USING gin (tags) WHERE tags <> '{}';
CREATE STATISTICS shop.plain (ndistinct, dependencies) ON status, code FROM shop.orders;

-- views, materialized views, rules
CREATE VIEW shop.open AS SELECT o.*, c.email AS mail FROM shop.orders o LEFT JOIN shop.customer c ON true WHERE o.status IN ('new', 'paid') AND o.amount BETWEEN 1 AND 5 AND c.state IN ('NY') ORDER BY 1;
CREATE VIEW shop.joined AS SELECT o.id, c.id AS customer, x.n FROM shop.orders o JOIN shop.customer c ON c.wish = o.id AND c.tier = 'gold' AND c.id > 5 LEFT JOIN LATERAL (SELECT count(*) AS n FROM shop.orders p WHERE p.id < o.id) x ON true CROSS JOIN generate_series(1, 3) g JOIN (SELECT 1 AS g) one USING (g);
CREATE VIEW shop.kinds AS SELECT CASE WHEN status = 'new' THEN 'a' ELSE 'b'::varchar END AS k, ARRAY['x', status] AS both, ARRAY[ARRAY[1, 2], ARRAY[3, 4]] AS four, status || id AS s, amount::int AS i, '5'::int AS five, date '2020-01-01' + 1 AS d,
  row_number() OVER (PARTITION BY status ORDER BY id DESC ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS r, count(*) FILTER (WHERE status IN ('new')) OVER w AS f, now() AT TIME ZONE 'UTC' AS utc, (home).b AS b, tags[1:2] AS few, docs #>> '{a,b}' AS deep FROM shop.orders WINDOW w AS (PARTITION BY code);
CREATE VIEW shop.sets AS SELECT id, 'a' AS what FROM shop.orders WHERE id IN (SELECT wish FROM shop.customer) UNION ALL (SELECT id, 'b' FROM shop.customer EXCEPT SELECT 1, 'c') INTERSECT SELECT 2, 'd' ORDER BY 1 LIMIT 5;
CREATE VIEW shop.grouped AS SELECT status, code, sum(amount) FILTER (WHERE code IN ('ABC', 'DEF')) AS total, string_agg(DISTINCT other, ', ' ORDER BY other) AS all_of_them, grouping(status) AS g FROM shop.orders GROUP BY GROUPING SETS ((status, code), (status), ()) HAVING sum(amount) > 0 AND count(*) > 1 AND status IN ('new', 'paid');
CREATE RECURSIVE VIEW shop.numbers (n) AS VALUES (1) UNION ALL SELECT n + 1 FROM numbers WHERE n < 10 AND n <> 5;
CREATE VIEW shop.writable WITH (security_barrier) AS SELECT id, status FROM shop.orders WHERE status IN ('new', 'paid') WITH CASCADED CHECK OPTION;
CREATE VIEW shop.with_default AS SELECT id, status FROM shop.orders;
ALTER VIEW shop.with_default ALTER status SET DEFAULT 'new';
CREATE VIEW shop.exist AS WITH big AS (SELECT * FROM shop.orders WHERE amount > 10), small AS MATERIALIZED (SELECT id FROM big WHERE EXISTS (SELECT FROM shop.customer c WHERE c.wish = big.id AND c.tier IN ('gold', 'silver') AND NOT (c.id > 5 AND c.id < 8))) SELECT * FROM small WHERE id = ANY (ARRAY[1, 2]) OR id > ALL (SELECT 1) OR (SELECT true);
CREATE VIEW shop.numbered AS SELECT * FROM (VALUES (1, 'a'), (2, 'b')) AS t (n, name) WHERE name IN ('a', 'b') AND n::text LIKE '1%' FETCH FIRST 3 ROWS ONLY;
CREATE VIEW shop.xml AS SELECT xmlelement(name a, xmlattributes(id AS b), status) AS x, xmlforest(id, status) AS f FROM shop.orders;
CREATE MATERIALIZED VIEW shop.totals AS SELECT status, sum(amount) AS total FROM shop.orders WHERE status IN ('new', 'paid') AND (amount > 1 AND (amount < 5 AND code <> 'X')) GROUP BY status;
CREATE UNIQUE INDEX totals_status ON shop.totals (status) WHERE status <> 'x';
CREATE RULE insteads AS ON UPDATE TO shop.open WHERE new.status IN ('new', 'paid') AND old.amount > 1 DO INSTEAD (UPDATE shop.orders SET status = new.status WHERE id = old.id AND status IN ('new'); DELETE FROM shop.customer WHERE wish = old.id AND tier = 'x' AND id > 1);
CREATE RULE others AS ON UPDATE TO shop.open DO INSTEAD NOTHING;
CREATE RULE kept AS ON DELETE TO shop.customer WHERE old.tier IN ('gold') DO ALSO INSERT INTO shop.orders (id, status) VALUES (old.id, 'new');

-- policies and triggers
ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY;
CREATE POLICY open_ones ON shop.orders FOR SELECT TO clerk, auditor USING (status IN ('new', 'paid') AND (id > 1 AND (id < 9 AND code = 'ABC')));
CREATE POLICY own ON shop.orders AS RESTRICTIVE USING (current_user IN ('clerk', 'auditor')) WITH CHECK (status = ANY (ARRAY['new', 'paid']) OR EXISTS (SELECT 1 FROM shop.customer WHERE wish = orders.id AND tier IN ('gold')));
CREATE FUNCTION shop.touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN new; END $$;
CREATE TRIGGER touched BEFORE UPDATE OF status, amount ON shop.orders FOR EACH ROW WHEN (new.status IN ('new', 'paid') AND old.amount IS DISTINCT FROM new.amount AND new.id > 1) EXECUTE FUNCTION shop.touch('a', 'b''c');
CREATE CONSTRAINT TRIGGER late AFTER INSERT ON shop.customer DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (new.tier IN ('gold', 'silver')) EXECUTE FUNCTION shop.touch();
CREATE TRIGGER instead INSTEAD OF INSERT ON shop.open FOR EACH ROW EXECUTE FUNCTION shop.touch();

-- partitions
CREATE TABLE shop.sale (id int, day date NOT NULL, country varchar(2) CHECK (country IN ('de', 'fr')), n int, CHECK (n > 0 AND n < 10 AND n <> 5)) PARTITION BY RANGE (day);
CREATE TABLE shop.sale_2025 PARTITION OF shop.sale (n DEFAULT 1 + 1, CHECK (country IN ('de', 'fr', 'it'))) FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE shop.sale_2026 PARTITION OF shop.sale FOR VALUES FROM ('2026-01-01') TO (MAXVALUE) PARTITION BY LIST (lower(country));
CREATE TABLE shop.sale_2026_de PARTITION OF shop.sale_2026 FOR VALUES IN ('de', 'at', NULL);
CREATE TABLE shop.sale_2026_rest PARTITION OF shop.sale_2026 DEFAULT;
CREATE TABLE shop.bucket (k varchar(10), n bigint) PARTITION BY RANGE ((n % 10), lower(k));
CREATE TABLE shop.bucket_low PARTITION OF shop.bucket FOR VALUES FROM (MINVALUE, MINVALUE) TO (5, 'm');
CREATE INDEX sale_country ON shop.sale (upper(country)) WHERE country IN ('de');
CREATE TABLE shop.base (a int CHECK (a IN (1, 2, 3)), b varchar(5) DEFAULT 'x' CHECK (b IN ('x', 'y')));
CREATE TABLE shop.derived (c int DEFAULT 2 * 3, CHECK (c > 0 AND a > 0 AND b <> 'z')) INHERITS (shop.base);

-- functions: defaults of their arguments are expressions
CREATE FUNCTION shop.price(net numeric, rate numeric DEFAULT 0.19, kind varchar DEFAULT 'a' || 'b', days int[] DEFAULT ARRAY[1, 2], until date DEFAULT '2026-01-01') RETURNS numeric LANGUAGE sql AS 'SELECT net * (1 + rate)';
CREATE PROCEDURE shop.tidy(older interval DEFAULT '1 day') LANGUAGE plpgsql AS $$ BEGIN NULL; END $$;
CREATE FUNCTION shop.same(text, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT lower($1) = lower($2)';
CREATE OPERATOR shop.=== (leftarg = text, rightarg = text, function = shop.same, commutator = OPERATOR(shop.===), negator = OPERATOR(shop.!==));
CREATE AGGREGATE shop.product(numeric) (sfunc = numeric_mul, stype = numeric, initcond = '1', parallel = safe);

-- foreign data: options in an order that nobody sorts
CREATE SERVER remote FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'a', port '5432', dbname 'b', application_name 'c');
CREATE USER MAPPING FOR clerk SERVER remote OPTIONS (user 'u', password 'p');
CREATE FOREIGN TABLE shop.distant (id int OPTIONS (column_name 'x'), status varchar(10) DEFAULT 'new', CHECK (status IN ('new', 'paid'))) SERVER remote OPTIONS (table_name 't', schema_name 's');
CREATE PUBLICATION news FOR TABLE shop.customer, shop.base;

-- since 14
ALTER TABLE shop.base ADD COLUMN packed text COMPRESSION pglz;
CREATE STATISTICS shop.expressions ON lower(status), (amount * 2), (CASE WHEN status IN ('new', 'paid') THEN 1 ELSE 2 END) FROM shop.orders;
CREATE STATISTICS shop.one ON (status || 'x') FROM shop.orders;
CREATE FUNCTION shop.body(a int, b varchar DEFAULT 'x') RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM shop.orders WHERE status IN ('new', 'paid') AND id > a AND code = b AND (id < 5 AND id <> 3); END;
CREATE FUNCTION shop.returning(a varchar) RETURNS boolean LANGUAGE sql RETURN a IN ('new', 'paid') AND (a <> 'x' AND a <> 'y') OR a LIKE 'z%';
CREATE PROCEDURE shop.several(a int) LANGUAGE sql BEGIN ATOMIC UPDATE shop.orders SET status = 'new' WHERE id = a AND status IN ('paid'); DELETE FROM shop.customer WHERE tier IN ('gold') AND id = a AND wish = 1; END;
CREATE VIEW shop.searching AS WITH RECURSIVE t (id, up) AS (SELECT id, wish FROM shop.customer UNION ALL SELECT c.id, c.wish FROM shop.customer c JOIN t ON t.up = c.id) SEARCH DEPTH FIRST BY id SET ordered CYCLE id SET is_cycle USING path SELECT id, up, is_cycle FROM t;

-- since 15
CREATE PUBLICATION filtered FOR TABLE shop.sale_2025 (id, day, country, n) WHERE (n IN (1, 2) AND (n > 1 AND n < 5) AND day > '2020-01-01') WITH (publish = 'insert');
CREATE PUBLICATION by_schema FOR TABLES IN SCHEMA shop;
CREATE UNIQUE INDEX one_null ON shop.orders (lower(other)) NULLS NOT DISTINCT WHERE other NOT IN ('a', 'b');

-- since 17
CREATE VIEW shop.json AS SELECT j.*, json_value(docs, '$.a' RETURNING int DEFAULT 1 ON ERROR) AS v, json_exists(docs, '$.b') AS e, docs IS JSON OBJECT AS o FROM shop.orders, json_table(docs, '$[*]' COLUMNS (a int PATH '$.a', b varchar(5) PATH '$.b' DEFAULT 'x' ON EMPTY)) j;
CREATE VIEW shop.merging AS SELECT json_object('a': status, 'b': 1 ABSENT ON NULL) AS j, json_arrayagg(status ORDER BY id) AS a FROM shop.orders GROUP BY status;

-- since 18
CREATE TABLE shop.virtual (a int, b varchar(10), c text GENERATED ALWAYS AS (CASE WHEN b IN ('x', 'y') THEN 'yes' ELSE b END) VIRTUAL, d int GENERATED ALWAYS AS (a * 2 + 1) STORED, CONSTRAINT soft CHECK (b IN ('x', 'y')) NOT ENFORCED, CONSTRAINT a_is_there NOT NULL a);
CREATE TABLE shop.booking (room int, during tstzrange, PRIMARY KEY (room, during WITHOUT OVERLAPS));
