import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type mysql from 'mysql2/promise';
import { startMysql } from '../../servers/databases/mysql.ts';
import { serverRoot, type Root } from '../../servers/root.ts';
import type { DatabaseServer } from '../../servers/server.ts';
import { nightjarInProcess } from '../../support/cli/in-process.ts';
import { connect } from '../../support/mariadb/mariadb.ts';

const password = 'adopt me';
let server: DatabaseServer;
let client: Root;
let admin: mysql.Connection;
let folder: string;

beforeAll(async () => {
  const limit = AbortSignal.timeout(600_000);
  const wanted = { name: 'mysql-client', suites: ['sid'], packages: ['mysql-client-core'] };
  const settings = { 'gtid-mode': 'ON', 'enforce-gtid-consistency': 'ON', 'log-bin': 'on' };
  [server, client] = await Promise.all([startMysql({ settings }), serverRoot(wanted, () => {}, limit)]);
  folder = await mkdtemp(join(tmpdir(), 'nightjar-adopt-'));
  admin = await connect(server);
  await admin.query(`SET GLOBAL log_bin_trust_function_creators = ON; CREATE DATABASE shop; USE shop; CREATE USER app@localhost;
    CREATE TABLE orders (id int AUTO_INCREMENT PRIMARY KEY, note varchar(80), extra json, place point, longer varchar(99) AS (concat(note, "+")) VIRTUAL);
    INSERT INTO orders (note, extra, place) VALUES ('é', '{"a": [1, null]}', point(1, 2)), (NULL, NULL, NULL), ('USE \`victim\`;', '{}', NULL);
    CREATE DEFINER = app@localhost VIEW late AS SELECT * FROM orders WHERE id > 1;
    CREATE USER adopter@'%' IDENTIFIED BY '${password}'; GRANT ALL PRIVILEGES ON \`shop\\_drill\\_%\`.* TO adopter@'%';
    GRANT SHOW_ROUTINE ON *.* TO adopter@'%'`);
  // each alone: of several in one request, MySQL keeps the semicolon in the body, and mysqldump prints what no server takes
  for (const made of [
    'FUNCTION twice(n int) RETURNS int DETERMINISTIC RETURN n * 2',
    'EVENT tick ON SCHEDULE EVERY 1 HOUR DO DELETE FROM orders',
  ])
    await admin.query(`CREATE DEFINER = app@localhost ${made}`);
  const { host, port, user } = server;
  const mariadb = { host, port, user, password: { env: 'SHOP' }, database: 'shop' };
  const adopt = { host, port, user: 'adopter', password: { env: 'ADOPT' } };
  const text = JSON.stringify({ vault: './backups', sources: { shop: { mariadb, adopt } } });
  await writeFile(join(folder, 'nightjar.yaml'), text);
}, 600_000);
afterAll(async () => {
  await admin?.end();
  await server?.stop();
  if (folder !== undefined) await rm(folder, { recursive: true });
});

const run = (...args: string[]) =>
  nightjarInProcess(args, { cwd: folder, env: { SHOP: server.password, ADOPT: password } });
const rows = async (sql: string) => (await admin.query(sql))[0] as Record<string, unknown>[];

test('what mysqldump prints of a server with GTIDs becomes a backup of it, without definers, its events disabled', async () => {
  const login = [`--host=${server.host}`, `--port=${server.port}`, `--user=${server.user}`];
  const { stdout } = await promisify(execFile)(
    join(client.path, 'usr/bin/mysqldump'),
    ['--no-defaults', ...login, '--single-transaction', '--routines', '--events', '--databases', 'shop'],
    { env: { ...client.env, MYSQL_PWD: server.password }, encoding: 'buffer' },
  );
  expect(stdout.toString()).toMatch(/GTID_PURGED/);
  await writeFile(join(folder, 'shop.sql'), stdout);

  const pushed = await run('push', 'shop', 'shop.sql', '--at', '2019-06-01T08:00:00Z');
  const [, id = ''] = /shop {2}(\S+) {2}adopted: /.exec(pushed.stdout) ?? [];
  expect([pushed.code, pushed.stderr]).toEqual([0, expect.stringMatching(/left out: 3 definers/)]);
  expect(pushed.stderr).toMatch(/left out: \d settings? of replication/);
  const restored = await run('restore', 'shop', id, '--to', 'copy');

  expect([restored.code, restored.stdout]).toEqual([0, expect.stringContaining('proven equal')]);
  expect(await rows('CHECKSUM TABLE copy.orders')).toMatchObject([
    { Checksum: (await rows('CHECKSUM TABLE shop.orders'))[0]!['Checksum'] },
  ]);
  expect(await rows('SELECT copy.twice(id) AS n FROM copy.late')).toEqual([{ n: 4 }, { n: 6 }]);
  expect(await rows("SELECT STATUS FROM information_schema.EVENTS WHERE EVENT_SCHEMA = 'copy'")).toEqual([
    { STATUS: 'DISABLED' },
  ]);
  expect((await rows("SHOW DATABASES LIKE '%drill%'")).length).toBe(0);
}, 60_000);

test('a database whose name mariadb-dump can not give to MySQL is refused before anything is read or made', async () => {
  await admin.query('CREATE DATABASE `größe`; CREATE TABLE `größe`.t (a int); INSERT INTO `größe`.t VALUES (1)');
  const mariadb = { host: server.host, port: server.port, user: server.user, password: { env: 'SHOP' } };
  const vault = './named';
  const sources = {
    plain: { mariadb: { ...mariadb, database: 'shop' } },
    odd: { mariadb: { ...mariadb, database: 'größe' } },
  };
  await writeFile(join(folder, 'named.yaml'), JSON.stringify({ vault, sources }));
  const named = (...args: string[]) => run(...args, '--config', 'named.yaml');

  const odd = await named('backup', 'odd');
  await named('backup', 'plain');
  const into = await named('restore', 'plain', '--to', 'naïve');

  for (const { code, stderr } of [odd, into]) {
    expect(code).not.toBe(0);
    expect(stderr).toContain('MySQL does not find a database whose name has letters beyond ASCII');
  }
  expect(await rows("SHOW DATABASES LIKE 'na%ve%'")).toEqual([]);
});
