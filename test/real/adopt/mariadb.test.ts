import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type mysql from 'mysql2/promise';
import { drillDatabaseName } from '../../../core/domain/drill-name.ts';
import { openAdoption } from '../../../core/engines/mariadb/adopt/adoption.ts';
import type { Tools } from '../../../core/tools.ts';
import { startMariadb } from '../../servers/databases/mariadb.ts';
import type { DatabaseServer } from '../../servers/server.ts';
import { start } from '../../support/cli/command.ts';
import { nightjarInProcess } from '../../support/cli/in-process.ts';
import { connect } from '../../support/mariadb/mariadb.ts';
import { layerTools } from '../../support/tools.ts';

const password = 'adopt me';
let server: DatabaseServer;
let tools: Tools;
let admin: mysql.Connection;
let folder: string;

beforeAll(async () => {
  [tools, server] = await Promise.all([layerTools(), startMariadb({ series: '11.8', settings: { 'log-bin': 'on' } })]);
  folder = await mkdtemp(join(tmpdir(), 'nightjar-adopt-'));
  admin = await connect(server);
  await admin.query(`SET GLOBAL log_bin_trust_function_creators = ON; CREATE USER app@localhost; CREATE DATABASE victim; CREATE TABLE victim.precious (id int); INSERT INTO victim.precious VALUES (1);
    DROP DATABASE IF EXISTS test; CREATE DATABASE shop; USE shop; GRANT ALL ON shop.* TO app@localhost;
    CREATE TABLE orders (id int AUTO_INCREMENT PRIMARY KEY, note varchar(80)); CREATE TABLE log (line blob);
    INSERT INTO orders (note) SELECT md5(seq) FROM seq_1_to_500;
    INSERT INTO log VALUES ('USE \`victim\`;'), ('\\nUSE \`victim\`;\\nCREATE DEFINER=x'), (NULL), (x'00ff27'), ('-- Dump completed');
    CREATE DEFINER = app@localhost VIEW late AS SELECT * FROM orders WHERE id > 400;
    CREATE DEFINER = app@localhost TRIGGER stamp BEFORE INSERT ON orders FOR EACH ROW INSERT INTO log VALUES ('trigger');
    CREATE DEFINER = app@localhost PROCEDURE tidy() DELETE FROM orders;
    CREATE DEFINER = app@localhost EVENT tick ON SCHEDULE EVERY 1 SECOND DO DELETE FROM orders;
    CREATE USER adopter@'%' IDENTIFIED BY '${password}'; GRANT ALL PRIVILEGES ON \`shop\\_drill\\_%\`.* TO adopter@'%'`);
}, 600_000);
afterAll(async () => {
  await admin?.end();
  await server?.stop();
  if (folder !== undefined) await rm(folder, { recursive: true });
});

async function writeConfig(adopt: boolean): Promise<void> {
  const { host, port, user } = server;
  const mariadb = { host, port, user, password: { env: 'SHOP' }, database: 'shop' };
  const own = adopt ? { adopt: { host, port, user: 'adopter', password: { env: 'ADOPT' } } } : {};
  await writeFile(
    join(folder, 'nightjar.yaml'),
    JSON.stringify({ vault: './backups', sources: { shop: { mariadb, ...own } } }),
  );
}
const env = () => ({ SHOP: server.password, ADOPT: password });
const run = (...args: string[]) => nightjarInProcess(args, { cwd: folder, env: env() });
async function push(name: string, content: string | Buffer, at = '2019-06-01T08:00:00Z') {
  await writeFile(join(folder, name), content);
  return run('push', 'shop', name, '--at', at);
}
const rows = async (sql: string) => (await admin.query(sql))[0] as Record<string, unknown>[];
const databases = async () => (await rows('SHOW DATABASES')).map((row) => String(Object.values(row)[0]));

/** What stock mariadb-dump prints. */
async function dumped(...args: string[]): Promise<Buffer> {
  const { command, args: before, env: own } = tools.program('mariadb-dump');
  const login = [
    '--no-defaults',
    '--skip-ssl',
    `--host=${server.host}`,
    `--port=${server.port}`,
    `--user=${server.user}`,
  ];
  const { stdout } = await promisify(execFile)(
    command,
    [...before, ...login, `--plugin-dir=${tools.mariadbPlugins}`, ...args],
    {
      env: { ...own, MYSQL_PWD: server.password },
      encoding: 'buffer',
      maxBuffer: 1024 ** 3,
    },
  );
  return stdout;
}
const everything = ['--single-transaction', '--routines', '--triggers', '--events'];

/** Leaves the scratch of a push that was killed. */
async function killed(before: readonly string[]): Promise<void> {
  await writeFile(join(folder, 'slow.sql'), `SELECT SLEEP(4);${end}`);
  const pushing = start(['push', 'shop', 'slow.sql', '--at', '2019-06-01T08:00:00Z'], { cwd: folder, env: env() });
  while ((await databases()).length === before.length) await sleep(50);
  pushing.kill('SIGKILL');
  await pushing.ended;
  expect((await databases()).length).toBe(before.length + 1);
}

test('dumps become backups of what was dumped, without definers, their events disabled; no scratch stays, nor that of a killed push', async () => {
  await writeConfig(true);
  const before = await databases();
  await killed(before);
  const forms: [string, Buffer][] = [
    ['one.sql.gz', gzipSync(await dumped(...everything, 'shop'))],
    ['named.sql.zst', zstdCompressSync(await dumped(...everything, '--skip-add-locks', '--databases', 'shop'))],
  ];
  const [ids, tables]: [string[], unknown[]] = [[], []];
  for (const [index, [name, content]] of forms.entries()) {
    const { code, stdout, stderr } = await push(name, content, `2019-06-0${index + 1}T08:00:00Z`);
    expect([code, stderr]).toEqual([
      0,
      expect.stringMatching(/left out: 4 definers[^]*disabled: 1 event|disabled: 1 event[^]*left out: 4 definers/),
    ]);
    expect(stderr).not.toContain('PROCESS');
    ids.push(/shop {2}(\S+) {2}adopted: /.exec(stdout)![1]!);
    tables.push(JSON.parse(await readFile(join(folder, 'backups/shop', ids.at(-1)!, 'manifest.json'), 'utf8')).tables);
  }
  expect(tables[1]).toEqual(tables[0]);
  expect(await databases()).toEqual(before);

  expect((await run('restore', 'shop', ids[0]!, '--to', 'copy')).code).toBe(0);
  const sums = async (database: string) =>
    (await rows(`CHECKSUM TABLE ${database}.orders, ${database}.log EXTENDED`)).map(({ Checksum }) => Checksum);
  expect(await sums('copy')).toEqual(await sums('shop'));
  expect(await rows("SELECT STATUS FROM information_schema.EVENTS WHERE EVENT_SCHEMA = 'copy'")).toEqual([
    { STATUS: 'DISABLED' },
  ]);
  expect(await rows('SELECT count(*) AS n FROM copy.late')).toEqual([{ n: expect.anything() }]);
  await admin.query('DROP DATABASE copy');
}, 120_000);

const refused = /Unknown command|ERROR 1064|local infile capability|ERROR (1044|1142|1227) .*denied|runs by itself/;
const end = '\n-- Dump completed on 2019-06-01\n';
/** One of each kind: of the client, of the server's files, of another database, by a right, and what runs later. */
const evil: [what: string, sql: string][] = [
  ['a command of the client', '\\! touch pwned'],
  ['a command by name', 'system touch pwned'],
  ['a file of the client', 'CREATE TABLE t (a text); LOAD DATA LOCAL INFILE "/etc/passwd" INTO TABLE t;'],
  ['a file of the server', 'SELECT 1 INTO OUTFILE "/tmp/nightjar-pwned";'],
  ['a name before a dot', 'DELETE FROM victim.precious;'],
  ['a definer', 'CREATE DEFINER = root@localhost  PROCEDURE p() DELETE FROM victim.precious;'],
  ['an event', 'CREATE EVENT e ON SCHEDULE EVERY 1 HOUR DO DELETE FROM log;'],
];

test('no dump does anything outside of its scratch', async () => {
  await writeConfig(true);
  const [before, users] = [await databases(), await rows('SELECT user, host FROM mysql.user')];
  const ids = await readdir(join(folder, 'backups/shop')).catch(() => []);
  for (const [what, sql] of evil) {
    const { code, stderr } = await push('evil.sql', `${sql}${end}`);
    expect([what, code === 0, stderr]).toEqual([what, false, expect.stringMatching(refused)]);
  }
  expect(await databases()).toEqual(before);
  expect(await rows('SELECT user, host FROM mysql.user')).toEqual(users);
  expect(await rows('SELECT * FROM victim.precious')).toEqual([{ id: 1 }]);
  expect(await readdir(join(folder, 'backups/shop'))).toEqual(ids);
  expect(await readdir(folder)).not.toContain('pwned');
}, 60_000);

test('a dump that makes a database beside its scratch is no backup, and is told of as long as that is there', async () => {
  await writeConfig(true);
  const [fine, name] = [await dumped('shop'), 'shop_drill_000000000000'];
  const ids = await readdir(join(folder, 'backups/shop')).catch(() => []);
  for (const rest of [end, `SELECT * FROM nothing;${end}`]) {
    const made = new RegExp(`has made the database \`${name}\`[^]*DROP DATABASE \`${name}\`;`);
    expect((await push('beside.sql', `CREATE DATABASE ${name};${rest}`)).stderr).toMatch(made);
    const { code, stderr } = await push('fine.sql', fine);
    const left = new RegExp(`reaches the database \`${name}\`[^]*DROP DATABASE \`${name}\`;`);
    expect([code, stderr]).toEqual([1, expect.stringMatching(left)]);
    await admin.query(`DROP DATABASE ${name}`);
  }
  expect(await readdir(join(folder, 'backups/shop')).catch(() => [])).toEqual(ids);
}, 60_000);

test('where the binary log keeps triggers from being made, it is told what helps', async () => {
  await writeConfig(true);
  await admin.query('SET GLOBAL log_bin_trust_function_creators = OFF');
  const { code, stderr } = await push('triggers.sql', await dumped('shop'));
  await admin.query('SET GLOBAL log_bin_trust_function_creators = ON');
  expect([code, stderr]).toEqual([1, expect.stringMatching(/1419[^]*name another one in adopt, or run on it/)]);
}, 60_000);

test('what is cut, of another engine or of several databases makes no backup', async () => {
  await writeConfig(true);
  const plain = await dumped('shop');
  const bad: [string, Buffer | string, RegExp][] = [
    ['cut.sql', plain.subarray(0, plain.length - 60), /does not end as one does/],
    ['cut.sql.zst', zstdCompressSync(plain).subarray(0, 900), /cut off, or is damaged/],
    ['pg.sql', '--\n-- PostgreSQL database dump\n--\n', /dump of PostgreSQL/],
    ['two.sql', await dumped('--databases', 'shop', 'victim'), /several databases/],
  ];
  for (const [name, content, why] of bad) {
    const { code, stderr } = await push(name, content);
    expect([name, code === 0, stderr]).toEqual([name, false, expect.stringMatching(why)]);
  }
}, 60_000);

test('a scratch that can’t be dropped is held by no session', async () => {
  const { host, port } = server;
  const database = drillDatabaseName('shop', 0.5);
  const limits = { lockTimeoutMs: 30_000, idleLimitMs: 60_000, parallel: 1 };
  const login = { host, port, user: 'adopter', password, database, tls: { mode: 'off' as const }, ...limits };
  const sessions = async () => {
    const [rows] = await admin.query("SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'adopter'");
    return (rows as unknown[]).length;
  };
  // the one of the push that was killed sleeps for some seconds
  while ((await sessions()) > 0) await sleep(50);
  const adoption = await openAdoption(login, tools, AbortSignal.timeout(60_000));
  expect(await sessions()).toBe(1);

  await expect(adoption.discard(AbortSignal.abort())).rejects.toThrow();
  for (let looks = 0; looks < 100 && (await sessions()) > 0; looks += 1) await sleep(100);

  expect(await sessions()).toBe(0);
  await admin.query(`DROP DATABASE ${database}`);
}, 90_000);

test('a user that may do more is refused before anything is loaded', async () => {
  await writeConfig(false);
  const fine = await dumped('shop');
  expect((await push('fine.sql', fine)).stderr).toMatch(
    /may do more: GRANT ALL[^]*GRANT ALL PRIVILEGES ON `shop\\_drill\\_%`/,
  );
  await writeConfig(true);
  await admin.query("GRANT SELECT ON victim.* TO adopter@'%'");
  expect((await push('fine.sql', fine)).stderr).toMatch(/may do more: GRANT SELECT ON `victim`/);
  await admin.query("REVOKE SELECT ON victim.* FROM adopter@'%'");
}, 60_000);
