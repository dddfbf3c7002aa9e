import type { Lie } from './postgres-lies.ts';

const rows: Lie[] = [
  [
    'a value changed in one row',
    'UPDATE orders SET number = 0 WHERE id = 250',
    /table `orders` has the right number of rows, and other content/,
  ],
  ['a row more', 'INSERT INTO orders (id) VALUES (0)', /table `orders` has 501 rows instead of 500/],
  ['a row fewer', 'DELETE FROM orders WHERE id = 500', /table `orders` has 499 rows instead of 500/],
  ['all rows of a table gone', 'TRUNCATE orders', /table `orders` has 0 rows instead of 500/],
  ['a row in a table that was empty', 'INSERT INTO void VALUES (1)', /table `void` has 1 row instead of 0/],
  [
    'two values swapped between rows',
    'UPDATE orders SET number = IF(id = 1, 2, 1) WHERE id IN (1, 2)',
    /table `orders` has the right number of rows, and other content/,
  ],
  [
    'a row twice and another not at all',
    'UPDATE pairs SET a = 1',
    /table `pairs` has the right number of rows, and other content/,
  ],
  ['one byte in a blob', 'UPDATE goods SET picture = 0x00ff11 WHERE id = 1', /table `goods` has the right/],
  ['NULL turned into an empty text', "UPDATE goods SET note = '' WHERE id = 1", /table `goods` has the right/],
  ['an empty text turned into NULL', 'UPDATE goods SET note = NULL WHERE id = 2', /table `goods` has the right/],
  ['an empty blob turned into NULL', 'UPDATE goods SET picture = NULL WHERE id = 2', /table `goods` has the right/],
  ['a space behind a text', "UPDATE goods SET note = 'wool ' WHERE id = 3", /table `goods` has the right/],
  [
    'another case in a text that compares without case',
    "UPDATE goods SET name = 'Hat' WHERE id = 1",
    /table `goods` has the right/,
  ],
  ['a letter without its dots', "UPDATE goods SET name = 'Mutze' WHERE id = 2", /table `goods` has the right/],
  [
    'a thousandth of a second',
    "UPDATE goods SET changed = '2026-01-01 00:00:00.001' WHERE id = 1",
    /table `goods` has the right/,
  ],
  ['a row moved to another partition', "UPDATE logs SET year = 2026 WHERE line = 'old'", /table `logs` has the right/],
];

const tables: Lie[] = [
  ['a table more', 'CREATE TABLE more (i int)', /table `more` is not in the backup/],
  ['a table fewer', 'DROP TABLE void', /table `void` is missing/],
  [
    'a table under another name',
    'RENAME TABLE void TO abyss',
    /table `void` is missing.*table `abyss` is not in the backup/,
  ],
  ['a column more', 'ALTER TABLE void ADD j int', /void/],
  ['a column fewer', 'ALTER TABLE orders DROP made', /column orders\.made|table `orders`/],
  ['columns in another order', 'ALTER TABLE orders MODIFY number int AFTER made', /orders/],
  ['a column of another type', 'ALTER TABLE orders MODIFY number bigint', /orders/],
  ['a column of another length', "ALTER TABLE goods MODIFY note varchar(21) COMMENT 'for people'", /goods/],
  ['a default changed', "ALTER TABLE orders ALTER made SET DEFAULT '2026-01-02'", /orders/],
  ['a default gone', 'ALTER TABLE goods ALTER price DROP DEFAULT', /goods/],
  ['NOT NULL gone', 'ALTER TABLE goods MODIFY name varchar(40) CHARACTER SET latin1', /goods/],
  ['another character set', 'ALTER TABLE goods MODIFY name varchar(40) CHARACTER SET utf8mb4 NOT NULL', /goods/],
  [
    'another collation',
    'ALTER TABLE goods MODIFY label varchar(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci',
    /goods/,
  ],
  ['another value of an enum', "ALTER TABLE goods MODIFY mood enum('calm', 'busy', 'wild') DEFAULT 'calm'", /goods/],
  ['another expression of a generated column', 'ALTER TABLE void ADD j int AS (i) STORED', /void/],
  [
    'a column that counts no more',
    'ALTER TABLE orders DROP FOREIGN KEY of_good; ALTER TABLE goods MODIFY id int NOT NULL; ALTER TABLE orders ADD CONSTRAINT of_good FOREIGN KEY (good) REFERENCES goods (id)',
    /goods/,
  ],
  [
    'a check changed',
    'ALTER TABLE goods DROP CONSTRAINT code_sane, ADD CONSTRAINT code_sane CHECK (code > -1)',
    /constraint goods\.code_sane is defined differently/,
  ],
  ['a check gone', 'ALTER TABLE goods DROP CONSTRAINT code_sane', /constraint goods\.code_sane is missing/],
  ['a foreign key gone', 'ALTER TABLE orders DROP FOREIGN KEY of_good', /constraint orders\.of_good is missing/],
  [
    'a foreign key that deletes',
    'ALTER TABLE orders DROP FOREIGN KEY of_good; ALTER TABLE orders ADD CONSTRAINT of_good FOREIGN KEY (good) REFERENCES goods (id) ON DELETE CASCADE',
    /constraint orders\.of_good is defined differently/,
  ],
  ['a unique key gone', 'ALTER TABLE goods DROP KEY code_once', /goods\.code_once is missing/],
  ['a primary key gone', 'ALTER TABLE orders DROP PRIMARY KEY', /orders/],
  ['an index gone', 'ALTER TABLE orders DROP KEY orders_number', /index orders\.orders_number is missing/],
  ['an index more', 'ALTER TABLE orders ADD KEY more (made)', /index orders\.more is not in the backup/],
  [
    'an index over other columns',
    'ALTER TABLE orders DROP KEY orders_number, ADD KEY orders_number (number, made)',
    /index orders\.orders_number is defined differently/,
  ],
  [
    'an index that is unique now',
    'ALTER TABLE orders DROP KEY orders_number, ADD UNIQUE orders_number (number)',
    /orders\.orders_number/,
  ],
  [
    'a partition more',
    'ALTER TABLE logs ADD PARTITION (PARTITION p2027 VALUES LESS THAN (2028))',
    /table logs is defined differently/,
  ],
  ['partitions gone, and their rows kept', 'ALTER TABLE logs REMOVE PARTITIONING', /table logs is defined differently/],
  ['a comment on a table', "ALTER TABLE goods COMMENT 'what we sold'", /table goods is defined differently/],
  ['a comment on a column', 'ALTER TABLE goods MODIFY note varchar(20)', /goods/],
  [
    'how rows are stored',
    'ALTER TABLE void ROW_FORMAT = COMPRESSED',
    /table void is defined differently \(in the backup: “.*”; here: “.*ROW_FORMAT=COMPRESSED”\)/,
  ],
  ['what stores them', 'ALTER TABLE void ENGINE = MyISAM', /table void is defined differently/],
];

const code: Lie[] = [
  [
    'the text of a view',
    'CREATE OR REPLACE VIEW cheap AS SELECT id, name FROM goods WHERE price < 7',
    /view cheap is defined differently \(in the backup: “….*< 6.*”; here: “….*< 7.*”\)/,
  ],
  ['a view gone', 'DROP VIEW cheap', /view cheap is missing/],
  ['a view more', 'CREATE VIEW more AS SELECT 1 AS i', /view more is not in the backup/],
  [
    'a view that is merged',
    'CREATE OR REPLACE ALGORITHM = MERGE VIEW cheap AS SELECT id, name FROM goods WHERE price < 6',
    /view cheap is defined differently/,
  ],
  [
    'a view that looks as whoever asks',
    'CREATE OR REPLACE DEFINER = clerk@localhost SQL SECURITY INVOKER VIEW clerks AS SELECT id FROM orders',
    /view clerks is defined differently/,
  ],
  [
    'whom a view belongs to',
    'CREATE OR REPLACE DEFINER = other@localhost SQL SECURITY DEFINER VIEW clerks AS SELECT id FROM orders',
    /definer view clerks is defined differently/,
  ],
  [
    'the body of a function',
    'DROP FUNCTION twice; CREATE FUNCTION twice(i int) RETURNS int DETERMINISTIC RETURN i * 3',
    /function twice is defined differently \(in the backup: “.*RETURN i \* 2”; here: “.*RETURN i \* 3”\)/,
  ],
  ['a function gone', 'DROP FUNCTION twice', /function twice is missing/],
  [
    'a function that reads otherwise',
    "SET sql_mode = 'ANSI_QUOTES'; DROP FUNCTION twice; CREATE FUNCTION twice(i int) RETURNS int DETERMINISTIC RETURN i * 2; SET sql_mode = DEFAULT",
    /function twice is defined differently/,
  ],
  [
    'whom a function belongs to',
    'DROP FUNCTION twice; CREATE DEFINER = other@localhost FUNCTION twice(i int) RETURNS int DETERMINISTIC RETURN i * 2',
    /definer function twice is defined differently/,
  ],
  [
    'the body of a procedure',
    'DROP PROCEDURE tidy; CREATE PROCEDURE tidy() DELETE FROM logs',
    /procedure tidy is defined differently/,
  ],
  ['a procedure more', 'CREATE PROCEDURE more() SELECT 1', /procedure more is not in the backup/],
  ['a trigger gone', 'DROP TRIGGER touched_again', /trigger touched_again is missing/],
  [
    'the body of a trigger',
    'DROP TRIGGER touched_again; CREATE TRIGGER touched_again BEFORE UPDATE ON goods FOR EACH ROW SET new.note = NULL',
    /trigger touched_again is defined differently \(in the backup: “.*”; here: “.*new\.note = NULL”\)/,
  ],
  [
    'triggers in another order',
    'DROP TRIGGER touched_again; CREATE TRIGGER touched_again BEFORE UPDATE ON goods FOR EACH ROW PRECEDES touched SET new.note = new.note',
    /trigger touched is defined differently \(with the same text: .*; trigger touched_again is defined differently/,
  ],
  ['an event gone', 'DROP EVENT nightly', /event nightly is missing/],
  [
    'the body of an event',
    'ALTER EVENT nightly DO DELETE FROM void',
    /event nightly is defined differently \(in the backup: “.*”; here: “.*”\)/,
  ],
  [
    'when an event runs',
    'ALTER EVENT nightly ON SCHEDULE EVERY 2 DAY',
    /event nightly is defined differently \(in the backup: “.*”; here: “.*”\)/,
  ],
  ['an event more', 'CREATE EVENT more ON SCHEDULE EVERY 1 DAY DO SELECT 1', /event more is not in the backup/],
  [
    'the character set of the database',
    'ALTER DATABASE liar CHARACTER SET latin1',
    /database character set is defined differently; database collation is defined differently/,
  ],
  [
    'the collation of the database',
    'ALTER DATABASE liar COLLATE utf8mb4_bin',
    /database collation is defined differently/,
  ],
];

/** What both servers know. */
export const lies: Lie[] = [...rows, ...tables, ...code];

/** The function and the event of the world, made again as they are in a restored database. */
export const twiceAgain = 'DROP FUNCTION twice; CREATE FUNCTION twice(i int) RETURNS int DETERMINISTIC RETURN i * 2';
const nightlyRuns = "ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01 00:00:00' DISABLE";
export const nightlyAgain = `DROP EVENT nightly; CREATE EVENT nightly ${nightlyRuns} DO DELETE FROM logs`;

/** What MariaDB alone has. */
export const mariadbLies: Lie[] = [
  ['a sequence one further', 'SELECT NEXTVAL(numbers)', /sequence `numbers` stands at/],
  ['a sequence set back', 'ALTER SEQUENCE numbers RESTART 100', /sequence `numbers` stands at/],
  ['the step of a sequence', 'ALTER SEQUENCE numbers INCREMENT 2', /sequence numbers is defined differently/],
  ['a sequence gone', 'DROP SEQUENCE numbers', /sequence `?numbers`? is missing/],
  ['a sequence more', 'CREATE SEQUENCE more', /sequence more is not in the backup/],
  [
    'the body of a package',
    "SET sql_mode = 'ORACLE'; CREATE OR REPLACE PACKAGE BODY tools AS FUNCTION one RETURN int AS BEGIN RETURN 2; END; END; SET sql_mode = DEFAULT",
    /package body tools is defined differently/,
  ],
  ['a column that keeps its history', 'ALTER TABLE void ADD SYSTEM VERSIONING', /void/],
  ['the comment of the database', "ALTER DATABASE liar COMMENT 'other'", /database comment is not in the backup/],

  // the same text, made under another setting: the server reads it otherwise
  [
    'the SQL mode under which a function was made',
    `SET sql_mode = 'PIPES_AS_CONCAT'; ${twiceAgain}; SET sql_mode = DEFAULT`,
    /function twice is defined differently \(with the same text/,
  ],
  [
    'the character set of the client that made a function',
    `SET character_set_client = latin1; ${twiceAgain}; SET NAMES utf8mb4`,
    /function twice is defined differently \(with the same text/,
  ],
  [
    'the collation under which a function was made',
    `SET collation_connection = utf8mb4_bin; ${twiceAgain}; SET NAMES utf8mb4`,
    /function twice is defined differently \(with the same text/,
  ],
  [
    'the collation that the database had when a function was made',
    `ALTER DATABASE liar COLLATE utf8mb4_bin; ${twiceAgain}; ALTER DATABASE liar COLLATE utf8mb4_general_ci`,
    /function twice is defined differently \(with the same text/,
  ],
  [
    'the time zone of an event',
    `SET time_zone = '+05:00'; ${nightlyAgain}; SET time_zone = DEFAULT`,
    /event nightly is defined differently \(with the same text/,
  ],
];

/** What only MariaDB makes. */
export const mariadbWorld = `CREATE SEQUENCE numbers START WITH 100; SELECT NEXTVAL(numbers);
  SET sql_mode = 'ORACLE'; CREATE PACKAGE tools AS FUNCTION one RETURN int; END; CREATE PACKAGE BODY tools AS FUNCTION one RETURN int AS BEGIN RETURN 1; END; END; SET sql_mode = DEFAULT`;
