/**
 * A table that SHOW CREATE TABLE does not bring back by itself, or that a server refuses to make again: how it came to
 * be, and what the server shows of it. `otherwise`: what the copy must show instead of a part of that. `lost`: what the
 * backup has to except. `refused`: what both refuse, with the number. `lie`: a change of the copy, and what the proof
 * then says.
 */
export type KeptTable = {
  what: string;
  make: string;
  show: string;
  otherwise?: [before: string | RegExp, after: string];
  lost?: string[];
  refused?: [statement: string, errno: number];
  lie?: [statement: string, said: string];
};

const common: KeptTable[] = [
  {
    what: 'unique keys in the order of a migration',
    make: `CREATE TABLE users (id int PRIMARY KEY, phone varchar(20) NULL UNIQUE, email varchar(50) NULL UNIQUE, key k1(phone,email), key k0(email,phone));
      INSERT INTO users VALUES (1, 'a', 'b'); ALTER TABLE users MODIFY email varchar(50) NOT NULL`,
    show:
      'SELECT INDEX_NAME, SEQ_IN_INDEX, COLUMN_NAME, NON_UNIQUE, NULLABLE FROM information_schema.STATISTICS ' +
      'WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = "users" ORDER BY 1, 2; CHECKSUM TABLE users',
    lie: ['ALTER TABLE users DROP KEY k1, ADD KEY k1 (email)', 'index users.k1 is defined differently'],
  },
  {
    what: 'a counter that may be NULL',
    make:
      'CREATE TABLE counted (a int); INSERT INTO counted VALUES (1), (2); ALTER TABLE counted ADD b int ' +
      'AUTO_INCREMENT NULL UNIQUE COMMENT " AUTO_INCREMENT "; INSERT INTO counted VALUES (3, 7), (4, NULL)',
    show: 'SHOW CREATE TABLE counted; SELECT a, HEX(b), b IS NULL FROM counted ORDER BY a; CHECKSUM TABLE counted',
    lie: ['UPDATE counted SET b = 9 WHERE a = 1', 'table `counted` has the right number of rows, and other content'],
  },
  {
    what: 'a trigger whose column is gone',
    make: `CREATE TABLE fired (i int, at int, \`o k\` int); CREATE TRIGGER broken BEFORE INSERT ON fired FOR EACH ROW SET @a := NEW.\`at\`;
      CREATE TRIGGER whole AFTER INSERT ON fired FOR EACH ROW SET @b = CONCAT('NEW.nope', -- NEW.gone
        NEW.I, /* OLD.none */ new.\`o k\`); ALTER TABLE fired DROP COLUMN at`,
    show:
      "SELECT TRIGGER_NAME, REPLACE(ACTION_STATEMENT, ';', ''), ACTION_TIMING FROM information_schema.TRIGGERS " +
      "WHERE TRIGGER_SCHEMA = DATABASE() AND TRIGGER_NAME <> 'broken'",
    lost: [
      'trigger `broken`: left out, for it names column `at` of table `fired`, which is gone (drop it, or make it anew)',
    ],
    lie: ['DROP TRIGGER whole', 'trigger whole is missing'],
  },
];

const mariadb: KeptTable[] = [
  {
    what: 'a table made by SELECT from columns without defaults',
    make: `CREATE TABLE t1 (id int PRIMARY KEY, n int, t text NOT NULL); INSERT INTO t1 VALUES (1, 1, 'x'), (2, 1, 'y');
      CREATE TABLE rep AS SELECT a.n, MAX(a.id) AS last, b.t FROM t1 a LEFT JOIN t1 b ON b.id = a.id + 1 GROUP BY a.n, b.t`,
    show: 'SHOW CREATE TABLE rep; CHECKSUM TABLE rep',
    otherwise: [/(`last` int\(11\)|`t` text)(?=,|\\n)/g as RegExp, '$1 DEFAULT NULL'],
    lost: [
      'column `rep`.`last`: it has no default, and comes back with DEFAULT NULL',
      'column `rep`.`t`: it has no default, and comes back with DEFAULT NULL',
    ],
    lie: ['ALTER TABLE rep ALTER n SET DEFAULT 5', 'table rep is defined differently'],
  },
  {
    what: 'ROW_FORMAT=FIXED from a time as MyISAM',
    make: `CREATE TABLE fixed (a int PRIMARY KEY, b char(10)) ENGINE=MyISAM ROW_FORMAT=FIXED; INSERT INTO fixed VALUES (1, 'x'); SET innodb_strict_mode = 0;
      ALTER TABLE fixed ENGINE=InnoDB; CREATE TABLE blocks (a int PRIMARY KEY) ROW_FORMAT=DYNAMIC KEY_BLOCK_SIZE=8; SET innodb_strict_mode = 1`,
    show: 'SHOW CREATE TABLE fixed; SHOW CREATE TABLE blocks; CHECKSUM TABLE fixed',
    lie: ['ALTER TABLE fixed ROW_FORMAT=DYNAMIC', 'table fixed is defined differently'],
  },
  {
    what: 'a row that is too long for a strict server',
    make: `SET innodb_strict_mode = 0; CREATE TABLE wide (a int PRIMARY KEY, ${Array.from({ length: 40 }, (_, i) => `c${i} char(255)`).join(', ')}) CHARACTER SET latin1;
      INSERT INTO wide (a, c1) VALUES (1, 'x'); SET innodb_strict_mode = 1`,
    show: 'SHOW CREATE TABLE wide; CHECKSUM TABLE wide',
  },
  {
    what: 'a foreign key whose parent has lost its key',
    make: `CREATE TABLE a_p (id int, x int, KEY k (id, x)); CREATE TABLE b_c (pid int, y int, KEY (pid, y), FOREIGN KEY (pid, y) REFERENCES a_p (id, x)); INSERT INTO a_p VALUES (1, 1);
      INSERT INTO b_c VALUES (1, 1), (NULL, 2); CREATE TABLE Z_p (id int, KEY k (id)); CREATE TABLE y_c (pid int, FOREIGN KEY (pid) REFERENCES Z_p (id) ON DELETE SET NULL);
      CREATE TABLE tree (id int, up int, KEY k (id), FOREIGN KEY (up) REFERENCES tree (id)); SET foreign_key_checks = 0; ALTER TABLE a_p DROP KEY k; ALTER TABLE Z_p DROP KEY k; ALTER TABLE tree DROP KEY k; SET foreign_key_checks = 1`,
    show:
      'SHOW CREATE TABLE a_p; SHOW CREATE TABLE b_c; SHOW CREATE TABLE Z_p; SHOW CREATE TABLE y_c; SHOW CREATE ' +
      'TABLE tree; CHECKSUM TABLE a_p, b_c',
    lie: ['ALTER TABLE b_c DROP FOREIGN KEY b_c_ibfk_1', 'constraint b_c.b_c_ibfk_1 is missing'],
  },
  {
    what: 'a foreign key that has lost its own key',
    make: `CREATE TABLE p2 (id int PRIMARY KEY); CREATE TABLE c2 (pid int, CONSTRAINT up FOREIGN KEY (pid) REFERENCES p2 (id)); CREATE TABLE c3 (pid int, FOREIGN KEY (pid) REFERENCES p2 (id)); INSERT INTO p2 VALUES (1); INSERT INTO c2 VALUES (1);
      SET foreign_key_checks = 0; ALTER TABLE c2 DROP KEY up; ALTER TABLE c3 DROP KEY pid; SET foreign_key_checks = 1`,
    show: 'SHOW CREATE TABLE c2; SHOW CREATE TABLE c3; CHECKSUM TABLE c2',
    refused: ['INSERT INTO c2 VALUES (2)', 1452],
    lie: ['ALTER TABLE c2 ADD KEY up (pid)', 'index c2.up is not in the backup'],
  },
  {
    what: 'options that no engine knows, and a mark of tables with history',
    make: `SET sql_mode = 'IGNORE_BAD_TABLE_OPTIONS'; CREATE TABLE options (a int foo='b*/ar''x' COMMENT '/* \`no\`=''option'' */', KEY k (a) zap=1) baz=3; CREATE TABLE once_aria (a int) ENGINE=MyISAM TRANSACTIONAL=1; SET sql_mode = DEFAULT;
      CREATE TABLE past (a int WITHOUT SYSTEM VERSIONING, b int DEFAULT 3) WITH SYSTEM VERSIONING; ALTER TABLE past DROP SYSTEM VERSIONING, ALGORITHM=INPLACE`,
    show: 'SHOW CREATE TABLE options; SHOW CREATE TABLE once_aria; SHOW CREATE TABLE past',
    otherwise: [' WITHOUT SYSTEM VERSIONING', ''],
    lost: ['column `past`.`a`: WITHOUT SYSTEM VERSIONING, which the table does not use, is gone'],
    lie: ["ALTER TABLE options COMMENT 'x'", 'table options is defined differently'],
  },
  {
    what: 'numbers of more digits than a DECIMAL has',
    make:
      'CREATE TABLE long_numbers (x double(200,0), y double(255,30), f float(100,0), d double); INSERT INTO ' +
      'long_numbers VALUES (1e200, 1e100, 1e30, 1.5), (-1e65, -1e-30, 1, 2), (99999999999999999, 0.1, 2, 3), ' +
      '(NULL, NULL, NULL, NULL)',
    show:
      'SELECT x, y, x = 1e200, y = 1e100 FROM long_numbers; CHECKSUM TABLE long_numbers; SHOW CREATE TABLE ' +
      'long_numbers',
    lie: ['UPDATE long_numbers SET x = 1e199 WHERE x = 1e200', 'table `long_numbers` has the right number of rows'],
  },
];

/** What MariaDB 10.11 does not know yet. */
const newer: KeptTable[] = [
  {
    what: 'a generated column that the server prints otherwise once a dump has read it',
    make: `CREATE TABLE printed (d date, g text AS (concat(d, if(d > '2000-01-01', date_format(d, '%y'), '' COLLATE uca1400_ai_ci))) VIRTUAL, CHECK (concat(hex(1), '' COLLATE uca1400_ai_ci) <> 'x'));
      INSERT INTO printed (d) VALUES ('2020-01-01')`,
    show: 'SELECT d, HEX(g) FROM printed; CHECKSUM TABLE printed',
    lie: [
      "ALTER TABLE printed MODIFY g text AS (concat(d, if(d > '2000-01-02', date_format(d, '%y'), '' COLLATE " +
        'uca1400_ai_ci))) VIRTUAL',
      'table printed is defined differently',
    ],
  },
];

const mysql: KeptTable[] = [
  {
    what: 'columns without a default that may be NULL',
    make: `CREATE TABLE t1 (id int PRIMARY KEY, n int, t text NOT NULL); INSERT INTO t1 VALUES (1, 1, 'x'), (2, 1, 'y'); CREATE TABLE rep AS SELECT a.n, MAX(a.id) AS last, b.t FROM t1 a LEFT JOIN t1 b ON b.id = a.id + 1 GROUP BY a.n, b.t;
      CREATE TABLE dropped (a int, \`b c\` varchar(9) COMMENT 'x DEFAULT y', j json, t text, u text, s timestamp NOT NULL); ALTER TABLE dropped ALTER a DROP DEFAULT, ALTER \`b c\` DROP DEFAULT, ALTER j DROP DEFAULT, ALTER t DROP DEFAULT`,
    show: 'SHOW CREATE TABLE rep; SHOW CREATE TABLE dropped; CHECKSUM TABLE rep; SELECT DEFAULT(u) FROM dropped',
    refused: ["INSERT INTO dropped (a, `b c`, j, s) VALUES (1, '', '{}', '2026-01-01')", 1364],
    lie: ['ALTER TABLE dropped MODIFY t text', 'table dropped is defined differently'],
  },
  {
    what: 'a foreign key to a key that is not unique',
    make:
      'SET restrict_fk_on_non_standard_key = 0; CREATE TABLE np (id int, KEY (id)); CREATE TABLE nc (pid int, ' +
      'FOREIGN KEY (pid) REFERENCES np (id)); INSERT INTO np VALUES (1), (1); INSERT INTO nc VALUES (1); SET ' +
      'restrict_fk_on_non_standard_key = 1',
    show: 'SHOW CREATE TABLE np; SHOW CREATE TABLE nc; CHECKSUM TABLE np, nc',
    refused: ['INSERT INTO nc VALUES (2)', 1452],
  },
  {
    what: 'a foreign key between character sets, of which one was converted first',
    make: `CREATE TABLE latin_p (id varchar(10) CHARACTER SET latin1 PRIMARY KEY COMMENT 'a CHARACTER SET b', n char(3) CHARACTER SET ascii COLLATE ascii_bin NOT NULL, UNIQUE (n)) DEFAULT CHARSET latin1;
      CREATE TABLE a_c (pid varchar(20) CHARACTER SET latin1, n char(3) CHARACTER SET ascii COLLATE ascii_bin, FOREIGN KEY (pid) REFERENCES latin_p (id), FOREIGN KEY (n) REFERENCES latin_p (n)); CREATE TABLE z_c LIKE a_c; ALTER TABLE z_c ADD FOREIGN KEY (pid) REFERENCES latin_p (id);
      INSERT INTO latin_p VALUES ('a', 'b'); INSERT INTO a_c VALUES ('a', 'b'); SET foreign_key_checks = 0; ALTER TABLE latin_p CONVERT TO CHARACTER SET utf8mb4; SET foreign_key_checks = 1`,
    show:
      'SHOW CREATE TABLE latin_p; SHOW CREATE TABLE a_c; SHOW CREATE TABLE z_c; CHECKSUM TABLE latin_p, a_c; ' +
      'SELECT id, HEX(id), HEX(n) FROM latin_p',
    lie: ['ALTER TABLE a_c DROP FOREIGN KEY a_c_ibfk_1', 'constraint a_c.a_c_ibfk_1 is missing'],
  },
];

export const keptTables = {
  'MariaDB 11.8': [...common, ...mariadb, ...newer],
  'MariaDB 10.11': [...common, ...mariadb],
  MySQL: [...common, ...mysql],
};
