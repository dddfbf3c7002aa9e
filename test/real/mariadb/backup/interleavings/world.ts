import { createHash } from 'node:crypto';
import type mysql from 'mysql2/promise';

/** Which server a world is made on, as far as the statements differ. */
export type Product = 'MariaDB' | 'MySQL';

const plain = 'id INT AUTO_INCREMENT PRIMARY KEY, v INT, s VARCHAR(40), KEY by_v (v)';
const parted = 'id INT, v INT';
const partitions = 'PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN (100))';

/**
 * Tables on both sides of `m_gate`, at which a dump is held: those that it has read by then, and those that are still
 * to come.
 */
const sides = ['a', 'z'];

/** Makes the database `name`: small tables, two of each definition, and one object of each other kind. */
export async function makeWorld(admin: mysql.Connection, name: string, product: Product): Promise<void> {
  const tables = sides.flatMap((side) => [
    `CREATE TABLE ${side}_one (${plain}) ENGINE=InnoDB`,
    `CREATE TABLE ${side}_two (${plain}) ENGINE=InnoDB`,
    `CREATE TABLE ${side}_part (${parted}) ENGINE=InnoDB ${partitions}`,
    `CREATE TABLE ${side}_exch (${parted}) ENGINE=InnoDB`,
    `INSERT INTO ${side}_one (v, s) VALUES (1, 'one'), (2, 'two'), (3, 'three')`,
    `INSERT INTO ${side}_two (v, s) VALUES (11, 'eleven')`,
    `INSERT INTO ${side}_part VALUES (1, 1), (2, 2), (50, 50)`,
    `INSERT INTO ${side}_exch VALUES (7, 70), (8, 80)`,
  ]);
  const others = [
    'CREATE TABLE m_gate (id INT PRIMARY KEY) ENGINE=InnoDB',
    'CREATE VIEW v_sum AS SELECT SUM(v) AS total FROM a_one',
    'CREATE TRIGGER before_two BEFORE UPDATE ON a_two FOR EACH ROW SET NEW.s = CONCAT(NEW.s, 1)',
    'CREATE FUNCTION f_one() RETURNS INT DETERMINISTIC RETURN 1',
    "CREATE EVENT e_one ON SCHEDULE EVERY 1 DAY STARTS '2031-01-01 00:00:00' DISABLE DO DELETE FROM a_one",
    ...(product === 'MariaDB' ? ['CREATE SEQUENCE q_one START WITH 5'] : []),
  ];
  await admin.query(`CREATE DATABASE ${name}; USE ${name}`);
  for (const statement of [...tables, ...others]) await admin.query(statement);
}

/**
 * Everything that a session reads in a database, as one text: every row, and every definition as the server prints it.
 * Counters of AUTO_INCREMENT and positions of sequences, which move without a commit, are not in it.
 */
export async function stateOf(admin: mysql.Connection, name: string): Promise<Map<string, string>> {
  const state = new Map<string, string>();
  const rows = async (sql: string) => (await admin.query<mysql.RowDataPacket[]>(sql))[0];
  await admin.query(`USE ${name}`);
  for (const found of await rows('SHOW FULL TABLES')) {
    const [table, type] = Object.values(found) as [string, string];
    if (table === 'm_gate') continue; // it is locked now and then
    const [shown] = await rows(`SHOW CREATE TABLE \`${table}\``);
    state.set(`${type} ${table}`, neutral(String(shown?.['Create Table'] ?? shown?.['Create View']), name));
    if (type === 'BASE TABLE')
      state.set(
        `rows of ${table}`,
        (await rows(`SELECT * FROM \`${table}\``))
          .map((row) => JSON.stringify(row))
          .sort()
          .join('\n'),
      );
  }
  const kinds = [
    ['TRIGGER', 'SELECT TRIGGER_NAME AS n FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE()'],
    [
      'FUNCTION',
      'SELECT ROUTINE_NAME AS n FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = DATABASE() AND ' +
        "ROUTINE_TYPE = 'FUNCTION'",
    ],
    ['EVENT', 'SELECT EVENT_NAME AS n FROM information_schema.EVENTS WHERE EVENT_SCHEMA = DATABASE()'],
  ] as const;
  for (const [kind, query] of kinds) {
    for (const { n } of await rows(query)) {
      const [shown = {}] = await rows(`SHOW CREATE ${kind} \`${n}\``);
      state.set(
        `${kind} ${n}`,
        neutral(String(Object.entries(shown).find(([field]) => /^(Create |SQL Original)/.test(field))?.[1]), name),
      );
    }
  }
  return state;
}

/** What tells two states apart at a glance. */
export function sameState(one: Map<string, string>, other: Map<string, string>): boolean {
  return hashOf(one) === hashOf(other);
}

/** The objects in which two states differ, for the message of a test that fails. */
export function differing(one: Map<string, string>, other: Map<string, string>): string[] {
  return [...new Set([...one.keys(), ...other.keys()])].filter((key) => one.get(key) !== other.get(key));
}

function hashOf(state: Map<string, string>): string {
  return createHash('sha256')
    .update(JSON.stringify([...state].sort()))
    .digest('hex');
}

function neutral(definition: string, name: string): string {
  return definition.replaceAll(`\`${name}\``, '`db`').replace(/ AUTO_INCREMENT=\d+/, '');
}
