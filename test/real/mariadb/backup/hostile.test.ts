import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Connection } from 'mysql2/promise';
import { writeFile } from 'node:fs/promises';
import { dataGrammar } from '../../../../core/engines/mariadb/restore/text/data-grammar.ts';
import { mariadbEngine } from '../../../../core/engines/mariadb/index.ts';
import { dumpRun, loadRun } from '../../../../core/engines/mariadb/programs.ts';
import { guarded } from '../../../../core/pipeline/guard.ts';
import { programInput, programText } from '../../../../core/pipeline/program.ts';
import type { Catalog } from '../../../../core/ports.ts';
import type { Tools } from '../../../../core/tools.ts';
import { everyFeatureMariadb } from '../../../servers/databases/databases.ts';
import { startMariadb } from '../../../servers/databases/mariadb.ts';
import type { DatabaseServer } from '../../../servers/server.ts';
import { canaryFile } from '../../../support/canary.ts';
import type { Canary } from '../../../support/canary.ts';
import { layerTools } from '../../../support/tools.ts';
import { connect, limit, loginTo, manifestOf, pieces, readAll } from '../../../support/mariadb/mariadb.ts';

let server: DatabaseServer;
let tools: Tools;
let canary: Canary;
let admin: Connection;

beforeAll(async () => {
  tools = await layerTools();
  canary = await canaryFile();
  server = await startMariadb({ series: '11.8', settings: { 'local-infile': '1' } });
  admin = await connect(server);
  // the worst a server may have: then `\` is no escape unless the session says so
  await admin.query("SET GLOBAL sql_mode = 'NO_BACKSLASH_ESCAPES'");
  await admin.query('CREATE DATABASE every CHARACTER SET utf8mb4; USE every');
  await admin.query("SET SESSION sql_mode = ''");
  await everyFeatureMariadb(admin);
  await admin.query('CREATE DATABASE hostile; CREATE TABLE hostile.t (a int, b varchar(200))');
}, 1_200_000);
afterAll(async () => {
  await admin?.end();
  await canary?.remove();
  await server?.stop();
});

const honest = [
  '/*!40101 SET NAMES utf8mb4 */;\n',
  'DO SETVAL(`s`, 85, 0, 0);\n',
  '-- MariaDB dump 10.19\n--\n',
  `/*!40103 SET TIME_ZONE='+00:00' */;\n`,
  '/*!40014 SET @OLD_UNIQUE_CHECKS=@@UNIQUE_CHECKS, UNIQUE_CHECKS=0 */;\n',
  `/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;\n`,
  "SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES';\n",
  'SET NAMES binary;\n',
  '-- Dumping data for table `t`\n--\n\n',
  'SET @OLD_AUTOCOMMIT=@@AUTOCOMMIT, @@AUTOCOMMIT=0;\n',
  'INSERT INTO `t` (`a`, `b`) VALUES\n',
  `(1,'first'),\n(2,'it\\'s; -- /* " \\\\'),\n(-3.5e-10,_binary ` +
    `'x''y\0'),(NULL,JSON_OBJECT('a',JSON_ARRAY(1.10,CAST('{}' AS JSON))))`,
  ';\n',
  'COMMIT;\n',
  'SET AUTOCOMMIT=@OLD_AUTOCOMMIT;\n',
  '/*!40101 SET SQL_MODE=@OLD_SQL_MODE */;\n',
  '-- Dump completed\n',
];

async function passed(part: Buffer, size = 64 * 1024): Promise<Buffer | Error> {
  return Array.fromAsync(guarded(pieces(part, size), dataGrammar, 'data/0001.sql.zst')).then(
    (chunks) => Buffer.concat(chunks),
    (error: Error) => error,
  );
}

/** Every command of the client, by letter and by name, with whatever a shell could be reached by. */
async function commands(): Promise<string[]> {
  const { program, args, env } = loadRun(tools, loginTo(server, 'hostile'), 'SELECT 1');
  const help = await programText(
    {
      program,
      args: args.filter((arg) => !/binary-mode|sandbox|init-command/.test(arg)),
      env: { ...env, MYSQL_PWD: server.password },
      script: 'help\n',
      idleLimitMs: 10_000,
    },
    limit(),
  );
  const found = [...help.matchAll(/^(\S+)\s+\((\\\S)\)/gm)].flatMap(([, name, letter]) => [name!, letter!]);
  expect(found.length).toBeGreaterThan(30);
  const touch = `touch ${canary.path}`;
  return [
    ...found,
    ...found.flatMap((one) => [`${one} ${touch}`, `${one} ${canary.path}`]),
    `\\! ${touch}`,
    `system ${touch}`,
    `\\T ${canary.path}\nselect 1;`,
    `tee ${canary.path}\nselect 1;`,
    `pager ${touch}`,
    `\\P ${touch}\nselect 1;`,
    `source ${canary.path}`,
  ];
}

const statements = [
  'CREATE TABLE canary (a int)',
  'LOAD DATA LOCAL INFILE "/etc/passwd" INTO TABLE t',
  "LOAD DATA INFILE '/etc/passwd' INTO TABLE t",
  "SELECT 1 INTO OUTFILE '/tmp/x'",
  'SET GLOBAL general_log = 1',
  "SET SQL_MODE='ANSI_QUOTES'",
  "SET sql_mode = 'NO_BACKSLASH_ESCAPES'",
  'SET NAMES gbk',
  'SET NAMES sjis',
  'SET CHARACTER_SET_CLIENT=big5',
  '/*!40101 SET NAMES gbk */',
  '/*!50000 CREATE TABLE canary (a int) */',
  '/*M!100000 CREATE TABLE canary (a int) */',
  '/*!99999 ALTER TABLE `*/ CREATE TABLE canary (a int) -- ` DISABLE KEYS */',
  'DO SLEEP(100)',
  'DO SETVAL(`s`, (SELECT 1), 0, 0)',
  'DO SETVAL(`s`, 1, 0, 0), SLEEP(9)',
  'INSERT INTO `t` SELECT 1, 2',
  'INSERT INTO `t` (`a`) VALUES (1) ON DUPLICATE KEY UPDATE a = 1',
  'INSERT INTO `t` (`a`) VALUES ((SELECT 1))',
  'INSERT INTO `t` (`a`) VALUES (SLEEP(9))',
  'INSERT INTO `t` (`a`) VALUES (1 /*! , SLEEP(9) */)',
  "INSERT INTO `t` (`a`) VALUES (1, -- ')\n'x')",
  "INSERT INTO `t` (`a`) VALUES (1, # ')\n'x')",
  'INSERT INTO `t` (`a`) VALUES ("\'", 1)',
  'INSERT INTO `t` (`a`) VALUES (@@datadir)',
  'INSERT INTO `t` (`a`) VALUES (x.CAST(1))',
  'INSERT INTO `t` (`a`) VALUES (1) RETURNING a',
  'INSERT INTO other.`t` (`a`) VALUES (1)',
  'DELIMITER //',
  'PREPARE s FROM "CREATE TABLE canary (a int)"',
  'USE mysql',
  'LOCK TABLES `t` WRITE, `u` READ; CREATE TABLE canary (a int)',
  'DO SETVAL(`s`, 1, 0, 0); CREATE TABLE canary (a int)',
  'SET @a=1',
  'SET @OLD_SQL_MODE=@@datadir',
  'SET SQL_MODE=@OLD_TIME_ZONE',
  'BEGIN NOT ATOMIC CREATE TABLE canary (a int); END',
  'HANDLER t OPEN',
  '# comment',
];

/** The honest part with something put into each of its places. */
function placed(what: string): Buffer[] {
  const everywhere = honest.map((_, at) => honest.toSpliced(at, 0, `${what}\n`).join(''));
  const text = honest.join('');
  // words and strings among values are columns, values or a mistake
  const values =
    /^[\w .,+-]*$/.test(what.replace(/'[^']*'/g, '')) && !what.includes('--')
      ? []
      : [text.replace('(1,', `(1,${what},`), text.replace("'first'", `'first' ${what}`)];
  const inside = [
    ...values,
    text.replace('),\n(2', `),\n${what}\n,(2`),
    text.replace('utf8mb4 */', `utf8mb4 */ ${what}`),
    text.replace('COMMIT;', `COMMIT; ${what}`),
    text.replace('`t`\n--\n', `\`t\`\n${what}\n--\n`),
    `\ufeff${what}\n${text}`,
    `\0${what}\n${text}`,
    `\v${what}\n${text}`,
    `\r${what}\n${text}`,
    `${text}${what}\n`,
    `${text}${what};`,
    text.replace('SETVAL(`s`', `SETVAL(\`s\` ${what}`),
  ];
  return [...everywhere, ...inside].map((one) => Buffer.from(one));
}

test('an honest part passes whole, whatever its chunks', async () => {
  const part = Buffer.from(honest.join(''));

  for (const size of [1, 2, 3, 7, 64, 1000]) expect(String(await passed(part, size))).toBe(part.toString());
});

test('thousands of hostile parts: whatever is put anywhere outside of a string is refused before it reaches the client', async () => {
  const what = [...(await commands()), ...statements.map((one) => `${one};`), ...statements];
  let tried = 0;
  for (const [index, one] of what.entries()) {
    for (const part of placed(one)) {
      tried += 1;
      const outcome = await passed(part, index % 7 === 0 && tried % 3 === 0 ? 1 : 1 << 16);
      if (!(outcome instanceof Error)) throw new Error(`passed: ${one} in\n${part.toString()}`);
    }
  }
  expect(await passed(Buffer.from(`\\! touch x\n${honest.join('')}`, 'utf16le'))).toMatchObject({
    code: 'part-corrupt',
  });

  expect(tried).toBeGreaterThan(4000);
});

/** What lies in the database besides `t`. */
async function tablesOf(database: string): Promise<unknown[]> {
  const [rows] = await admin.query('SELECT TABLE_NAME AS t FROM information_schema.TABLES WHERE TABLE_SCHEMA = ?', [
    database,
  ]);
  return (rows as { t: string }[]).map(({ t }) => t);
}

test('in definitions, whose statements nobody restricts, no command of the client reaches a shell or a file', async () => {
  await writeFile(canary.path.replace('sings', 'script'), 'CREATE TABLE canary (a int);');
  const run = loadRun(tools, loginTo(server, 'hostile'), 'SET autocommit = 0');
  const all = [
    ...(await commands()),
    `source ${canary.path.replace('sings', 'script')}`,
    `\\. ${canary.path.replace('sings', 'script')}`,
  ];
  for (const command of all) {
    // behind a statement, in the middle of one, and behind another delimiter
    const script =
      `SELECT 1;\n${command}\nSELECT 2;\nSELECT 3 ${command}\n;\nDELIMITER ;;\n${command};;\nDELIMITER ` +
      `;\n/*M!999999\\- enable the sandbox mode */\n${command}\n`;
    await programInput(
      { ...run, args: [...run.args.slice(0, -2), '--force', '--', 'hostile'] },
      pieces(Buffer.from(script)),
      limit(),
    ).catch(() => {});
    if (canary.sings()) throw new Error(`it sings: ${command}`);
  }

  expect(await tablesOf('hostile')).toEqual(['t']);
});

test('no statement of a backup reads a file of the machine that restores', async () => {
  const run = loadRun(tools, loginTo(server, 'hostile'), 'SET autocommit = 1');

  await expect(
    programInput(run, pieces(Buffer.from("LOAD DATA LOCAL INFILE '/etc/hostname' INTO TABLE t (b);\n")), limit()),
  ).rejects.toMatchObject({ code: 'restore-failed' });

  expect((await admin.query('SELECT * FROM hostile.t'))[0]).toEqual([]);
});

test('names and strings that hold commands are names and strings, on a server whose own mode takes a backslash for a letter', async () => {
  const engine = mariadbEngine(loginTo(server, 'fresh'), tools);
  await admin.query('CREATE DATABASE fresh');
  const copy = await readAll(mariadbEngine(loginTo(server, 'hostile'), tools));
  const target = await engine.target(
    { manifest: manifestOf(copy), catalog: copy.plan.catalog, owners: true, keepGoing: false },
    limit(),
  );
  const data = target.stages.flat().find(({ part }) => part.role === 'data')!;
  await admin.query('CREATE TABLE fresh.t (a int, b varchar(200))');

  // to who takes the backslash for a letter, the string ends at the second quote
  const part =
    "SET @OLD_SQL_MODE=@@SQL_MODE;\nINSERT INTO `t` (`a`, `b`) VALUES (1,'\\'); CREATE TABLE canary (a int); -- " +
    "');\n-- Dump completed\n";
  await data.load(pieces(Buffer.from(part)), limit());

  expect(await tablesOf('fresh')).toEqual(['t']);
  expect((await admin.query('SELECT b FROM fresh.t'))[0]).toEqual([{ b: "'); CREATE TABLE canary (a int); -- " }]);
});

test.each([
  { 'character set': 'utf8mb4; CREATE TABLE x.y (a int)' },
  { 'character set': 'utf8mb4', collation: "utf8mb4_bin COMMENT 'x'" },
])('a catalog with %j makes no statement', async (database) => {
  const copy = await readAll(mariadbEngine(loginTo(server, 'hostile'), tools));
  const catalog: Catalog = { ...copy.plan.catalog, database: { collation: 'utf8mb4_bin', ...database } };
  const target = await mariadbEngine(loginTo(server, 'made'), tools).target(
    { manifest: manifestOf(copy), catalog, owners: true, keepGoing: false },
    limit(),
  );

  await expect(target.prepare(false, limit())).rejects.toMatchObject({ code: 'part-corrupt' });
});

test('every part that we, and the stock mariadb-dump, write of a database with every feature passes', async () => {
  const login = loginTo(server, 'every');
  const own = await readAll(mariadbEngine(login, tools));
  const stock = await Promise.all(
    [
      ['--no-create-info', '--skip-triggers'],
      ['--no-create-info', '--skip-triggers', '--hex-blob', '--skip-extended-insert', '--dump-history'],
      ['--no-create-info', '--skip-triggers', '--skip-opt', '--complete-insert'],
    ].map((how) => programText(dumpRun(tools, login, how), limit())),
  );

  for (const text of [
    ...[...own.texts].flatMap(([file, content]) => (file.startsWith('data/') ? [content] : [])),
    ...stock.map((one) => Buffer.from(one)),
  ]) {
    expect(String(await passed(text, 1000))).toBe(text.toString().replace(/^\/\*M!999999.*\n/, ''));
  }
});
