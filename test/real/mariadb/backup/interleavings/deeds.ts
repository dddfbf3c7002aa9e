import { chown, copyFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type mysql from 'mysql2/promise';
import type { Product } from './world.ts';

/** More than SQL can do alone. `folder`: of the database, on the server. */
type Action = (admin: mysql.Connection, folder: string) => Promise<void>;

/**
 * Something that an application or a migration does: statements that each commit alone, or a transaction in one text.
 */
export type Deed = { name: string; statements: (string | Action)[] };

/** Numbers from a seed: 0 ≤ n < 1. */
export type Random = () => number;

/** mulberry32, by Tommy Ettinger: a small generator whose sequence depends on its seed alone. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

export function pick<T>(random: Random, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)]!;
}

/** One deed, chosen by the seed: of rows, tables, partitions, views, code. The catalogue of deeds is one long table. */
export function someDeed(random: Random, product: Product): Deed {
  const [side, other] = random() < 0.5 ? ['a', 'z'] : ['z', 'a'];
  const n = Math.floor(random() * 1000);
  const [one, two] = random() < 0.5 ? [`${side}_one`, `${side}_two`] : [`${side}_two`, `${side}_one`];
  const swap = (x: string, y: string) => `RENAME TABLE ${x} TO swapped, ${y} TO ${x}, swapped TO ${y}`;
  const definition = `(id INT AUTO_INCREMENT PRIMARY KEY, v INT, s VARCHAR(40), KEY by_v (v)) ENGINE=InnoDB`;
  const deeds: Record<string, Deed['statements']> = {
    'insert on both sides': [
      `START TRANSACTION; INSERT INTO ${one} (v) VALUES (${n}); INSERT INTO ${other}_one (v) VALUES (${n}); COMMIT`,
    ],
    'move from one side to the other': [
      `START TRANSACTION; DELETE FROM ${one} ORDER BY id LIMIT 1; INSERT INTO ${other}_two (v) VALUES (${n}); COMMIT`,
    ],
    update: [`UPDATE ${one} SET v = v + ${n}`],
    truncate: [`TRUNCATE TABLE ${one}`],
    'truncate and fill': [`TRUNCATE TABLE ${one}`, `INSERT INTO ${one} (v, s) VALUES (${n}, 'anew')`],
    swap: [swap(one, two)],
    'swap sides': [swap(one, `${other}_one`)],
    'swap and back': [swap(one, `${other}_one`), swap(one, `${other}_one`)],
    rename: [`RENAME TABLE ${one} TO ${side}_renamed`],
    'rename to the other side': [`RENAME TABLE ${one} TO ${other}_renamed`],
    'rename and back': [`RENAME TABLE ${one} TO elsewhere`, `RENAME TABLE elsewhere TO ${one}`],
    'a chain of names': [
      `RENAME TABLE ${one} TO chained_1, ${two} TO ${one}, ${other}_one TO ${two}, chained_1 TO ${other}_one`,
    ],
    'a chain and back': [
      `RENAME TABLE ${one} TO c1, ${two} TO ${one}, c1 TO ${two}`,
      `RENAME TABLE ${two} TO c2`,
      `RENAME TABLE ${one} TO ${two}`,
      `RENAME TABLE c2 TO ${one}`,
    ],
    'import a tablespace': [importing(two, one)],
    'import its own tablespace': [importing(one, one)],
    drop: [`DROP TABLE ${two}`],
    'drop and create': [
      `DROP TABLE ${one}`,
      `CREATE TABLE ${one} ${definition}`,
      `INSERT INTO ${one} (v) VALUES (${n})`,
    ],
    rotate: [
      `CREATE TABLE fresh LIKE ${one}`,
      `RENAME TABLE ${one} TO ${one}_old, fresh TO ${one}`,
      `INSERT INTO ${one} (v) VALUES (${n})`,
    ],
    'change online': [
      `CREATE TABLE _new LIKE ${one}`,
      `INSERT INTO _new SELECT * FROM ${one}`,
      `RENAME TABLE ${one} TO _old, _new TO ${one}`,
      'DROP TABLE _old',
    ],
    create: [`CREATE TABLE ${side}_made_${n} ${definition}`, `INSERT INTO ${side}_made_${n} (v) VALUES (${n})`],
    'create for a while': [`CREATE TABLE ${side}_while ${definition}`, `DROP TABLE ${side}_while`],
    'truncate a partition': [`ALTER TABLE ${side}_part TRUNCATE PARTITION p0`],
    'truncate all partitions': [`TRUNCATE TABLE ${side}_part`],
    'exchange a partition': [
      `ALTER TABLE ${side}_part EXCHANGE PARTITION p0 WITH TABLE ${pick(random, [side, other])}_exch`,
    ],
    'drop and add a partition': [
      `ALTER TABLE ${side}_part DROP PARTITION p1`,
      `ALTER TABLE ${side}_part ADD PARTITION (PARTITION p1 VALUES LESS THAN (100))`,
    ],
    'rebuild a partition': [`ALTER TABLE ${side}_part REBUILD PARTITION p0`],
    'add a column': [`ALTER TABLE ${one} ADD COLUMN extra INT DEFAULT ${n}`],
    'add a column and drop it': [
      `ALTER TABLE ${one} ADD COLUMN extra INT DEFAULT ${n}`,
      `ALTER TABLE ${one} DROP COLUMN extra`,
    ],
    'drop a column': [`ALTER TABLE ${one} DROP COLUMN s`],
    'drop a column and add it': [`ALTER TABLE ${one} DROP COLUMN s`, `ALTER TABLE ${one} ADD COLUMN s VARCHAR(40)`],
    'add an index': [`ALTER TABLE ${one} ADD KEY by_s (s)`],
    rebuild: [`ALTER TABLE ${one} ENGINE=InnoDB`],
    copy: [`ALTER TABLE ${one} FORCE, ALGORITHM=COPY`],
    optimize: [`OPTIMIZE TABLE ${one}`],
    'make a view': [`CREATE OR REPLACE VIEW v_${n % 3} AS SELECT ${n} AS n, id FROM ${one}`],
    'replace the view': [`CREATE OR REPLACE VIEW v_sum AS SELECT SUM(v) + ${n} AS total FROM ${one}`],
    'a view for a while': ['CREATE VIEW v_while AS SELECT 1 AS one', 'DROP VIEW v_while'],
    'drop the view': ['DROP VIEW v_sum'],
    'make a trigger': [`CREATE TRIGGER t_${n} BEFORE INSERT ON ${one} FOR EACH ROW SET NEW.v = NEW.v + ${n % 2}`],
    'replace the trigger': [
      'DROP TRIGGER before_two',
      `CREATE TRIGGER before_two BEFORE UPDATE ON a_two FOR EACH ROW SET NEW.s = 'made ${n}'`,
    ],
    'drop the trigger': ['DROP TRIGGER before_two'],
    'replace the function': ['DROP FUNCTION f_one', `CREATE FUNCTION f_one() RETURNS INT DETERMINISTIC RETURN ${n}`],
    'another function': [`CREATE FUNCTION f_${n}() RETURNS INT DETERMINISTIC RETURN ${n}`],
    'change the event': [`ALTER EVENT e_one DO DELETE FROM ${two}`],
    'drop the event': ['DROP EVENT e_one'],
    'a function for a while': [
      `CREATE FUNCTION f_while() RETURNS INT DETERMINISTIC RETURN ${n}`,
      'DROP FUNCTION f_while',
    ],
    'a trigger for a while': [
      `CREATE TRIGGER t_while BEFORE DELETE ON ${one} FOR EACH ROW SET @n = ${n}`,
      'DROP TRIGGER t_while',
    ],
    'an event for a while': [
      `CREATE EVENT e_while ON SCHEDULE EVERY 1 DAY STARTS '2031-01-01' DISABLE DO DELETE FROM ${two}`,
      'DROP EVENT e_while',
    ],
    ...(product === 'MariaDB'
      ? {
          'next value': ['DO NEXTVAL(q_one)', `INSERT INTO ${one} (v) VALUES (NEXTVAL(q_one))`],
          'change the sequence': ['ALTER SEQUENCE q_one INCREMENT BY 2'],
        }
      : {}),
  };
  const ofRows = ['insert on both sides', 'move from one side to the other', 'update'];
  const name = pick(random, random() < 0.35 ? ofRows : Object.keys(deeds));
  return { name: `${name} (${one})`, statements: deeds[name]! };
}

/** Puts the file of one table into the place of another's, as ALTER TABLE … IMPORT TABLESPACE takes it. */
function importing(from: string, into: string): Action {
  return async (admin, folder) => {
    const file = (name: string) => join(folder, name);
    await admin.query(`FLUSH TABLES ${from} FOR EXPORT`);
    const { uid, gid } = await stat(file(`${from}.ibd`));
    const kept = ['ibd', 'cfg'].map((ending) => ({ ending, path: file(`exported.${ending}`) }));
    for (const { ending, path } of kept) await copyFile(file(`${from}.${ending}`), path);
    await admin.query(`UNLOCK TABLES; ALTER TABLE ${into} DISCARD TABLESPACE`);
    for (const { ending, path } of kept) {
      await copyFile(path, file(`${into}.${ending}`));
      await chown(file(`${into}.${ending}`), uid, gid);
    }
    await admin.query(`ALTER TABLE ${into} IMPORT TABLESPACE`);
    for (const { path } of kept) await rm(path);
  };
}
