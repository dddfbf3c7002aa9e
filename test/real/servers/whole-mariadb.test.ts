import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import mysql from 'mysql2/promise';
import { mariadbGlobalsEngine } from '../../../core/engines/mariadb/globals/index.ts';
import { startMariadb } from '../../servers/databases/mariadb.ts';
import type { DatabaseServer } from '../../servers/server.ts';
import { nightjarInProcess } from '../../support/cli/in-process.ts';
import { connect, limit, loginTo } from '../../support/mariadb/mariadb.ts';
import { stockAccounts, stockDump } from '../../support/servers/accounts.ts';
import { layerRoot } from '../../support/tools.ts';

// A whole server of five databases and twenty accounts, by the command line alone.
// `tmp` and `innodb` are nobody's on Amazon RDS, and here one of them is somebody's
const databases = ['shop', 'blog', 'ledger', 'tmp', 'Ünï "odd"'];
const people = Array.from({ length: 18 }, (_, index) => `person_${index}`);
let server: DatabaseServer;
let empty: DatabaseServer;
let folder: string;

async function configure(of: DatabaseServer): Promise<void> {
  await writeFile(join(folder, 'pw'), of.password, { mode: 0o600 });
  const at = `host: ${of.host}, port: ${of.port}, user: ${of.user}, password: { file: pw }`;
  await writeFile(
    join(folder, 'nightjar.yaml'),
    `vault: ./backups\nsources: { main: { mariadb: { ${at}, databases: all, exclude: [scratch] } } }\n`,
  );
}

async function sql(of: DatabaseServer, text: string): Promise<void> {
  const connection = await connect(of);
  await connection.query(text).finally(() => connection.end());
}

const nightjar = async (...args: string[]) =>
  nightjarInProcess(args, { cwd: folder, env: { NIGHTJAR_TOOLS: await layerRoot(), NIGHTJAR_LAYER_NEWS: 'off' } });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightjar-server-'));
  [server, empty] = await Promise.all([startMariadb({ series: '11.8' }), startMariadb({ series: '11.8' })]);
  // an account of a host's name, which a server that looks up no names ignores
  for (const one of [server, empty])
    await sql(one, `delete from mysql.global_priv where Host = 'vm'; flush privileges`);
  await sql(
    server,
    `create role readers; create user app@'%' identified by 'app secret'; create database scratch; create database innodb;
     ${people.map((name) => `create user ${name}@'%' identified by '${name}'; grant readers to ${name}@'%'`).join('; ')}`,
  );
  for (const [index, database] of databases.entries())
    await sql(
      server,
      `create database \`${database}\` character set utf8mb4; use \`${database}\`;
       create table t (i int primary key, of varchar(40)); insert into t select seq, concat('row ', seq) from seq_1_to_50;
       create definer=app@'%' sql security definer view v as select i from t;
       create definer=app@'%' procedure p() select 1;
       grant select, insert on \`${database}\`.* to app@'%'; grant select on v to readers;
       grant update (of) on t to person_${index}@'%'; grant execute on procedure p to person_${index}@'%'`,
    );
  await configure(server);
}, 600_000);

afterAll(async () => {
  await Promise.all([server?.stop(), empty?.stop()]);
  await rm(folder, { recursive: true, force: true });
});

test('an empty server, one command, and it is as it was by the stock mariadb-dump', async () => {
  const backedUp = await nightjar('backup');
  await configure(empty);
  const { code, stdout, stderr } = await nightjar('restore', 'main');

  expect(backedUp.code).toBe(0);
  expect(backedUp.stdout).not.toContain('scratch');
  expect([code, stderr.replace(/^(source|backup|into|note|warning:?) .*\n/gm, '')]).toEqual([0, '']);
  expect(stdout.match(/^restored main\./gm)).toHaveLength(5);
  expect(await stockAccounts(empty)).toEqual(await stockAccounts(server));
  const data = ['--routines', '--skip-comments', '--databases', ...databases];
  expect(await stockDump(empty, data)).toBe(await stockDump(server, data));
  const { host, port } = empty;
  const app = await mysql.createConnection({ host, port, user: 'app', password: 'app secret', database: 'shop' });
  const [rows] = await app.query('select count(*) as n from v');
  await app.end();
  expect(rows).toEqual([{ n: 50 }]);
}, 240_000);

test('two at once do not share the databases between them: the second says why; what is left of one is told with what to do', async () => {
  await sql(empty, 'drop database shop; drop database blog');
  const claim = await mariadbGlobalsEngine(loginTo(empty, 'mysql')).claimServer!([], limit());
  const second = await nightjar('restore', 'main');
  await claim!.release();
  const partly = await nightjar('restore', 'main');

  expect([second.code, second.stdout]).toEqual([11, '']);
  expect(second.stderr).toMatch(/^error: another restore of all of main is at work on mariadb:.*\n {2}hint: wait/);
  expect(partly.code).toBe(1);
  expect(partly.stdout.match(/^restored main\./gm)).toHaveLength(2);
  expect(partly.stderr).toMatch(
    /error: 2 of 5 databases are restored; not restored: main\.ledger, main\.tmp, main\.Ünï "odd"\n {2}hint: .*: nightjar restore main\.ledger --to ledger, and so for each of them\n$/,
  );
}, 120_000);
