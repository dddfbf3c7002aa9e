import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type mysql from 'mysql2/promise';
import { mariadbEngine } from '../../../core/engines/mariadb/index.ts';
import type { PlannedPart } from '../../../core/ports.ts';
import type { Tools } from '../../../core/tools.ts';
import { makePart } from '../../support/parts.ts';
import { connect, limit, loginTo, readAll } from '../../support/mariadb/mariadb.ts';
import { startMariadb } from '../../servers/databases/mariadb.ts';
import { startMysql } from '../../servers/databases/mysql.ts';
import { startLimitMs } from '../../servers/server.ts';
import type { DatabaseServer } from '../../servers/server.ts';
import { layerTools } from '../../support/tools.ts';

/** Small caches, as those of a server with many tables are small for them. */
const settings = { 'table-definition-cache': '400', 'table-open-cache': '10' };
const servers = [
  { name: 'MariaDB 11.8', start: () => startMariadb({ series: '11.8', settings }) },
  { name: 'MariaDB 10.11', start: () => startMariadb({ series: '10.11', settings }) },
  { name: 'MySQL', start: () => startMysql() },
];
const others = Array.from({ length: 800 }, (_, i) => `t${i}`);

describe.each(servers)('$name', ({ name, start }) => {
  let server: DatabaseServer;
  let tools: Tools;
  let admin: mysql.Connection;

  beforeAll(async () => {
    tools = await layerTools();
    server = await start();
    admin = await connect(server);
    await admin.query('CREATE DATABASE others; USE others');
    for (const table of name === 'MySQL' ? [] : others)
      await admin.query(`CREATE TABLE ${table} (i INT) ENGINE=InnoDB`);
    await admin.query('CREATE DATABASE shop; USE shop; CREATE TABLE a_large (id INT PRIMARY KEY, t LONGTEXT)');
    await admin.query(
      `INSERT INTO a_large VALUES ${Array.from({ length: 80 }, (_, i) => `(${i}, repeat('x', 100000))`).join(', ')}`,
    );
  }, startLimitMs);
  beforeEach(() =>
    admin.query(`USE shop; DROP TABLE IF EXISTS \`z-é live\`, z_spare, z_part, z_sold; DROP VIEW IF EXISTS z_view;
    CREATE TABLE \`z-é live\` (id INT PRIMARY KEY, v INT, s VARCHAR(9)); INSERT INTO \`z-é live\` VALUES (1, 1, 'a'), (2, 2, 'b'); CREATE TABLE z_spare LIKE \`z-é live\`;
    CREATE TABLE z_sold (id INT, v INT); INSERT INTO z_sold VALUES (7, 7);
    CREATE TABLE z_part (id INT, v INT) PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN (20)); INSERT INTO z_part VALUES (1, 1), (11, 11)`),
  );
  afterAll(async () => {
    await admin.end();
    await server.stop();
  });

  /** Does something once, while the rows of the first table are passing. */
  function midway(statements: string[]) {
    let done = false;
    return async ({ role }: PlannedPart) => {
      if (role !== 'data' || done) return;
      done = true;
      for (const statement of statements) await admin.query(statement);
    };
  }

  const engine = (more = {}) => mariadbEngine(loginTo(server, 'shop', more), tools);
  const outOfCache =
    name === 'MySQL' ? [] : [...others.map((table) => `SELECT * FROM others.${table}`), 'DO SLEEP(1.2)'];

  test.each([
    ['emptied, and then falls out of the cache', ['TRUNCATE TABLE `z-é live`', ...outOfCache], 'z-é live'],
    [
      'exchanged for another of the same definition',
      ['RENAME TABLE `z-é live` TO z_x, z_spare TO `z-é live`, z_x TO z_spare'],
      'z-é live',
    ],
    [
      'given the rows of another by EXCHANGE PARTITION',
      ['ALTER TABLE z_part EXCHANGE PARTITION p0 WITH TABLE z_sold'],
      'z_part',
    ],
    [
      'stripped of a column that comes back',
      ['ALTER TABLE `z-é live` DROP COLUMN s', 'ALTER TABLE `z-é live` ADD COLUMN s VARCHAR(9)'],
      'z-é live',
    ],
  ])('a table that is %s while the backup runs, is not backed up as what it then was', async (_, statements, table) => {
    await expect(readAll(engine(), midway(statements))).rejects.toMatchObject({
      code: 'source-changed',
      message: expect.stringContaining(table),
    });
  });

  test('what is there while its definitions are dumped, and neither before nor after, is in no backup', async () => {
    const { parts } = await engine().plan({}, limit());
    await admin.query(
      'CREATE VIEW z_view AS SELECT 1 AS one; CREATE TABLE z_x (i INT); CREATE FUNCTION f_x() RETURNS INT ' +
        'DETERMINISTIC RETURN 1',
    );

    const refusals = await Promise.all(
      parts.map((part) =>
        makePart(engine(), part).then(
          () => 'none',
          ({ code }) => code,
        ),
      ),
    );
    await admin.query('DROP VIEW z_view; DROP TABLE z_x; DROP FUNCTION f_x');

    expect(refusals).toEqual(['source-changed', 'source-changed', 'none']);
  });

  test('what was done before the rows’ snapshot, or with a table that has been read, is no reason to refuse', async () => {
    await admin.query('TRUNCATE TABLE z_spare; ALTER TABLE `z-é live` ENGINE=InnoDB');

    const { tables } = await readAll(
      engine(),
      midway(['INSERT INTO `z-é live` VALUES (3, 3, NULL)', 'ANALYZE TABLE `z-é live`']),
    );

    expect(tables.find(({ table }) => table === '`z-é live`')?.rows).toBe(2);
  });

  test('who lacks the right PROCESS is warned, and sees an exchange by its time where the server keeps one', async () => {
    const grants = 'SELECT, SHOW VIEW, TRIGGER, EVENT';
    await admin.query(
      `CREATE USER IF NOT EXISTS plain@'%' IDENTIFIED BY 'pw'; GRANT ${grants} ON shop.* TO plain@'%'; GRANT ` +
        `SELECT ON mysql.* TO plain@'%'`,
    );
    await admin.query(
      name === 'MySQL' ? "GRANT SHOW_ROUTINE ON *.* TO plain@'%'" : "GRANT SELECT ON mysql.proc TO plain@'%'",
    );
    const plain = engine({ user: 'plain', password: 'pw' });
    // MySQL's times go with the tables: two that were made within one second would look alike
    await admin.query('TRUNCATE TABLE z_spare; DO SLEEP(1.1); ALTER TABLE `z-é live` ENGINE=InnoDB');

    const { plan } = await readAll(plain);
    const swapped = readAll(
      plain,
      midway(['RENAME TABLE `z-é live` TO z_x, z_spare TO `z-é live`, z_x TO z_spare']),
    ).then(
      () => 'unseen',
      ({ code }) => code,
    );

    expect(plan.warnings).toContainEqual(expect.stringMatching(/PROCESS.*GRANT PROCESS ON \*\.\* TO `plain`@`%`;/));
    expect(await swapped).toBe('source-changed');
  });
});
