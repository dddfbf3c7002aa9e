import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type mysql from 'mysql2/promise';
import { changedObjects, readCatalog } from '../../../../core/engines/mariadb/catalog/catalog.ts';
import { mariadbEngine } from '../../../../core/engines/mariadb/index.ts';
import { loadRun } from '../../../../core/engines/mariadb/programs.ts';
import { withSession } from '../../../../core/engines/mariadb/session.ts';
import { programInput } from '../../../../core/pipeline/program.ts';
import type { Tools } from '../../../../core/tools.ts';
import { startMariadb } from '../../../servers/databases/mariadb.ts';
import { startMysql } from '../../../servers/databases/mysql.ts';
import { startLimitMs } from '../../../servers/server.ts';
import type { DatabaseServer } from '../../../servers/server.ts';
import { layerTools } from '../../../support/tools.ts';
import { connect, limit, loadAll, loginTo, pieces, readAll } from '../../../support/mariadb/mariadb.ts';

const servers = [
  { name: 'MariaDB 11.8', start: () => startMariadb({ series: '11.8' }) },
  { name: 'MariaDB 10.11', start: () => startMariadb({ series: '10.11' }) },
  { name: 'MySQL', start: () => startMysql() },
];

describe.each(servers)('$name', ({ name, start }) => {
  let server: DatabaseServer;
  let tools: Tools;
  let admin: mysql.Connection;
  const engine = (database: string) => mariadbEngine(loginTo(server, database, { idleLimitMs: 10_000 }), tools);

  beforeAll(async () => {
    tools = await layerTools();
    server = await start();
    admin = await connect(server);
  }, startLimitMs);
  afterAll(async () => {
    await admin.end();
    await server.stop();
  });

  /** What differs after a restore under another name. */
  async function differences(from: string, to: string): Promise<string[]> {
    const copy = await readAll(engine(from));
    await loadAll(engine(to), copy);
    return changedObjects(
      copy.plan.catalog,
      await withSession(loginTo(server, to), limit(), (session) => readCatalog(session, copy.plan.catalog)),
    );
  }

  const definition = async (kind: string, object: string) =>
    Object.values((await admin.query<mysql.RowDataPacket[]>(`SHOW CREATE ${kind} ${object}`))[0][0]!).find((text) =>
      /^CREATE/.test(String(text)),
    );

  test('two semicolons in a row are no end of anything, in whatever they stand', async () => {
    await admin.query(
      `CREATE DATABASE twice; USE twice; CREATE TABLE t (a VARCHAR(20) DEFAULT ';;' COMMENT ';;', CHECK (a <> ` +
        `';;')) COMMENT ';;'`,
    );
    const body = 'BEGIN /* ;; */ SET @a = \';;\', @b = ";;"; -- ;;\n SET @c = 1; # ;;\n SET @d = `a;;b`(); END';
    await admin.query(`CREATE EVENT \`e ;;\` ON SCHEDULE EVERY 1 DAY STARTS '2031-01-01' COMMENT 'it''s ;;\\n;;' DO ${body}; SET sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES';
      CREATE EVENT "other" ON SCHEDULE AT '2035-01-01 00:00:00' ON COMPLETION PRESERVE DISABLE DO INSERT INTO "t" VALUES ('\\\\'); SET sql_mode = DEFAULT; ALTER DATABASE COLLATE latin1_bin;
      CREATE EVENT plain ON SCHEDULE EVERY 1 HOUR STARTS '2031-01-01' DISABLE DO SELECT 1; ALTER DATABASE COLLATE utf8mb4_unicode_ci`);
    await admin.query(`CREATE TRIGGER \`tr;;\` BEFORE INSERT ON t FOR EACH ROW ${body}`);
    await admin.query(
      `CREATE FUNCTION \`a;;b\`() RETURNS INT DETERMINISTIC COMMENT ';;' BEGIN ` +
        `${body.slice(6, -4).replace('SET @d = `a;;b`();', '')} RETURN 1; END`,
    );
    await admin.query(`CREATE PROCEDURE \`p;;\`() COMMENT ';;' ${body}`);
    await admin.query("CREATE VIEW `v;;` AS SELECT ';;' AS `;;`");
    if (name !== 'MySQL')
      await admin.query(
        'SET sql_mode = ORACLE; CREATE PACKAGE pk AS FUNCTION f RETURN INT; END; SET sql_mode = DEFAULT',
      );
    if (name !== 'MySQL')
      await admin.query(
        'SET sql_mode = ORACLE; CREATE PACKAGE BODY pk AS FUNCTION f RETURN INT AS BEGIN /* ;; */ SET @a = ' +
          "';;'; RETURN 1; END; END; SET sql_mode = DEFAULT",
      );

    expect(await differences('twice', 'twice_again')).toEqual([]);

    expect(await definition('EVENT', 'twice_again.`e ;;`')).toContain(body);
    expect(await definition('TRIGGER', 'twice_again.`tr;;`')).toContain(body);
    expect(String(await definition('EVENT', 'twice.other'))).toContain(
      String(await definition('EVENT', 'twice_again.other')),
    );
  });

  test('an event with two semicolons is not left to mariadb-dump, which up to 11.8.6 looks for a delimiter without end', async () => {
    await admin.query(
      "CREATE DATABASE spins; USE spins; CREATE EVENT e ON SCHEDULE EVERY 1 DAY STARTS '2031-01-01' DO BEGIN " +
        "SET @a = ';;'; END",
    );
    const hanging: Tools = {
      ...tools,
      program(name, major) {
        const real = tools.program(name, major);
        return name === 'mariadb-dump'
          ? {
              ...real,
              command: '/bin/sh',
              args: [
                '-c',
                'case "$*" in *--events*) exec sleep 30;; *) exec "$@";; esac',
                'sh',
                real.command,
                ...real.args,
              ],
            }
          : real;
      },
    };

    const { texts } = await readAll(mariadbEngine(loginTo(server, 'spins', { idleLimitMs: 3000 }), hanging));

    expect(texts.get('after.sql')?.toString()).toContain("SET @a = ';;'");
  });

  test('what names its own database is restored under another name, equal, and told where its body would reach back', async () => {
    await admin.query(`CREATE DATABASE own; USE own; CREATE TABLE t (a INT, b INT); CREATE TABLE own (own INT);
      CREATE FUNCTION f(x INT) RETURNS INT DETERMINISTIC RETURN x + 1; CREATE FUNCTION g(x INT) RETURNS INT READS SQL DATA RETURN (SELECT MAX(a) FROM own.t) + x;
      CREATE VIEW own.calls AS SELECT own.f(a) AS x FROM own.t; CREATE VIEW calls_g AS SELECT g(t.a) AS x, own.t.b FROM own.t JOIN own ON t.a = own.own; CREATE VIEW same AS SELECT own.own FROM own;
      CREATE TRIGGER own.tr BEFORE INSERT\n  ON own.t FOR EACH ROW SET NEW.a = f(NEW.a), @text = 'own.t'; CREATE TRIGGER reaches BEFORE UPDATE ON \`own\`.t FOR EACH ROW SET NEW.a = own.f(NEW.a);
      CREATE EVENT own.e ON SCHEDULE EVERY 1 DAY STARTS '2031-01-01' DISABLE DO DELETE FROM own.t; CREATE EVENT quiet ON SCHEDULE EVERY 1 DAY STARTS '2031-01-01' DISABLE DO DELETE FROM t -- own.t
      `);

    expect(await differences('own', 'own_copy')).toEqual([]);

    const { warnings } = await engine('own').plan({}, limit());
    expect(warnings).toContainEqual(
      'restored under another name, these would still reach into database `own`, which they name: function `g`, ' +
        'trigger `reaches`, event `e`',
    );
    expect(
      JSON.stringify((await admin.query('SHOW CREATE VIEW own_copy.calls_g; SHOW CREATE VIEW own_copy.calls'))[0]),
    ).not.toMatch(/`own`\.`(t|f|own)`[. (]/);
  });

  test.each([
    ['latin1', 'é'],
    ['sjis', '漢'],
    ['gbk', '汉'],
    ['cp1251', 'жя'],
    ['utf8mb4', 'é漢'],
  ])('comments, bodies and names that a client of %s has made come back', async (charset, letters) => {
    await admin.query(
      `CREATE DATABASE from_${charset} CHARACTER SET utf8mb4; USE from_${charset}; CREATE TABLE t (a VARCHAR(9))`,
    );
    const [[row]] = await admin.query<mysql.RowDataPacket[]>(`SELECT HEX(CONVERT(? USING ${charset})) AS bytes`, [
      letters,
    ]);
    const written = (statement: string) =>
      Buffer.concat(
        statement
          .split('@@')
          .flatMap((text, i) => [...(i === 0 ? [] : [Buffer.from(row!['bytes'], 'hex')]), Buffer.from(text)]),
      );
    const statements = [
      `SET NAMES ${charset}`,
      "CREATE EVENT e ON SCHEDULE EVERY 1 DAY STARTS '2031-01-01' DISABLE COMMENT 'it''s @@' DO INSERT INTO t " +
        "VALUES ('@@')",
      "CREATE FUNCTION f() RETURNS VARCHAR(9) CHARSET utf8mb4 DETERMINISTIC COMMENT 'it''s\\n\\\\@@' RETURN '@@'",
      "CREATE PROCEDURE p() COMMENT '@@' SELECT '@@'",
      "CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET NEW.a = '@@'",
      "CREATE VIEW v AS SELECT '@@' AS c, a FROM t WHERE a <> '@@'",
      "CREATE TABLE u (`@@` VARCHAR(9) DEFAULT '@@' COMMENT '@@', e ENUM('@@'), CHECK (e <> '@@')) COMMENT '@@'",
    ];
    await programInput(
      loadRun(tools, loginTo(server, `from_${charset}`), 'SET autocommit = 1'),
      pieces(Buffer.concat(statements.map((statement) => written(`${statement};\n`)))),
      limit(),
    );

    expect(await differences(`from_${charset}`, `to_${charset}`)).toEqual([]);

    const [[event]] = await admin.query<mysql.RowDataPacket[]>(
      'SELECT EVENT_COMMENT AS comment, EVENT_DEFINITION AS body FROM information_schema.EVENTS WHERE ' +
        `EVENT_SCHEMA = 'to_${charset}'`,
    );
    const [[routine]] = await admin.query<mysql.RowDataPacket[]>(
      `SELECT ROUTINE_COMMENT AS comment, to_${charset}.f() AS value FROM information_schema.ROUTINES WHERE ` +
        `ROUTINE_SCHEMA = 'to_${charset}' AND ROUTINE_NAME = 'f'`,
    );
    expect(event).toEqual({ comment: `it's ${letters}`, body: `INSERT INTO t VALUES ('${letters}')` });
    expect(routine).toEqual({ comment: `it's\n\\${letters}`, value: letters });
  });
});
