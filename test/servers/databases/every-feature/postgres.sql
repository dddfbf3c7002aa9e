-- Every kind of object and value that a PostgreSQL backup must bring back. Run comment by comment, each in a transaction; "since N": for servers of that major and up.

-- roles: they belong to the server, so a second database finds them there
DO $roles$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['app_owner', 'App Reader', 'grüße "x"'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
      EXECUTE format('CREATE ROLE %I', name);
    END IF;
  END LOOP;
END $roles$;

-- extensions and schemas
CREATE EXTENSION pg_trgm;
CREATE EXTENSION hstore;
CREATE EXTENSION citext;
CREATE EXTENSION btree_gist;
CREATE EXTENSION pgcrypto;
CREATE EXTENSION "uuid-ossp";
CREATE SCHEMA shop AUTHORIZATION app_owner;
CREATE SCHEMA "Mixed Case.Schema";
CREATE SCHEMA empty_schema;

-- types
CREATE TYPE shop.size AS ENUM ('S', 'M', 'L', 'it''s', 'naïve "quoted"', E'back\\slash');
CREATE TYPE shop.address AS (street text, "Post Code" text, lines text[]);
CREATE TYPE shop.price_range AS RANGE (subtype = numeric);
CREATE TYPE shop.shell_only;
CREATE DOMAIN shop.email AS citext NOT NULL CHECK (VALUE ~ '^[^@]+@[^@]+$');
CREATE DOMAIN shop.percent AS numeric(5, 2) DEFAULT 0 CONSTRAINT "between 0 and 100" CHECK (VALUE BETWEEN 0 AND 100);
COMMENT ON TYPE shop.size IS E'sizes\nwith a newline, a \\ and a '' quote';
CREATE COLLATION shop.german (provider = icu, locale = 'de-u-co-phonebk');
CREATE COLLATION shop.any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);

-- functions, procedures, aggregates, operators, casts
CREATE FUNCTION shop.add_vat(net numeric, rate numeric DEFAULT 0.19) RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT round(net * (1 + rate), 2)';
CREATE FUNCTION shop.add_vat(net integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT net + net / 5';
CREATE FUNCTION shop."odd $$ name"(OUT a integer, OUT b text) RETURNS SETOF record LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $outer$
BEGIN
  -- a dollar quote within: $$ and a backslash: \ and a line that ends a COPY:
  -- \.
  RETURN QUERY SELECT 1, 'one'::text;
END $outer$;
CREATE PROCEDURE shop.reprice(factor numeric) LANGUAGE plpgsql AS $$ BEGIN UPDATE shop.product SET net = net * factor; COMMIT; END $$;
CREATE AGGREGATE shop.product_of(numeric) (sfunc = numeric_mul, stype = numeric, initcond = '1');
CREATE FUNCTION shop.same_ignoring_case(text, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT lower($1) = lower($2)';
CREATE OPERATOR shop.=~= (leftarg = text, rightarg = text, function = shop.same_ignoring_case, commutator = OPERATOR(shop.=~=));
CREATE FUNCTION shop.address_text(shop.address) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT ($1).street || ', ' || ($1)."Post Code" $$;
CREATE CAST (shop.address AS text) WITH FUNCTION shop.address_text(shop.address) AS ASSIGNMENT;
CREATE TEXT SEARCH CONFIGURATION shop.plain (COPY = simple);
CREATE TEXT SEARCH DICTIONARY shop.stems (TEMPLATE = snowball, language = english);
ALTER TEXT SEARCH CONFIGURATION shop.plain ALTER MAPPING FOR asciiword WITH shop.stems, simple;

-- sequences
CREATE SEQUENCE shop.countdown INCREMENT BY -3 MINVALUE -1000 MAXVALUE 100 START WITH 100 CACHE 5 CYCLE;
SELECT nextval('shop.countdown'), nextval('shop.countdown');
CREATE SEQUENCE shop.never_used AS smallint START WITH 7;
CREATE SEQUENCE shop."at its end" MAXVALUE 3;
SELECT setval('shop."at its end"', 3, true);

-- tables: identity, generated, serial, checks, exclusion, deferrable keys, cycles
CREATE TABLE shop.customer (
  id bigint GENERATED ALWAYS AS IDENTITY (START WITH 1000 INCREMENT BY 10) PRIMARY KEY,
  email shop.email UNIQUE,
  home shop.address,
  others shop.address[],
  favourite integer,
  CONSTRAINT "has ""quotes"" and
a newline" CHECK (id > 0)
);
CREATE TABLE shop.product (
  id serial PRIMARY KEY,
  name text COLLATE shop.german NOT NULL,
  net numeric(12, 2) CHECK (net >= 0),
  gross numeric GENERATED ALWAYS AS (round(net * 1.19, 2)) STORED,
  size shop.size DEFAULT 'M',
  discount shop.percent,
  valid shop.price_range,
  fan bigint REFERENCES shop.customer DEFERRABLE INITIALLY DEFERRED,
  search tsvector,
  EXCLUDE USING gist (name WITH =, valid WITH &&)
);
ALTER TABLE shop.customer ADD CONSTRAINT likes FOREIGN KEY (favourite) REFERENCES shop.product ON DELETE SET NULL DEFERRABLE;
CREATE TABLE shop.node (id integer PRIMARY KEY, parent integer NOT NULL REFERENCES shop.node DEFERRABLE INITIALLY DEFERRED);
INSERT INTO shop.customer (email, home, others) VALUES
  ('a@example.org', ROW('1, "High" Street', 'AB1 2CD', ARRAY['x', NULL, 'NULL', '']), ARRAY[ROW(E'new\nline', NULL, '{}')::shop.address]),
  ('B@Example.org', NULL, '{}');
INSERT INTO shop.product (name, net, fan, valid, size) VALUES
  ('Ärmel', 10, 1000, '[1,5)', 'S'), ('Arm', 0.01, 1010, '(,)', 'it''s'), ('Zug', NULL, NULL, 'empty', NULL), ('Zoo', 9999999999.99, NULL, NULL, E'back\\slash');
UPDATE shop.customer SET favourite = 1;
INSERT INTO shop.node VALUES (1, 2), (2, 3), (3, 1);
SET CONSTRAINTS ALL IMMEDIATE;
DELETE FROM shop.product WHERE name = 'Zoo';
ALTER TABLE shop.product ADD CONSTRAINT "not checked yet" CHECK (net <> 5) NOT VALID;
CREATE TABLE shop.dropped_column (a integer, gone text, b text DEFAULT 'later');
INSERT INTO shop.dropped_column VALUES (1, 'x', NULL), (2, NULL, '');
ALTER TABLE shop.dropped_column DROP COLUMN gone, ADD COLUMN c integer DEFAULT 42;

-- inheritance: a column that came to the parent after the child was made has another place in the child, before and after a restore
CREATE TABLE shop.parent (id integer, note text);
CREATE TABLE shop.child (extra text, own integer DEFAULT 5) INHERITS (shop.parent);
ALTER TABLE shop.parent ADD COLUMN late timestamptz DEFAULT '2026-01-01 00:00:00+00';
CREATE TABLE shop.grandchild (more text) INHERITS (shop.child);
ALTER TABLE shop.parent ADD COLUMN later integer;
INSERT INTO shop.parent VALUES (1, 'parent', DEFAULT, 10);
INSERT INTO shop.child (id, note, extra, later) VALUES (2, 'child', 'e', 20);
INSERT INTO shop.grandchild (id, note, extra, more, later) VALUES (3, 'grand', NULL, '', 30);
CREATE TABLE shop.adopted (note text, later integer, id integer, late timestamptz);
INSERT INTO shop.adopted VALUES ('adopted', 40, 4, 'infinity');
ALTER TABLE shop.adopted INHERIT shop.parent;

-- partitions: by range, list and hash, nested, a default, one attached with its columns in another order
CREATE TABLE shop.sale (id bigint NOT NULL, day date NOT NULL, country text, amount numeric) PARTITION BY RANGE (day);
CREATE TABLE shop.sale_2025 PARTITION OF shop.sale FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE shop.sale_2026 (amount numeric, gone text, country text, day date NOT NULL, id bigint NOT NULL);
ALTER TABLE shop.sale_2026 DROP COLUMN gone;
ALTER TABLE shop.sale ATTACH PARTITION shop.sale_2026 FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE shop.sale_other PARTITION OF shop.sale DEFAULT PARTITION BY LIST (country);
CREATE TABLE shop.sale_other_de PARTITION OF shop.sale_other FOR VALUES IN ('de', NULL);
CREATE TABLE shop.sale_other_rest PARTITION OF shop.sale_other DEFAULT;
CREATE INDEX sale_country ON shop.sale (country);
INSERT INTO shop.sale SELECT i, date '2024-12-30' + i, (ARRAY['de', 'fr', NULL])[1 + i % 3], i * 1.5 FROM generate_series(1, 900) AS i;
CREATE TABLE shop.hashed (k text PRIMARY KEY) PARTITION BY HASH (k);
CREATE TABLE shop.hashed_0 PARTITION OF shop.hashed FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE shop.hashed_1 PARTITION OF shop.hashed FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO shop.hashed SELECT md5(i::text) FROM generate_series(1, 100) AS i;

-- values that are easily spoilt
CREATE TABLE shop.awkward (
  n integer PRIMARY KEY, t text, b bytea, j jsonb, js json, x xml, h hstore, ci citext, f4 real, f8 double precision, num numeric, d date, ts timestamp,
  tz timestamptz, iv interval, bits bit varying, ip inet, u uuid, ints integer[], texts text[][], r int4range, ch character(5), m money, pt point, q tsquery, ok boolean
);
INSERT INTO shop.awkward (n, t) VALUES
  (1, NULL), (2, ''), (3, '\N'), (4, '\.'), (5, E'\\.\n\\.\nafter'), (6, E'tab\there\r\nand \\ back\bspace\ffeed\vtab'), (7, 'quote '' " ` $$ %s %% ;--'),
  (8, E'\u0001\u007f'), (9, 'żółć 漢字 🧵👩‍👩‍👧'), (10, repeat('long ', 400000)), (11, 'NULL'), (12, E'\n'), (13, ' lead and trail '), (14, E'ends in \\');
INSERT INTO shop.awkward (n, b) VALUES (20, ''), (21, '\x00'), (22, '\x5c2e0a5c4e09'), (23, decode(repeat('00ff5c0a', 250000), 'hex'));
INSERT INTO shop.awkward (n, f4, f8, num) VALUES (30, 'NaN', 'NaN', 'NaN'), (31, 'Infinity', '-Infinity', 0), (32, 1e-45, 5e-324, 1e-1000), (33, 3.4028235e38, 1.7976931348623157e308, 10 ^ 1000::numeric),
  (34, -0.0, '-0', 0.10), (35, 0.1, 0.1, 123456789012345678901234567890.123456789);
INSERT INTO shop.awkward (n, d, ts, tz, iv) VALUES (40, 'infinity', '-infinity', 'infinity', '1 year -2 mons 3 days -04:05:06.789'), (41, '4713-01-01 BC', '0001-01-01 00:00:00 BC', '294276-12-31 23:59:59.999999+00', '0'), (42, '5874897-12-31', '2026-02-28 23:59:59.999999', '2026-03-29 02:30:00+02', '-178000000 years');
INSERT INTO shop.awkward (n, j, js, x, h, ci) VALUES (50, '{"a": [1, null, "\\n\"\u00e9", 1e400]}', E'{ "kept":  "as\\\\ written" , "kept": 2 }', '<a b="c">&amp;</a>', 'a=>NULL, "b "=>"\"q\""', 'CaSe'), (51, 'null', '[]', NULL, '', '');
INSERT INTO shop.awkward (n, bits, ip, u, ints, texts, r, ch, m, pt, q, ok) VALUES
  (60, B'', '::1/64', '00000000-0000-0000-0000-000000000000', '{}', '{{a,NULL},{"NULL",""}}', 'empty', 'a', '-1.50', '(1e300,-0)', '''it''''s'' & !b', true),
  (61, B'0101', '10.0.0.0/8', 'ffffffff-ffff-ffff-ffff-ffffffffffff', '[-2:0]={1,NULL,3}', '{{"{","}"},{",","\\"}}', '[1,)', '     ', 0, NULL, '', false);
CREATE TABLE shop.no_columns ();
INSERT INTO shop.no_columns SELECT FROM generate_series(1, 5);
CREATE TABLE shop.no_rows (a integer, b text);
CREATE TABLE shop.no_columns_no_rows ();
CREATE UNLOGGED TABLE shop.unlogged AS SELECT i, i * i AS square FROM generate_series(1, 50) AS i;
CREATE TABLE shop.wide AS SELECT i AS id, string_agg(md5((i * j)::text), '') AS noise FROM generate_series(1, 40) AS i, generate_series(1, 4000) AS j GROUP BY i;
ALTER TABLE shop.wide ALTER noise SET STORAGE EXTERNAL, ALTER id SET STATISTICS 500, SET (fillfactor = 70, autovacuum_enabled = false);
CREATE TABLE shop.typed OF shop.address (PRIMARY KEY (street));
CREATE TABLE shop.identity_default (id integer GENERATED BY DEFAULT AS IDENTITY, v text);
INSERT INTO shop.identity_default VALUES (500, 'given'), (DEFAULT, 'made');

-- names
CREATE TABLE "Mixed Case.Schema"."Table ""with"" 'quotes'" ("Column A" integer, "select" text, "a.b" text, "100%" text, "back\slash" text, "tab	here" text, "line
break" text, "ünïcödé 🧵" text, "$$" text, "{x,y}" text, """" text);
INSERT INTO "Mixed Case.Schema"."Table ""with"" 'quotes'" VALUES (1, 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j');
CREATE TABLE "Mixed Case.Schema"."line
break" (id integer);
INSERT INTO "Mixed Case.Schema"."line
break" VALUES (1), (2);
CREATE TABLE "Mixed Case.Schema"."back\slash %s ünï.dot" (id integer);
INSERT INTO "Mixed Case.Schema"."back\slash %s ünï.dot" VALUES (3);
CREATE TABLE "Mixed Case.Schema"."-- not a comment; DROP TABLE x" (id integer);
CREATE TABLE "Mixed Case.Schema"." lead and trail " (id integer);
INSERT INTO "Mixed Case.Schema"." lead and trail " VALUES (4);
CREATE TABLE "Mixed Case.Schema".sixty_three_bytes_long_name_of_a_table_to_the_very_last_byte_okx (id integer);
CREATE TABLE public."table" ("order" integer PRIMARY KEY, "user" text);
INSERT INTO public."table" VALUES (1, 'x');

-- indexes and statistics
CREATE INDEX product_name_trgm ON shop.product USING gin (name gin_trgm_ops);
CREATE UNIQUE INDEX product_lower ON shop.product (lower(name) DESC NULLS LAST) INCLUDE (net) WHERE net > 0;
CREATE INDEX awkward_json ON shop.awkward USING gin (j jsonb_path_ops);
CREATE INDEX awkward_brin ON shop.awkward USING brin (n) WITH (pages_per_range = 16);
CREATE INDEX "Index With ""Quotes""" ON shop.customer USING hash (email);
CREATE STATISTICS shop.product_stats (dependencies, ndistinct, mcv) ON size, net FROM shop.product;
ALTER TABLE shop.customer CLUSTER ON customer_pkey;
ALTER TABLE shop.product REPLICA IDENTITY FULL;

-- views, rules, materialized views
CREATE VIEW shop.cheap WITH (security_barrier) AS SELECT id, name, net FROM shop.product WHERE net < 100 WITH LOCAL CHECK OPTION;
CREATE VIEW shop.on_a_view AS SELECT count(*) AS n, shop.product_of(net) AS p FROM shop.cheap;
CREATE RECURSIVE VIEW shop.chain (id) AS SELECT 1 UNION SELECT parent FROM shop.node JOIN chain USING (id);
CREATE VIEW shop.writable AS SELECT id, v FROM shop.identity_default;
CREATE RULE writes AS ON DELETE TO shop.writable DO INSTEAD DELETE FROM shop.identity_default WHERE id = old.id;
CREATE MATERIALIZED VIEW shop.totals AS SELECT country, sum(amount) AS total FROM shop.sale GROUP BY country;
CREATE UNIQUE INDEX totals_country ON shop.totals (country);
CREATE MATERIALIZED VIEW shop.of_totals AS SELECT sum(total) AS all_of_it FROM shop.totals;
CREATE MATERIALIZED VIEW shop.not_filled AS SELECT 1 AS x WITH NO DATA;

-- triggers
CREATE FUNCTION shop.touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN new.search := to_tsvector('simple', new.name); RETURN new; END $$;
CREATE FUNCTION shop.check_later() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER touch BEFORE INSERT OR UPDATE OF name ON shop.product FOR EACH ROW WHEN (new.name IS NOT NULL) EXECUTE FUNCTION shop.touch('an ''argument''');
CREATE TRIGGER "Disabled One" AFTER DELETE ON shop.product REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION shop.check_later();
ALTER TABLE shop.product DISABLE TRIGGER "Disabled One";
CREATE CONSTRAINT TRIGGER later AFTER INSERT ON shop.sale FROM shop.customer DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION shop.check_later();
CREATE FUNCTION shop.on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE DEBUG 'ddl %', tg_tag; END $$;
CREATE EVENT TRIGGER watch_ddl ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'DROP TABLE') EXECUTE FUNCTION shop.on_ddl();
UPDATE shop.product SET name = name;

-- row security, grants, default privileges, owners
ALTER TABLE shop.customer ENABLE ROW LEVEL SECURITY;
ALTER TABLE shop.customer FORCE ROW LEVEL SECURITY;
CREATE POLICY "Own rows only" ON shop.customer AS RESTRICTIVE FOR SELECT TO "App Reader", app_owner USING (email = current_user::citext);
CREATE POLICY anyone ON shop.customer USING (true) WITH CHECK (id > 5);
ALTER TABLE shop.product OWNER TO app_owner;
GRANT USAGE ON SCHEMA shop TO PUBLIC;
GRANT SELECT ON ALL TABLES IN SCHEMA shop TO "App Reader";
GRANT INSERT (name, net), UPDATE (name) ON shop.product TO "grüße ""x""" WITH GRANT OPTION;
GRANT USAGE ON SEQUENCE shop.countdown TO "App Reader";
REVOKE EXECUTE ON FUNCTION shop.add_vat(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION shop.add_vat(integer) TO app_owner;
ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT SELECT ON TABLES TO "App Reader";
ALTER DEFAULT PRIVILEGES FOR ROLE app_owner GRANT EXECUTE ON FUNCTIONS TO "grüße ""x""";

-- large objects
SELECT lo_from_bytea(700001, decode(repeat('00ff0a5c', 100000), 'hex')), lo_from_bytea(700002, ''), lo_from_bytea(700003, 'text');
COMMENT ON LARGE OBJECT 700001 IS 'a large object';
ALTER LARGE OBJECT 700003 OWNER TO app_owner;
GRANT SELECT ON LARGE OBJECT 700001 TO "App Reader";

-- publications and comments
CREATE PUBLICATION some_tables FOR TABLE shop.product, shop.customer WITH (publish = 'insert, update');
CREATE PUBLICATION "All Tables" FOR ALL TABLES;
COMMENT ON TABLE shop.product IS E'what''s for sale;\nsecond line \\ with a backslash';
COMMENT ON COLUMN shop.product.net IS 'before tax';
COMMENT ON CONSTRAINT likes ON shop.customer IS 'a cycle';
COMMENT ON SCHEMA "Mixed Case.Schema" IS '漢字';
COMMENT ON FUNCTION shop.add_vat(integer) IS 'whole numbers';
COMMENT ON TRIGGER touch ON shop.product IS 'keeps search';
COMMENT ON POLICY anyone ON shop.customer IS 'all';

-- since 14
ALTER TABLE shop.wide ADD COLUMN packed text COMPRESSION pglz DEFAULT repeat('packed ', 1000);
CREATE FUNCTION shop.parsed(a integer) RETURNS integer LANGUAGE sql BEGIN ATOMIC SELECT a + count(*)::integer FROM shop.node; END;
CREATE TABLE shop.multi (m int4multirange, n nummultirange);
INSERT INTO shop.multi VALUES ('{[1,3),[5,)}', '{}'), (NULL, '{(,)}');
CREATE STATISTICS shop.on_expression ON lower(name), (net * 2) FROM shop.product;

-- since 15
CREATE TABLE shop.one_null (v integer UNIQUE NULLS NOT DISTINCT);
INSERT INTO shop.one_null VALUES (NULL), (1);
CREATE VIEW shop.invoker WITH (security_invoker) AS SELECT * FROM shop.product;
CREATE PUBLICATION filtered FOR TABLE shop.identity_default (id, v) WHERE (id > 0);
CREATE PUBLICATION by_schema FOR TABLES IN SCHEMA shop;

-- since 18
CREATE TABLE shop.computed (a integer, twice integer GENERATED ALWAYS AS (a * 2) VIRTUAL, thrice integer GENERATED ALWAYS AS (a * 3) STORED);
INSERT INTO shop.computed VALUES (1), (NULL), (3);
CREATE TABLE shop.booking (room integer, during tstzrange, PRIMARY KEY (room, during WITHOUT OVERLAPS));
INSERT INTO shop.booking VALUES (1, '[2026-01-01, 2026-01-02)'), (1, '[2026-01-02, infinity)');
CREATE TABLE shop.booked (room integer, during tstzrange, FOREIGN KEY (room, PERIOD during) REFERENCES shop.booking (room, PERIOD during));
ALTER TABLE shop.no_rows ADD CONSTRAINT not_null_later NOT NULL a NOT VALID;
