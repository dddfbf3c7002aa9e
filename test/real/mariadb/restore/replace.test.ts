import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import mysql from 'mysql2/promise';
import { backup } from '../../../../core/commands/backup.ts';
import { restore } from '../../../../core/commands/restore/restore.ts';
import type { RestoreOptions, Restored } from '../../../../core/commands/restore/restore.ts';
import { planRestore } from '../../../../core/commands/restore/plan.ts';
import { dropKept, planDrop, planUndo, undo } from '../../../../core/commands/restore/undo.ts';
import type { Manifest } from '../../../../core/contract/manifest/manifest.ts';
import type { RestoreFinding } from '../../../../core/ports.ts';
import { isBackupError } from '../../../../core/domain/errors.ts';
import type { BackupError } from '../../../../core/domain/errors.ts';
import type { SourceName } from '../../../../core/domain/keys.ts';
import { mariadbEngine } from '../../../../core/engines/mariadb/index.ts';
import { parseGrants } from '../../../../core/engines/mariadb/rights/grants.ts';
import { holdClaim } from '../../../../core/engines/mariadb/restore/unfinished.ts';
import { withSession } from '../../../../core/engines/mariadb/session.ts';
import { findObstaclesUnrehearsed } from '../../../../core/engines/mariadb/preflight/unrehearsed.ts';
import type { Login } from '../../../../core/engines/login.ts';
import type { Tools } from '../../../../core/tools.ts';
import { startMariadb } from '../../../servers/databases/mariadb.ts';
import { startMysql } from '../../../servers/databases/mysql.ts';
import { startLimitMs } from '../../../servers/server.ts';
import type { DatabaseServer } from '../../../servers/server.ts';
import { layerTools } from '../../../support/tools.ts';
import { folderScene, limit } from '../../../support/vaults/vault.ts';
import type { FolderScene } from '../../../support/vaults/vault.ts';
import { application } from '../../../support/mariadb/application.ts';
import { connect, loginTo } from '../../../support/mariadb/mariadb.ts';
import { stockDump } from '../../../support/mariadb/stock-dump.ts';

const servers = [
  {
    name: 'MariaDB 10.11',
    start: () => startMariadb({ series: '10.11', settings: { 'log-bin': 'binlog', 'server-id': '1' } }),
  },
  {
    name: 'MariaDB 11.8',
    start: () => startMariadb({ series: '11.8', settings: { 'log-bin': 'binlog', 'server-id': '1' } }),
  },
  { name: 'MySQL', start: () => startMysql({ settings: { 'log-bin': 'binlog' } }) },
];

/** What RDS gives a master user, as far as it matters here: neither SUPER nor the right to act for others. */
const master = `SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, RELOAD, PROCESS, REFERENCES, INDEX, ALTER, SHOW DATABASES, CREATE TEMPORARY TABLES, LOCK TABLES,
  EXECUTE, REPLICATION SLAVE, REPLICATION CLIENT, CREATE VIEW, SHOW VIEW, CREATE ROUTINE, ALTER ROUTINE, CREATE USER, EVENT, TRIGGER`;

type Refused = { message: string; hint: string };

describe.each(servers)(
  'on $name, what would make a replacement fail is found before anything is written',
  ({ name, start }) => {
    let server: DatabaseServer;
    let tools: Tools;
    let scene: FolderScene;
    let admin: mysql.Connection;
    let before: unknown;
    const isMysql = name === 'MySQL';
    const engine = (database: string, more: Partial<Login> = {}) =>
      mariadbEngine(loginTo(server, database, more), tools);

    beforeAll(async () => {
      [server, tools, scene] = [await start(), await layerTools(), await folderScene()];
      admin = await connect(server);
      await admin.query(`CREATE USER master@'%' IDENTIFIED BY 'pw'; GRANT ${master} ON *.* TO master@'%'; CREATE USER other@'%' IDENTIFIED BY 'pw'; GRANT SELECT ON *.* TO other@'%';
      CREATE USER narrow@'%' IDENTIFIED BY 'pw'; GRANT ALL ON live.* TO narrow@'%'; ${isMysql ? "GRANT SHOW_ROUTINE ON *.* TO master@'%'" : "GRANT SELECT ON mysql.* TO master@'%'"};
      CREATE USER fits@'%' IDENTIFIED BY 'pw'; GRANT ALL ON live.* TO fits@'%'; GRANT ALL ON \`live\\_%\`.* TO fits@'%'; ${name === 'MariaDB 11.8' ? "REVOKE SHOW CREATE ROUTINE ON live.* FROM fits@'%';" : ''} GRANT ${isMysql ? 'SHOW_ROUTINE ON *.*' : 'SELECT ON mysql.*'} TO narrow@'%'; CREATE DATABASE live; USE live; CREATE TABLE precious (id int PRIMARY KEY, t text); CREATE TABLE more (id int PRIMARY KEY) ENGINE=MyISAM`);
      await admin.query("INSERT INTO precious VALUES (1, 'all that there is'), (2, repeat('x', 1000))");
      await admin.query('INSERT INTO more VALUES (1), (2), (3)');
      before = await checksums();
    }, startLimitMs);

    beforeEach(() =>
      admin.query(
        'DROP DATABASE IF EXISTS shop; CREATE DATABASE shop; USE shop; CREATE TABLE t (id int PRIMARY KEY, t ' +
          'varchar(20)); INSERT INTO t VALUES (1, "a"), (2, "b")',
      ),
    );

    afterAll(async () => {
      await admin.end();
      await server.stop();
      await scene.remove();
    });

    async function checksums(): Promise<unknown> {
      return (await admin.query('CHECKSUM TABLE live.precious, live.more EXTENDED'))[0];
    }

    function taken(): Promise<Manifest> {
      return backup(
        {
          name: 'shop' as SourceName,
          engine: engine('shop'),
          timeZone: 'UTC',
          retention: { count: 1 },
          compressionLevel: 1,
          parallel: 2,
        },
        scene.deps(),
        limit(),
      );
    }

    let plain: Promise<Manifest> | undefined;

    /** Of the database as it is made for each test, for those that add nothing to it: made once. */
    const takenPlain = (): Promise<Manifest> => (plain ??= taken());

    function replacing(
      manifest: Manifest,
      user = 'master',
      database = 'live',
      options: Partial<RestoreOptions> = {},
    ): Promise<Restored> {
      const into = user === 'root' ? engine(database) : engine(database, { user, password: 'pw' });
      return restore(
        manifest,
        into,
        { replace: true, owners: true, proof: true, ...options },
        { ...scene.deps(), parallel: 2 },
        limit(),
      );
    }

    /** What a plan says, which writes nothing. */
    async function findingsFor(
      manifest: Manifest,
      user = 'master',
      options: Partial<RestoreOptions> = {},
    ): Promise<RestoreFinding[]> {
      const into = user === 'root' ? engine('live') : engine('live', { user, password: 'pw' });
      const asked = { replace: true, owners: true, proof: true, foresee: true, ...options };
      const { target, findings } = await planRestore(manifest, into, asked, scene.deps(), limit());
      await target.close();
      return findings;
    }

    /**
     * Refused, with everything as it was; then, with what the hint says done by an administrator, the same restore into a
     * copy of the place succeeds.
     */
    async function refused(manifest: Manifest, user?: string, options: Partial<RestoreOptions> = {}): Promise<Refused> {
      const foreseen = await findingsFor(manifest, user, options);
      const error = await replacing(manifest, user, 'live', options).then(
        () => new Error('it was replaced'),
        (caught: unknown) => caught,
      );
      const { message, hint = '' } = error as BackupError;
      // no row is measured before the backup is read
      const isShownLater = /max_allowed_packet/.test(message);
      expect(foreseen.some(({ weight }) => weight !== 'note')).toBe(!isShownLater);
      const [leftovers] = await admin.query<mysql.RowDataPacket[]>("SHOW DATABASES LIKE '%check%'");

      expect({ message, ours: isBackupError(error), leftovers, checksums: await checksums() }).toEqual({
        message: expect.stringMatching(/^live is as it was, |; database live is as it was$/),
        ours: true,
        leftovers: [],
        checksums: before,
      });
      return { message, hint };
    }

    /** What an administrator can run of a hint. */
    async function mend(hint: string): Promise<void> {
      for (const [statement] of hint.matchAll(/(?:GRANT|SET GLOBAL|INSTALL SONAME) [^;]*;/g))
        await admin.query(statement);
    }

    test('objects of others, and then the binary log, each with what mends it', async () => {
      for (const object of [
        'VIEW v AS SELECT id FROM t',
        'FUNCTION f() RETURNS int DETERMINISTIC RETURN 1',
        "TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET NEW.t = 'x'",
        'EVENT e ON SCHEDULE EVERY 1 DAY DO SET @x = 1',
      ]) {
        await admin.query(`CREATE DEFINER = other@'%' ${object}`);
      }
      const manifest = await taken();

      const first = await refused(manifest);
      await mend(first.hint);
      await admin.query('CREATE DATABASE fit; CREATE TABLE fit.t (i int)');
      const { proof } = await replacing(manifest, 'master', 'fit');
      await admin.query(
        'DROP DATABASE fit; SET GLOBAL log_bin_trust_function_creators = 0; REVOKE ' +
          `${isMysql ? 'SET_ANY_DEFINER, ALLOW_NONEXISTENT_DEFINER' : 'SET USER'} ON *.* FROM master@'%'`,
      );

      expect(first.message).toMatch(/1227.*view `v`/);
      expect(first.message).toMatch(/1419.*(function `f`|trigger `tr`)/);
      expect(first.hint).toMatch(/GRANT SET.USER|GRANT SET_ANY_DEFINER/);
      expect(first.hint).toContain('SET GLOBAL log_bin_trust_function_creators = 1;');
      expect(proof?.differences).toEqual([]);
    });

    test('a foreign key of another database, which would follow the old table', async () => {
      const manifest = await takenPlain();
      await admin.query(
        'CREATE DATABASE others; CREATE TABLE others.refs (id int, CONSTRAINT `to live` FOREIGN KEY (id) ' +
          'REFERENCES live.precious (id))',
      );

      const { message, hint } = await refused(manifest, 'root');
      await admin.query('DROP DATABASE others');

      expect(message).toContain('`others`.`refs`');
      expect(hint).toContain('ALTER TABLE `others`.`refs` DROP FOREIGN KEY `to live`;');
    });

    test('both where the user may make no database beside it, and what to grant', async () => {
      await admin.query("CREATE DEFINER = other@'%' FUNCTION f() RETURNS int DETERMINISTIC RETURN 1");

      const { message, hint } = await refused(await taken(), 'narrow');

      expect(message).toMatch(/^the user lacks CREATE, .* on `live_new_/);
      expect(message).toMatch(/lacks .* on the databases that a replacement makes beside it/);
      expect(message).toMatch(/1227.*function f \(other@%\)/);
      expect(message).toMatch(/1419/);
      expect(hint).toContain('GRANT ALL PRIVILEGES ON `live\\_%`.* TO `narrow`@`%`;');
      expect(hint).toMatch(/GRANT SET.*TO `narrow`@`%`.*log_bin_trust_function_creators/);
    });

    test('there, too: what the text of the definitions asks for', async () => {
      await admin.query(`CREATE DATABASE beside; CREATE TABLE beside.o (id int); CREATE VIEW reaching AS SELECT t.id, o.id AS other FROM t JOIN beside.o ON o.id = t.id; CREATE TABLE keyless (i int, o int);
      CREATE TABLE aged (id int PRIMARY KEY, c varchar(9) COMMENT 'ENGINE=ARCHIVE COLLATE=none') ENGINE=MyISAM; CREATE VIEW own AS SELECT i FROM keyless`);
      const manifest = await taken();
      await admin.query(
        isMysql ? 'SET GLOBAL sql_require_primary_key = ON' : "SET GLOBAL enforce_storage_engine = 'InnoDB'",
      );

      const { message, hint } = await refused(manifest, 'narrow').finally(() =>
        admin.query(
          'DROP DATABASE beside; SET GLOBAL ' +
            `${isMysql ? 'sql_require_primary_key = OFF' : 'enforce_storage_engine = NULL'}`,
        ),
      );

      expect(message).toMatch(/ERROR 1142: the user may not read `beside`\.`o`: view `reaching`(;|$)/);
      expect(message).toMatch(
        isMysql ? /3750.*: table `keyless`(;|$)/ : /no tables of the storage engine MYISAM: table `aged`(;|$)/,
      );
      expect(hint).toContain('GRANT SELECT, SHOW VIEW ON `beside`.`o` TO `narrow`@`%`;');
      expect(message).not.toMatch(/1146|ARCHIVE|collation/);
    });

    test('a collation that this server lacks, and a table of another database that is gone', async () => {
      const needs = {
        engines: new Map([['INNODB', ['table `a`']]]),
        collations: new Map([
          ['utf8mb4_bin', ['table `a`']],
          ['klingon_ci', ['table `b`']],
        ]),
        keyless: [],
        read: new Map([['`gone``o`.`t`', ['view `v`']]]),
      };

      const found = await withSession(loginTo(server, 'shop'), limit(), (session) =>
        findObstaclesUnrehearsed(
          session,
          { catalog: {}, owners: true, needs },
          parseGrants(['GRANT ALL PRIVILEGES ON *.* TO `root`@`%`']),
          { server: session.server, user: 'root@%', database: 'live' },
        ),
      );

      expect(found.map(({ what }) => what)).toEqual([
        'ERROR 1273: this server has no collation klingon_ci: table `b`',
        'ERROR 1146: there is no `gone``o`.`t`: view `v`',
      ]);
    });

    test('that the definitions could not be tried is said, and the restore goes on', async () => {
      const manifest = await takenPlain();
      const warnings: string[] = [];
      const report = (event: { type: string; message?: string }) =>
        void (event.type === 'warning' && warnings.push(event.message!));
      await admin.query(
        "GRANT ALL ON fit.* TO narrow@'%'; GRANT ALL ON `fit\\_%`.* TO narrow@'%'; CREATE DATABASE fit; CREATE TABLE fit.t (i int)",
      );

      const { proof } = await restore(
        manifest,
        engine('fit', { user: 'narrow', password: 'pw' }),
        { replace: true, owners: false, proof: true },
        { ...scene.deps(), report, parallel: 1 },
        limit(),
      );
      await admin.query('DROP DATABASE fit');

      expect(warnings).toEqual([
        expect.stringMatching(/^the definitions could not be tried before the rows are loaded: .*denied/),
      ]);
      expect(proof?.differences).toEqual([]);
    });

    test('rights that the user lacks', async () => {
      await admin.query(
        "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO SET @x = 1; CREATE USER lacking@'%' IDENTIFIED BY 'pw'; GRANT " +
          "SELECT, SHOW VIEW, TRIGGER, CREATE, DROP ON live.* TO lacking@'%'",
      );
      await admin.query(`GRANT ${isMysql ? 'SHOW_ROUTINE ON *.*' : 'SELECT ON mysql.*'} TO lacking@'%'`);

      const { message, hint } = await refused(await taken(), 'lacking');

      expect(message).toMatch(/lacks INSERT, .*EVENT/);
      expect(hint).toMatch(/GRANT INSERT, .* ON `live`\.\* TO `lacking`@`%`;/);
    });

    test('rights that only the proof takes', async () => {
      const { message, hint } = await refused(await takenPlain(), 'fits');

      expect(message).toMatch(
        /^the user lacks (SHOW_ROUTINE on \*\.\*|SHOW CREATE ROUTINE on `live`\.\*|SELECT on `mysql`\.`proc`), which the proof takes; database live is as it was$/,
      );
      expect(hint).toMatch(/^GRANT .* TO `fits`@`%`;$/);
    });

    test('a new database that the user may not make', async () => {
      const error = await replacing(await takenPlain(), 'narrow', 'fresh').catch((caught: unknown) => caught);

      expect(error).toMatchObject({
        code: 'privilege-missing',
        hint: expect.stringMatching(/^GRANT CREATE, DROP, SELECT, INSERT, .* ON `fresh`\.\* TO `narrow`@`%`;/),
      });
    });

    test('a right that is asked for behind the first one', async () => {
      await admin.query(`CREATE DATABASE beside; CREATE TABLE beside.o (id int); CREATE ${isMysql ? 'FUNCTION f() RETURNS int DETERMINISTIC RETURN 1' : 'VIEW reaching AS SELECT id FROM beside.o'}; CREATE USER step@'%' IDENTIFIED BY 'pw';
      GRANT ALL ON fresh.* TO step@'%'; GRANT ${isMysql ? 'SET_ANY_DEFINER, ALLOW_NONEXISTENT_DEFINER, SHOW_ROUTINE' : 'SET USER'} ON *.* TO step@'%'${isMysql ? '' : "; GRANT SELECT ON mysql.proc TO step@'%'"}`);

      const error = await replacing(await taken(), 'step', 'fresh').catch((caught: unknown) => caught);
      await admin.query('DROP DATABASE beside');

      const hint = isMysql
        ? /^GRANT SYSTEM_USER ON \*\.\* TO `step`@`%`; or restore without owners/
        : /^GRANT SELECT, SHOW VIEW ON `beside`\.`o` TO `step`@`%`;$/;
      expect(error).toMatchObject({ code: 'privilege-missing', hint: expect.stringMatching(hint) });
    });

    test('what a view reads or calls in another database: each right, of the right object', async () => {
      const columns = Array.from({ length: 60 }, (_, i) => `o.id AS a_long_name_of_a_column_${i}`).join(', ');
      await admin.query(`CREATE DATABASE beside; CREATE TABLE beside.o (id int); CREATE FUNCTION beside.f() RETURNS int DETERMINISTIC RETURN 1; CREATE VIEW reaching AS SELECT ${columns} FROM beside.o;
      CREATE USER apart@'%' IDENTIFIED BY 'pw'; GRANT ALL ON fresh.* TO apart@'%'; GRANT ${isMysql ? 'SET_ANY_DEFINER, ALLOW_NONEXISTENT_DEFINER, SYSTEM_USER, SHOW_ROUTINE' : 'SET USER'} ON *.* TO apart@'%'${isMysql ? '' : "; GRANT SELECT ON mysql.proc TO apart@'%'"}`);
      const reading = await replacing(await taken(), 'apart', 'fresh').catch((caught: unknown) => caught);
      await mend((reading as BackupError).hint ?? '');
      await admin.query('CREATE VIEW calling AS SELECT beside.f() AS f');
      const calling = await replacing(await taken(), 'apart', 'fresh').catch((caught: unknown) => caught);
      await mend((calling as BackupError).hint ?? '');

      const { proof } = await replacing(await taken(), 'apart', 'fresh');
      await admin.query('DROP DATABASE beside; DROP DATABASE fresh');

      expect(reading).toMatchObject({
        code: 'privilege-missing',
        hint: 'GRANT SELECT, SHOW VIEW ON `beside`.`o` TO `apart`@`%`;',
      });
      expect(calling).toMatchObject({
        code: 'privilege-missing',
        hint: 'GRANT EXECUTE ON FUNCTION `beside`.`f` TO `apart`@`%`;',
      });
      expect(proof?.differences).toEqual([]);
    });

    test('definers who have rights on the database alone: it is replaced, and a copy asks for the rights that they lack there', async () => {
      await admin.query(
        `CREATE USER app@'%' IDENTIFIED BY 'pw'; GRANT ALL ON live.* TO app@'%'; GRANT ALL ON shop.* TO app@'%'; ` +
          'CREATE DATABASE fit; CREATE TABLE fit.t (i int)',
      );
      for (const object of [
        'FUNCTION fn(a int) RETURNS int DETERMINISTIC RETURN a + 1',
        'VIEW base AS SELECT id FROM t',
        'VIEW called AS SELECT fn(id) AS x FROM base',
        'SQL SECURITY INVOKER VIEW invoked AS SELECT fn(id) AS x FROM t',
        'VIEW above AS SELECT x FROM called',
      ]) {
        await admin.query(`CREATE DEFINER = app@'%' ${object}`);
      }
      await admin.query('CREATE VIEW mine AS SELECT x FROM above');
      const manifest = await taken();

      const copying = () => replacing(manifest, 'root', 'fresh').catch((caught: unknown) => caught as BackupError);
      const [refusedThere, copy] = [
        await replacing(manifest, 'root', 'fit').catch((caught: unknown) => caught as BackupError),
        await copying(),
      ];
      await mend((copy as BackupError).hint ?? '');
      const [copied, { proof }] = [await copying(), await replacing(manifest, 'root', 'shop')];
      const hint = (refusedThere as BackupError).hint ?? '';
      await mend(hint);
      const there = await replacing(manifest, 'root', 'fit');
      const [rows] = await admin.query('SELECT x FROM shop.mine ORDER BY x');
      await admin.query("DROP DATABASE fit; DROP DATABASE IF EXISTS fresh; DROP USER app@'%'");

      expect(copy).toMatchObject({
        code: 'restore-failed',
        hint: 'GRANT SELECT, EXECUTE ON `fresh`.* TO `app`@`%`; or restore without owners: --no-owner',
      });
      expect(copied).toMatchObject({ proof: { differences: [] } });
      expect({ proof, rows }).toMatchObject({
        proof: { differences: [] },
        rows: [{ x: expect.anything() }, { x: expect.anything() }],
      });
      expect((refusedThere as BackupError).message).toMatch(
        /its definer app@% lacks SELECT on `fit`\.`t`: view `base`.*; database fit is as it was$/,
      );
      expect(hint).toBe('GRANT SELECT, EXECUTE ON `fit`.* TO `app`@`%`; or restore without owners: --no-owner');
      expect(there.proof?.differences).toEqual([]);
    });

    test('rights of definers on one table and one function are enough, and what may not be asked counts as none', async () => {
      await admin.query(
        "CREATE USER app@'%' IDENTIFIED BY 'pw'; CREATE USER blind@'%' IDENTIFIED BY 'pw'; SET GLOBAL " +
          "log_bin_trust_function_creators = 1; CREATE DEFINER = app@'%' FUNCTION fn(a int) RETURNS int " +
          'DETERMINISTIC RETURN a + 1',
      );
      await admin.query(
        `GRANT SELECT ON shop.t TO app@'%'; GRANT EXECUTE ON FUNCTION shop.fn TO app@'%'; GRANT ALL ON ` +
          `\`shop%\`.* TO blind@'%'; GRANT ` +
          `${isMysql ? 'SET_ANY_DEFINER, ALLOW_NONEXISTENT_DEFINER, SHOW_ROUTINE' : 'SET USER'} ON *.* TO blind@'%'`,
      );
      if (!isMysql) await admin.query("GRANT SELECT ON mysql.proc TO blind@'%'");
      await admin.query("CREATE DEFINER = app@'%' VIEW called AS SELECT fn(id) AS x FROM t");
      const manifest = await taken();

      const { message, hint } = (await replacing(manifest, 'blind', 'shop').then(
        () => new Error('it was replaced'),
        (caught: unknown) => caught,
      )) as BackupError;
      const { proof } = await replacing(manifest, 'root', 'shop');
      await mend(hint ?? '');
      const again = await replacing(manifest, 'blind', 'shop');
      await admin.query("DROP USER app@'%'; DROP USER blind@'%'; SET GLOBAL log_bin_trust_function_creators = 0");

      expect(message).toMatch(
        /whether its definer app@% has .* may not be asked .*: view `called`; database shop is as it was$/,
      );
      expect(hint).toBe(
        'GRANT SELECT, EXECUTE ON `shop\\_%`.* TO `app`@`%`; GRANT SELECT, EXECUTE ON `shop`.* TO `app`@`%`; or ' +
          'restore without owners: --no-owner',
      );
      expect([proof, again.proof].map((one) => one?.differences)).toEqual([[], []]);
    });

    test('a row that is longer as a statement than this server takes at once', async () => {
      await admin.query('CREATE TABLE blobs (id int PRIMARY KEY, b mediumblob, l text CHARACTER SET latin1)');
      // in a dump each NUL takes two bytes, and beside a latin1 column each byte two digits
      await admin.query("INSERT INTO blobs VALUES (1, repeat(char(0), 700000), 'x')");
      const manifest = await taken();
      await admin.query('SET GLOBAL max_allowed_packet = 1048576');

      const { message, hint } = await refused(manifest);
      await mend(hint);
      await admin.query('CREATE DATABASE fit; CREATE TABLE fit.t (i int)');
      const { proof } = await replacing(manifest, 'master', 'fit');
      await admin.query('DROP DATABASE fit; SET GLOBAL max_allowed_packet = 67108864');

      expect(message).toContain('max_allowed_packet');
      expect(proof?.differences).toEqual([]);
    });

    // MariaDB lets everybody ask for that
    if (isMysql)
      test('a table that this server makes only where it is not strict', async () => {
        const columns = Array.from({ length: 197 }, (_, i) => `c${i} varchar(60) CHARACTER SET latin1`).join(', ');
        await admin.query(
          `SET SESSION innodb_strict_mode = OFF; CREATE TABLE wide (${columns}) ROW_FORMAT=COMPACT; SET SESSION ` +
            'innodb_strict_mode = ON',
        );

        const { message, hint } = await refused(await taken());

        expect(message).toMatch(/1118.*table `wide`/);
        expect(hint).toContain('SET GLOBAL innodb_strict_mode = OFF');
      });

    test('a server that may not be written to', async () => {
      await admin.query(`SET GLOBAL ${isMysql ? 'super_read_only' : 'read_only'} = ON`);

      const { message, hint } = await refused(await taken()).finally(() =>
        admin.query(`SET GLOBAL ${isMysql ? 'super_' : ''}read_only = OFF; SET GLOBAL read_only = OFF`),
      );

      expect(message).toContain('may not be written to');
      expect(hint).toContain('SET GLOBAL');
    });

    if (isMysql)
      test('a server that demands primary keys, or adds them', async () => {
        await admin.query('CREATE TABLE keyless (i int)');
        const manifest = await taken();
        await admin.query('SET GLOBAL sql_require_primary_key = ON');
        const demanded = await refused(manifest).finally(() => admin.query('SET GLOBAL sql_require_primary_key = OFF'));
        await admin.query('SET GLOBAL sql_generate_invisible_primary_key = ON');
        const added = await refused(manifest).finally(() =>
          admin.query('SET GLOBAL sql_generate_invisible_primary_key = OFF'),
        );

        expect(demanded).toMatchObject({
          message: expect.stringMatching(/3750.*table `keyless`/),
          hint: expect.stringContaining('SET GLOBAL sql_require_primary_key = OFF;'),
        });
        expect(added).toMatchObject({
          message: expect.stringMatching(/^this server adds a primary key .*invisible_primary_key\)/),
          hint: expect.stringContaining('SET GLOBAL sql_generate_invisible_primary_key = OFF;'),
        });
      });

    test('going on after a failure replaces nothing: the part that could be made stays beside it', async () => {
      await admin.query(
        'CREATE DATABASE beside; CREATE TABLE beside.o (id int); CREATE VIEW reaching AS SELECT id FROM beside.o',
      );
      const manifest = await taken();
      await admin.query('DROP TABLE beside.o');

      const { failures, notReplaced, database, notes } = await replacing(manifest, 'root', 'live', { keepGoing: true });
      const planned = await planRestore(
        manifest,
        engine('live'),
        { replace: true, owners: true, proof: true, foresee: true },
        scene.deps(),
        limit(),
      );
      await planned.target.close();
      const [rows] = await admin.query<mysql.RowDataPacket[]>(`SELECT id FROM \`${database}\`.t ORDER BY id`);
      await admin.query(`DROP DATABASE \`${database}\`; DROP DATABASE beside`);

      expect({ failures, notReplaced, rows: rows.length }).toMatchObject({
        failures: [{ object: 'view `reaching`', error: expect.stringContaining('1146') }],
        notReplaced: 'live',
        rows: 2,
      });
      expect(notes).toContainEqual(expect.stringContaining(`database ${database} lasts until the next --replace`));
      expect(planned.steps).toContainEqual(expect.stringMatching(`drop database ${database}, .* could not be proven`));
      expect(await checksums()).toEqual(before);
    });

    /** What of it a further dump of the same database need not print alike: MySQL writes more of a column, and ends. */
    const flat = (dump: string) => dump.replace(/ CHARACTER SET \w+/g, '').replace(/;? *$/gm, '');

    test('in place is a swap: a writer loses nothing, --undo brings all back, and again, as the stock mariadb-dump prints it', async () => {
      await admin.query(
        "DROP DATABASE shop; CREATE DATABASE shop CHARACTER SET utf8mb4 COLLATE utf8mb4_bin; USE shop; CREATE USER IF NOT EXISTS app@'%'; GRANT ALL ON shop.* TO app@'%'; SET GLOBAL log_bin_trust_function_creators = 1",
      );
      await admin.query(`CREATE TABLE p (id int PRIMARY KEY, t varchar(20), CONSTRAINT chk CHECK (id > 0)); CREATE TABLE log (n int AUTO_INCREMENT PRIMARY KEY, what varchar(50));
      CREATE TABLE k (id int PRIMARY KEY, pid int, CONSTRAINT fk FOREIGN KEY (pid) REFERENCES p (id)); CREATE TABLE old_engine (i int) ENGINE=MyISAM; CREATE TABLE writes (n int PRIMARY KEY);
      CREATE TABLE parts (i int PRIMARY KEY) PARTITION BY HASH (i) PARTITIONS 3; CREATE TABLE ft (id int PRIMARY KEY, b text, FULLTEXT (b)); INSERT INTO p VALUES (1, 'a'), (2, 'b');
      INSERT INTO k VALUES (1, 1), (2, 2); INSERT INTO old_engine VALUES (1); INSERT INTO parts VALUES (1), (2), (3); INSERT INTO ft VALUES (1, 'hello world')`);
      if (!isMysql)
        await admin.query(
          'CREATE SEQUENCE s; CREATE TABLE ts (id bigint DEFAULT nextval(s) PRIMARY KEY, x int); INSERT INTO ts (x) VALUES (1), (2); CREATE TABLE ver (i int PRIMARY KEY) WITH SYSTEM VERSIONING; INSERT INTO ver VALUES (1)',
        );
      for (const object of [
        'FUNCTION f(a int) RETURNS int DETERMINISTIC RETURN a + 1',
        'VIEW base AS SELECT id, t FROM p',
        'VIEW above AS SELECT f(id) AS x FROM base',
        "TRIGGER b1 AFTER INSERT ON p FOR EACH ROW INSERT INTO log (what) VALUES (concat('b1 ', NEW.id))",
        "TRIGGER a0 AFTER INSERT ON p FOR EACH ROW INSERT INTO shop.log (what) VALUES ('a0')",
        "EVENT e ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01 00:00:00' DO INSERT INTO log (what) VALUES ('e')",
      ])
        await admin.query(`CREATE DEFINER = app@'%' ${object}`);
      await admin.query(
        "CREATE VIEW mine AS SELECT * FROM above; CREATE PROCEDURE `prö`() COMMENT 'it''s ü' SELECT 'ü'; CREATE VIEW `vü` AS SELECT 'ü' AS `ö`; CREATE TRIGGER `trü` BEFORE INSERT ON old_engine FOR EACH ROW SET @ü = 'ü'",
      );
      await admin.query("SET NAMES latin1; SET sql_mode = 'ANSI_QUOTES'");
      await admin.query(`CREATE PROCEDURE quoted() SELECT 'ü' AS "x"`);
      await admin.query('SET NAMES utf8mb4; SET sql_mode = DEFAULT');
      const dump = async () => await stockDump(tools, server, 'shop', ['writes']);
      const original = await dump();
      const manifest = await taken();
      await admin.query(`INSERT INTO p VALUES (3, 'new'); DROP VIEW mine; CREATE VIEW mine AS SELECT 1 AS other; CREATE VIEW extra AS SELECT id FROM p; DROP TABLE ft; CREATE VIEW ft AS SELECT 5 AS five;
      CREATE TABLE added (i int PRIMARY KEY); DROP PROCEDURE \`prö\`; CREATE PROCEDURE \`prö\`() SELECT 'öther'; DROP TRIGGER \`trü\`; DROP VIEW \`vü\`; DROP TRIGGER b1; CREATE TRIGGER c9 BEFORE UPDATE ON k FOR EACH ROW SET @x = 1;
      ALTER EVENT e ON SCHEDULE EVERY 2 DAY; ALTER DATABASE shop COLLATE utf8mb4_general_ci`);
      const changed = await dump();

      const app = await application(server, 'shop');
      await app.atLeast(1);
      const { proof } = await replacing(manifest, 'root', 'shop', { events: true });
      await app.atLeast(3);
      await app.stop();
      const restored = await dump();
      const plan = await planUndo(engine('shop'), 'shop', limit());
      const [old, fresh] = [await numbersIn(plan.kept[0].name), await numbersIn('shop')];
      const undone = await undo(engine('shop'), plan, limit());
      const back = await dump();
      await undo(engine('shop'), await planUndo(engine('shop'), 'shop', limit()), limit());

      expect(proof?.differences).toEqual([]);
      expect(flat(restored)).toBe(flat(original));
      // a write that was refused may have been done all the same
      const told = (all: readonly number[]) => all.filter((n) => app.written.includes(n));
      expect([...told(old), ...told(fresh)]).toEqual(app.written);
      expect([undone, flat(back)]).toEqual([`shop_undone_${manifest.id}`, flat(changed)]);
      expect(await dump()).toBe(restored);
      await dropKept(engine('shop'), await planDrop(engine('shop'), 'shop', limit()), limit());
      expect((await admin.query("SHOW DATABASES LIKE 'shop%'"))[0]).toHaveLength(1);
      await admin.query('SET GLOBAL log_bin_trust_function_creators = 0');
    });

    const routineRights = async () => {
      const [rows] = await admin.query<mysql.RowDataPacket[]>("SHOW GRANTS FOR runs@'%'");
      return rows.map((row) => String(Object.values(row)[0])).filter((one) => /FUNCTION|PROCEDURE/.test(one));
    };

    test('rights on single functions and procedures are there again behind a replacement, and behind --undo', async () => {
      const f = (result: number) => `CREATE FUNCTION f() RETURNS int DETERMINISTIC RETURN ${result};`;
      await admin.query(
        `CREATE USER runs@'%' IDENTIFIED BY 'pw'; SET GLOBAL log_bin_trust_function_creators = 1; ${f(1)}`,
      );
      const manifest = await taken();
      await admin.query(
        `DROP FUNCTION f; ${f(2)} CREATE PROCEDURE \`spät\`() SELECT 1; GRANT EXECUTE ON FUNCTION shop.f TO runs@'%' ` +
          "WITH GRANT OPTION; GRANT EXECUTE, ALTER ROUTINE ON PROCEDURE shop.`spät` TO runs@'%'",
      );
      await admin.query(
        "CREATE FUNCTION live.g() RETURNS int DETERMINISTIC RETURN 1; GRANT EXECUTE ON FUNCTION live.g TO runs@'%'",
      );
      const noted = await findingsFor(manifest, isMysql ? 'narrow' : 'master');
      await admin.query('DROP FUNCTION live.g');
      const given = await routineRights();

      await replacing(manifest, 'root', 'shop');
      const replaced = await routineRights();
      await undo(engine('shop'), await planUndo(engine('shop'), 'shop', limit()), limit());
      const undone = await routineRights();
      await dropKept(engine('shop'), await planDrop(engine('shop'), 'shop', limit()), limit());
      await admin.query("DROP USER runs@'%'; SET GLOBAL log_bin_trust_function_creators = 0");

      expect(given).toHaveLength(2);
      expect(replaced).toEqual(given.filter((one) => one.includes('FUNCTION')));
      expect(undone.sort()).toEqual(given.sort());
      expect(noted).toContainEqual({
        weight: 'note',
        what: expect.stringMatching(/^rights (that were given )?on single routines/),
        remedy: isMysql
          ? 'GRANT SELECT ON `mysql`.`procs_priv` TO `narrow`@`%`;'
          : 'afterwards: GRANT EXECUTE ON FUNCTION `live`.`g` TO `runs`@`%`;',
      });
    });

    if (name !== 'MariaDB 10.11')
      test('taken back behind an open transaction, it waits for nothing that is as it was, and says whose time passed', async () => {
        await admin.query(
          'CREATE TABLE busy (id int PRIMARY KEY); CREATE TRIGGER stays BEFORE INSERT ON busy FOR EACH ROW SET @x = 1; ' +
            'CREATE EVENT once ON SCHEDULE AT CURRENT_TIMESTAMP + INTERVAL 1 HOUR DISABLE DO SET @x = 1',
        );
        const manifest = await taken();
        await admin.query(
          'ALTER EVENT once ON SCHEDULE AT CURRENT_TIMESTAMP + INTERVAL 1 SECOND DISABLE; ' +
            "SET GLOBAL log_output = 'TABLE'; SET GLOBAL general_log = ON",
        );
        const open = await connect(server);
        await open.query('START TRANSACTION; SELECT * FROM shop.busy');

        const error = await replacing(manifest, 'root', 'shop').catch((caught: unknown) => caught);
        await open.end();
        await admin.query('SET GLOBAL general_log = OFF');
        const [log] = await admin.query<mysql.RowDataPacket[]>(
          'SELECT CONVERT(argument USING utf8mb4) AS sql_text FROM mysql.general_log ORDER BY event_time',
        );
        const said = log.map((row) => String(row['sql_text']));
        const behind = said.slice(said.findLastIndex((one) => one.startsWith('DROP TRIGGER IF EXISTS `shop`.`stays`')));

        expect(behind.filter((one) => /^(ALTER DATABASE|CREATE .*TRIGGER)/.test(one))).toEqual([]);
        expect(error).toMatchObject({
          code: 'lock-timeout',
          message: expect.stringMatching(/event once.*its time has passed/),
        });
        expect((await admin.query('SHOW TRIGGERS FROM shop'))[0]).toMatchObject([{ Trigger: 'stays' }]);
        expect((await admin.query("SHOW TABLES FROM shop LIKE 'nightjar%'"))[0]).toEqual([]);
        await admin.query('TRUNCATE mysql.general_log');
      });

    async function numbersIn(database: string): Promise<number[]> {
      const [rows] = await admin.query<mysql.RowDataPacket[]>(`SELECT n FROM \`${database}\`.writes ORDER BY n`);
      return rows.map(({ n }) => Number(n));
    }

    test('and what nothing stands against replaces the database, though a rehearsal was killed before, and one is at work', async () => {
      const [killed, atWork] = ['shop_20200101_000000_check', 'shop_20200102_000000_check'];
      await admin.query('CREATE DATABASE fit; CREATE TABLE fit.t (i int)');
      for (const name of [killed, atWork])
        await admin.query(`CREATE DATABASE ${name}; CREATE TABLE ${name}.nightjar_rehearsal (i int)`);
      const holder = await holdClaim(loginTo(server, atWork!), atWork!, 0, limit());

      const { proof } = await replacing(await takenPlain(), 'master', 'fit');
      const [databases] = await admin.query<mysql.RowDataPacket[]>("SHOW DATABASES LIKE '%check%'");
      await holder!.close();
      await admin.query(`DROP DATABASE fit; DROP DATABASE ${atWork}`);

      expect(proof?.differences).toEqual([]);
      expect(databases.flatMap((row) => Object.values(row))).toEqual([atWork]);
    });

    if (isMysql)
      test(
        'a storage engine that a server lacks is named before anything is dropped',
        async () => {
          await admin.query('CREATE TABLE kept (i int) ENGINE=ARCHIVE; INSERT INTO kept VALUES (1)');
          const manifest = await taken();
          const to = await startMysql({ settings: { 'disabled-storage-engines': 'ARCHIVE' } });
          try {
            const here = await connect(to);
            await here.query(
              'CREATE DATABASE live; CREATE TABLE live.precious (i int); INSERT INTO live.precious VALUES (1)',
            );

            const lacking = restore(
              manifest,
              mariadbEngine(loginTo(to, 'live'), tools),
              { replace: true, owners: true, proof: true },
              { ...scene.deps(), parallel: 1 },
              limit(),
            );

            await expect(lacking).rejects.toMatchObject({
              message: expect.stringMatching(/something else.*table kept; database live is as it was/),
              hint: expect.stringContaining('storage engine'),
            });
            expect((await here.query('SELECT count(*) AS n FROM live.precious'))[0]).toMatchObject([
              { n: expect.anything() },
            ]);
            await here.end();
          } finally {
            await to.stop();
          }
        },
        startLimitMs,
      );
  },
);
