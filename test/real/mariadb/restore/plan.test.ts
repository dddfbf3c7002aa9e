import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type mysql from 'mysql2/promise';
import { backup } from '../../../../core/commands/backup.ts';
import { restore, restorePlanned } from '../../../../core/commands/restore/restore.ts';
import { dropOverdue, hasBegun, planDrop, planUndo, takeBack } from '../../../../core/commands/restore/undo.ts';
import { hindrance, planRestore } from '../../../../core/commands/restore/plan.ts';
import type { Manifest } from '../../../../core/contract/manifest/manifest.ts';
import type { SourceName } from '../../../../core/domain/keys.ts';
import { mariadbEngine } from '../../../../core/engines/mariadb/index.ts';
import { refusedRoutines } from '../../../../core/engines/mariadb/preflight/routines.ts';
import { withSession } from '../../../../core/engines/mariadb/session.ts';
import type { Tools } from '../../../../core/tools.ts';
import { startMariadb } from '../../../servers/databases/mariadb.ts';
import { startMysql } from '../../../servers/databases/mysql.ts';
import { startLimitMs } from '../../../servers/server.ts';
import type { DatabaseServer } from '../../../servers/server.ts';
import { connect, loginTo, pieces } from '../../../support/mariadb/mariadb.ts';
import { layerTools } from '../../../support/tools.ts';
import { folderScene, limit } from '../../../support/vaults/vault.ts';
import type { FolderScene } from '../../../support/vaults/vault.ts';

// What is missing, thing by thing: replace.test.ts.
let server: DatabaseServer;
let tools: Tools;
let scene: FolderScene;
let admin: mysql.Connection;
let manifest: Manifest;
const engine = (database: string) => mariadbEngine(loginTo(server, database), tools);
const source = {
  name: 'shop' as SourceName,
  timeZone: 'UTC',
  retention: { count: 1 },
  compressionLevel: 1,
  parallel: 1,
};
const look = (database: string) =>
  planRestore(manifest, engine(database), { replace: true, owners: true, proof: true }, scene.deps(), limit());

beforeAll(async () => {
  [server, tools, scene] = [await startMariadb({ series: '11.8' }), await layerTools(), await folderScene()];
  admin = await connect(server);
  await admin.query('CREATE DATABASE shop; USE shop; CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)');
  await admin.query(`CREATE FUNCTION plus(i int) RETURNS int DETERMINISTIC RETURN i + 1;
    CREATE PROCEDURE \`say "é"\`(OUT said text) BEGIN SET said = 'it''s é; \\\\'; SELECT * FROM nowhere; END`);
  await admin.query('CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO SET @x = 1; CREATE DATABASE live');
  await admin.query('CREATE TABLE live.precious (id int PRIMARY KEY); INSERT INTO live.precious VALUES (1), (2)');
  manifest = await backup({ ...source, engine: engine('shop') }, scene.deps(), limit());
}, startLimitMs);

afterAll(async () => {
  await admin?.end();
  await server?.stop();
  await scene?.remove();
});

/** As mysqldump prints them: the second is in latin1, and under a mode in which `"` quotes a name. */
const dumpedRoutines = `-- Dumping routines for database 'shop'
/*!50003 SET @saved_cs_client      = @@character_set_client */ ;
/*!50003 SET character_set_client  = utf8mb4 */ ;
/*!50003 SET character_set_results = utf8mb4 */ ;
/*!50003 SET collation_connection  = utf8mb4_general_ci */ ;
/*!50003 SET sql_mode              = 'STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION' */ ;
DELIMITER ;;
CREATE DEFINER=\`app\`@\`%\` FUNCTION \`arrow\`(d json) RETURNS text
    DETERMINISTIC
RETURN d->>'$.a' ;;
DELIMITER ;
/*!50003 SET character_set_client  = latin1 */ ;
/*!50003 SET collation_connection  = latin1_swedish_ci */ ;
/*!50003 SET sql_mode              = 'ANSI_QUOTES' */ ;
DELIMITER ;;
CREATE DEFINER="app"@"%" FUNCTION "fine"(i int) RETURNS text
    DETERMINISTIC
BEGIN DECLARE "é" int DEFAULT i; RETURN 'é;'; END ;;
DELIMITER ;
/*!50003 SET character_set_client  = utf8mb4 */ ;
/*!50003 SET sql_mode              = '' */ ;
DELIMITER ;;
CREATE DEFINER=\`app\`@\`%\` PROCEDURE \`Ã©\`(IN t varchar(9) CHARACTER SET nosuch)
SELECT t ;;
DELIMITER ;
`;
const databases = async () => (await admin.query('SHOW DATABASES'))[0];

test('a plan says what is made, renamed and kept, who is connected, and that no event would run, and writes nothing', async () => {
  await admin.query('SET GLOBAL event_scheduler = OFF');
  const app = await connect(server);
  await app.query('USE live');
  const [[checksum], there] = [await admin.query('CHECKSUM TABLE live.precious EXTENDED'), await databases()];

  const plan = await look('live').finally(() => app.end());
  await plan.target.close();

  expect(plan.steps).toEqual([
    'read the whole backup',
    `make database live_new_${manifest.id} beside it, fill it, and prove it equal to the backup`,
    expect.stringMatching(
      new RegExp(`^rename the tables of live into database live_before_${manifest.id}, .* in one statement;`),
    ),
    expect.stringMatching(new RegExp(`^keep database live_before_${manifest.id} \\(.*B\\): --undo puts it back`)),
  ]);
  expect(plan.findings).toEqual([
    expect.objectContaining({ weight: 'note', remedy: 'SET GLOBAL event_scheduler = ON; when they are to run' }),
    expect.objectContaining({ weight: 'note', what: expect.stringMatching(/^connected to `live`: root@/) }),
  ]);
  expect(hindrance(plan)).toBeUndefined();
  expect([(await admin.query('CHECKSUM TABLE live.precious EXTENDED'))[0], await databases()]).toEqual([
    checksum,
    there,
  ]);
});

test('what is there and makes no sense to the server any more is named, by a plan, a replacement and a backup', async () => {
  await admin.query(`DROP DATABASE IF EXISTS torn; CREATE DATABASE torn; USE torn; CREATE TABLE t (id int PRIMARY KEY); CREATE VIEW bad AS SELECT id FROM t;
    CREATE FUNCTION garbled() RETURNS int RETURN 1; CREATE PROCEDURE sound() SELECT 1; FLUSH TABLES`);
  await admin.query(
    "UPDATE mysql.proc SET body = 'RETURN SELEKT 1', body_utf8 = '' WHERE db = 'torn' AND name = 'garbled'",
  );
  const [[{ folder }]] = (await admin.query('SELECT @@datadir AS folder')) as unknown as [[{ folder: string }]];
  const file = join(folder, 'torn/bad.frm');
  await writeFile(file, (await readFile(file, 'utf8')).replace(/^query=select/m, 'query=selekt'));
  const [before, there] = [(await admin.query('CHECKSUM TABLE torn.t EXTENDED'))[0], await databases()];

  const plan = await look('torn');
  const refused = restorePlanned(plan, { ...scene.deps(), parallel: 1 }, limit());

  await expect(refused).rejects.toMatchObject({
    message: expect.stringMatching(/`garbled`.*`bad`.*torn is as it was$/),
  });
  expect(plan.findings.filter(({ weight }) => weight === 'fails')).toEqual([
    {
      weight: 'fails',
      what: expect.stringMatching(/^this server does not understand function `garbled` any more, which is there: /),
      remedy: expect.stringMatching(/^make it again .* DROP FUNCTION `garbled`;$/),
    },
    {
      weight: 'fails',
      what: expect.stringMatching(/^this server does not understand view `bad` any more, which is there: /),
      remedy: expect.stringMatching(/DROP VIEW `bad`;$/),
    },
  ]);
  expect([(await admin.query('CHECKSUM TABLE torn.t EXTENDED'))[0], await databases()]).toEqual([before, there]);

  const backedUp = () => backup({ ...source, engine: engine('torn') }, scene.deps(), limit());
  await expect(backedUp()).rejects.toMatchObject({ hint: expect.stringContaining('DROP VIEW `torn`.`bad`;') });
  await admin.query('DROP VIEW bad');
  await expect(backedUp()).rejects.toMatchObject({
    code: 'source-unsupported',
    message: expect.stringMatching(/does not understand function `garbled` any more/),
    hint: expect.stringContaining('DROP FUNCTION `garbled`;'),
  });

  await admin.query('DROP FUNCTION garbled');
  const mended = await look('torn');
  await mended.target.close();
  expect(hindrance(mended)).toBeUndefined();
});

test('what MySQL alone knows is told by a plan, each thing with what asks for it, and in a place that is gone again', async () => {
  const other = await startMysql();
  const from = await connect(other);
  await from.query(`CREATE DATABASE app; USE app; CREATE TABLE words (w varchar(9) COLLATE utf8mb4_0900_as_ci PRIMARY KEY);
    CREATE TABLE folded (id int PRIMARY KEY, w varchar(9), KEY low ((lower(w)))); CREATE TABLE hidden (id int PRIMARY KEY, h int INVISIBLE DEFAULT 1);
    CREATE FUNCTION arrow(d json) RETURNS text DETERMINISTIC RETURN d->>'$.a'; CREATE VIEW lateral_ones AS SELECT f.id, l.n FROM folded f, LATERAL (SELECT f.id + 1 AS n) l`);
  const taken = await backup({ ...source, engine: mariadbEngine(loginTo(other, 'app'), tools) }, scene.deps(), limit());
  await from.end();
  await other.stop();
  const there = await databases();

  const options = { replace: false, owners: true, proof: true, foresee: true };
  const plan = await planRestore(taken, engine('app'), options, scene.deps(), limit());
  await plan.target.close();
  const reading = await planRestore(taken, engine('app'), { ...options, foresee: 'reading' }, scene.deps(), limit());
  await reading.target.close();

  const failing = plan.findings.filter(({ weight }) => weight === 'fails').map(({ what }) => what);
  expect(failing).toEqual(expect.arrayContaining([expect.stringMatching(/^ERROR 1064.*: .*function `arrow`/)]));
  expect(failing.join('\n')).toMatch(/table `folded`/);
  expect(reading.findings.every(({ weight }) => weight !== 'fails')).toBe(true);
  expect(await databases()).toEqual(there);
});

test('a database that appears between the look and the yes is not dropped', async () => {
  const plan = await look('arriving');
  await admin.query(
    'CREATE DATABASE arriving; CREATE TABLE arriving.somebodys (id int); INSERT INTO arriving.somebodys VALUES (42)',
  );

  await expect(restorePlanned(plan, { ...scene.deps(), parallel: 1 }, limit())).rejects.toMatchObject({
    code: 'target-not-empty',
  });

  expect((await admin.query('SELECT id FROM arriving.somebodys'))[0]).toEqual([{ id: 42 }]);
});

test('what is there and could not be made again is told by the plan', async () => {
  await admin.query(`CREATE DATABASE frail; USE frail; CREATE TABLE a (id int PRIMARY KEY, gone int); CREATE TABLE b (id int);
    CREATE VIEW lost AS SELECT id FROM b; CREATE VIEW good AS SELECT id FROM a;
    CREATE TRIGGER late BEFORE UPDATE ON a FOR EACH ROW SET NEW.id = OLD.gone; CREATE TRIGGER fine BEFORE INSERT ON a FOR EACH ROW SET @x = 1;
    CREATE EVENT once ON SCHEDULE AT '2037-01-01 00:00:00' DO SET @x = 1;
    CREATE EVENT daily ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01 00:00:00' DO SET @x = 1;
    DROP TABLE b; ALTER TABLE a DROP COLUMN gone`);

  const plan = await look('frail');
  await plan.target.close();

  const told = plan.findings.filter(({ what }) => /broken|is gone|run once/.test(what));
  expect(told).toEqual([
    {
      weight: 'note',
      what: expect.stringMatching(/^view `lost` is broken \(.*invalid/),
      remedy: expect.stringContaining('DROP VIEW `lost`;'),
    },
    {
      weight: 'note',
      what: expect.stringMatching(/^trigger `late` names column `gone` of table `a`/),
      remedy: expect.stringContaining('DROP TRIGGER `late`;'),
    },
    {
      weight: 'note',
      what: expect.stringMatching(/^events that run once \(`once` at 2037-01-01 00:00:00 /),
      remedy: expect.stringContaining('PRESERVE'),
    },
  ]);
  expect(hindrance(plan)).toBeUndefined();
});

test('routines that this server does not understand are named by the plan, and none is made', async () => {
  const from = { product: 'MySQL', version: '8.4.6' };
  const restorer = {
    server: { product: 'MariaDB', version: '11.8.6', number: 110_806 },
    user: '',
    database: '',
  } as const;
  const before = await databases();

  const found = await withSession(
    loginTo(server, 'shop'),
    limit(),
    (session) =>
      refusedRoutines(session, pieces(Buffer.from(dumpedRoutines, 'latin1'), 50), { ...restorer, definers: {} }, from),
    null,
    'binary',
  );

  expect(found).toEqual([
    {
      what: expect.stringMatching(/^this server does not understand function `arrow`: ERROR 1064: .* near '>>'/),
      remedy: expect.stringMatching(
        /^the backup is of MySQL 8.4.6, and this server, MariaDB 11.8.6, does not know all/,
      ),
    },
    {
      what: expect.stringMatching(
        /^this server does not understand procedure `é`: ERROR 1115: Unknown character set: 'nosuch'$/,
      ),
      remedy: expect.any(String),
    },
  ]);
  expect(await databases()).toEqual(before);
  const [made] = await admin.query(
    "SELECT ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_NAME IN ('arrow', 'fine')",
  );
  expect(made).toEqual([]);
});

test('a user who can see no database beside the live one is told that, and not that nothing is kept', async () => {
  await admin.query(`CREATE DATABASE seen; CREATE TABLE seen.t (id int); CREATE USER few@'%' IDENTIFIED BY 'few';
    GRANT ALL ON seen.* TO few@'%'`);
  const asFew = mariadbEngine(loginTo(server, 'seen', { user: 'few', password: 'few' }), tools);
  const before = await databases();

  for (const looked of [planUndo, planDrop])
    await expect(looked(asFew, 'seen', limit())).rejects.toMatchObject({
      code: 'privilege-missing',
      message: expect.stringMatching(/can't be seen: the user lacks SELECT on `seen\\_%`\.\*$/),
      hint: expect.stringMatching(/^GRANT ALL PRIVILEGES ON `seen\\_%`\.\* TO `?few/),
    });

  await admin.query(`GRANT ALL ON \`seen\\_%\`.* TO few@'%'`);
  await expect(planUndo(asFew, 'seen', limit())).rejects.toMatchObject({
    code: 'restore-failed',
    message: 'nothing is kept of what database seen was before',
  });
  expect(await databases()).toEqual(before);
});

test('a replacement that died as it wrote down what it was going to do is taken back by --undo: nothing was done', async () => {
  await admin.query(`CREATE DATABASE early; CREATE TABLE early.t (id int); CREATE TABLE early.nightjar_swap_begun
    (n int AUTO_INCREMENT PRIMARY KEY, side varchar(8), kind varchar(16), name varchar(255), settings text, statement longblob)`);

  expect(await hasBegun(engine('early'), limit())).toBe(true);
  expect(await takeBack(engine('early'), limit())).toEqual([]);

  const [tables] = await admin.query('SHOW TABLES FROM early');
  expect(tables).toEqual([{ Tables_in_early: 't' }]);
});

test('with keepReplaced, what is kept is dropped behind its time: not before, not of unknown age, not while somebody is connected', async () => {
  await admin.query('CREATE DATABASE timed; CREATE TABLE timed.old (id int PRIMARY KEY)');
  const limited = mariadbEngine(loginTo(server, 'timed', { keepReplacedMs: 7 * 86_400_000 }), tools);
  const options = { replace: true, owners: true, proof: true };
  const kept = `timed_before_${manifest.id}`;
  const since = (name: string) =>
    admin.query(`UPDATE \`${kept}\`.nightjar_kept SET name = '${name}' WHERE side = 'swap' AND kind = 'since'`);
  const overdue = () => dropOverdue(limited, limit());

  const { notes } = await restore(manifest, limited, options, { ...scene.deps(), parallel: 1 }, limit());

  expect(notes.join()).toContain('--drop-old drops it, and so does the first restore or drill after 7 d');
  expect(await overdue()).toEqual([]);
  await since('who knows');
  expect(await overdue()).toEqual([]);
  await since('2026-01-01 02:00:00');
  expect(await dropOverdue(engine('timed'), limit())).toEqual([]);
  const app = await connect(server);
  await app.query(`USE \`${kept}\``);
  expect(await overdue()).toEqual([expect.stringMatching(/was not dropped: somebody is connected to it$/)]);
  await app.query('USE timed');
  expect(await overdue()).toEqual([expect.stringMatching(`^dropped, as keepReplaced says: ${kept}`)]);
  expect(JSON.stringify(await databases())).not.toContain('timed_before');
});

test('a MERGE table over a database that is not here is told by name, and with what to do', async () => {
  await admin.query(`CREATE DATABASE beside; CREATE TABLE beside.log (id int) ENGINE=MyISAM; CREATE DATABASE merged; USE merged;
    CREATE TABLE own (id int PRIMARY KEY); CREATE TABLE logs (id int) ENGINE=MERGE UNION=(beside.log)`);
  const merged = await backup({ ...source, engine: engine('merged') }, scene.deps(), limit());
  const options = { replace: true, owners: true, proof: true };
  const looking = (database: string) => planRestore(merged, engine(database), options, scene.deps(), limit());
  const fine = await looking('live');
  await fine.target.close();
  await admin.query('DROP DATABASE beside');

  const { findings, target } = await looking('live');
  await target.close();
  const before = await databases();
  await expect(restore(merged, engine('live'), options, { ...scene.deps(), parallel: 1 }, limit())).rejects.toThrow(
    /ERROR 1168/,
  );

  expect(fine.findings.filter(({ weight }) => weight === 'fails')).toEqual([]);
  expect(findings.filter(({ weight }) => weight === 'fails')).toEqual([
    {
      weight: 'fails',
      what: expect.stringMatching(/^ERROR 1168 .*: table `logs`$/),
      remedy: expect.stringContaining('`logs` joins `beside`.`log`. Restore the databases of these first'),
    },
  ]);
  expect(await databases()).toEqual(before);
});
