import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startMariadb } from '../../servers/databases/mariadb.ts';
import type { DatabaseServer } from '../../servers/server.ts';
import { nightjarInProcess } from '../../support/cli/in-process.ts';
import { connect } from '../../support/mariadb/mariadb.ts';
import { stockAccounts, stockDump } from '../../support/servers/accounts.ts';
import { layerRoot } from '../../support/tools.ts';

// What people do to a whole server beside making databases and accounts, judged by the stock mariadb-dump alone.
const databases = ['shop', 'blog', 'odd `name', 'Ünï', 'empty'];
/** The stock mariadb-dump can't dump the events of a database with such a name: it looks for `it\'s "odd\"`. */
const quoted = `it's "odd"`;

const accounts = `
create role readers; create role writers; create role \`odd \`\`role\`;
grant readers to writers with admin option; grant writers to \`odd \`\`role\`;
create user app@'%' identified by 'app''s \\\\ secret' require ssl with max_queries_per_hour 7 max_user_connections 3;
create user app@'10.0.0.%' identified via mysql_native_password using password('new') or unix_socket;
create user ''@localhost;
create user ''@'192.168.%' identified by 'nobody';
create user socket@localhost identified via unix_socket or mysql_native_password as '*94BDCEBE19083CE2A1F959FD02F964C7AF4CFC29';
create user locked@'%' identified by 'l' account lock password expire interval 30 day;
create user expired@'%' identified by 'e' password expire;
create user never@'%' identified by 'n' password expire never;
create user sure@'%' identified by 's' require subject '/CN=o''ne' and issuer '/CN=two' and cipher 'AES256-SHA';
create user \`it's "odd\`@'%' identified by 'o';
create user proxied@'%' identified by 'p';
create user empty_password@'%' identified by '';
create user invalid@'%' identified via mysql_native_password using 'invalid';
grant proxy on proxied@'%' to app@'%';
grant proxy on ''@'' to \`it's "odd\`@'%' with grant option;
grant readers to app@'%'; grant \`odd \`\`role\` to app@'%';
grant readers to locked@'%' with admin option;
set default role readers for app@'%';
set default role \`odd \`\`role\` for app@'%';
grant all on *.* to never@'%' with grant option;
grant select, process, replication client on *.* to app@'10.0.0.%' with max_queries_per_hour 3;
grant select on shop.* to public;
grant all on \`shop\`.* to app@'%'; grant select on \`sh\\_p%\`.* to expired@'%'`;

const inShop = `
create sequence numbers start 100 increment 10 cache 20 cycle maxvalue 1000;
do nextval(numbers), nextval(numbers);
create table t (i int primary key, of varchar(40), secret varchar(40) invisible default 'x') with system versioning;
insert into t (i, of) values (1, 'a'), (2, 'b');
create definer=app@'%' function f(a int) returns int deterministic sql security definer return a + 1;
create definer=readers procedure p() sql security invoker select 1;
create definer=app@'%' trigger before_t before insert on t for each row set new.of = upper(new.of);
create definer=app@'%' event nightly on schedule every 1 day starts '2030-01-01 00:00:00' on completion preserve comment 'it''s' do delete from t where i < 0;
create event off_event on schedule every 1 hour starts '2030-01-01 00:00:00' disable do set @a = 1;
create definer=app@'%' sql security definer view v as select i from t;
grant select (i, of), insert (of), update on t to readers with grant option;
grant references (i) on t to \`it's "odd\`@'%';
grant execute, alter routine on function f to expired@'%' with grant option;
grant execute on procedure p to writers;
grant select on numbers to readers;
grant show view, select on v to ''@localhost`;

let server: DatabaseServer;
let empty: DatabaseServer;
let folder: string;

async function configure(of: DatabaseServer): Promise<void> {
  await writeFile(join(folder, 'pw'), of.password, { mode: 0o600 });
  const at = `host: ${of.host}, port: ${of.port}, user: ${of.user}, password: { file: pw }`;
  await writeFile(
    join(folder, 'nightjar.yaml'),
    `vault: ./backups\nsources: { main: { mariadb: { ${at}, databases: all } } }\n`,
  );
}

async function sql(of: DatabaseServer, text: string): Promise<unknown> {
  const connection = await connect(of);
  try {
    let last: unknown;
    for (const one of text.split(/;\n|; (?=grant|create)/)) [last] = await connection.query(one);
    return last;
  } finally {
    await connection.end();
  }
}

const nightjar = async (...args: string[]) =>
  nightjarInProcess(args, { cwd: folder, env: { NIGHTJAR_TOOLS: await layerRoot(), NIGHTJAR_LAYER_NEWS: 'off' } });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightjar-nasty-'));
  [server, empty] = await Promise.all([startMariadb({ series: '11.8' }), startMariadb({ series: '11.8' })]);
  // an account of a host's name, which a server that looks up no names ignores
  for (const one of [server, empty])
    await sql(one, `delete from mysql.global_priv where Host = 'vm';\nflush privileges`);
  for (const name of [...databases, quoted])
    await sql(
      server,
      `create database \`${name.replaceAll('`', '``')}\` character set latin2 collate latin2_czech_cs comment 'of ''${name.replaceAll("'", "''")}'`,
    );
  await sql(server, accounts);
  await sql(server, `use shop;\n${inShop}`);
  await sql(
    server,
    `use \`${quoted}\`;\ncreate definer=app@'%' event e on schedule every 1 hour starts '2030-01-01' do set @a = "it's"`,
  );
  await configure(server);
}, 600_000);

afterAll(async () => {
  await Promise.all([server?.stop(), empty?.stop()]);
  await rm(folder, { recursive: true, force: true });
});

test('all of it comes back by one command, as the stock mariadb-dump prints it', async () => {
  const backedUp = await nightjar('backup');
  await configure(empty);
  const restored = await nightjar('restore', 'main');

  expect([backedUp.code, restored.code]).toEqual([0, 0]);
  expect(restored.stdout.match(/^proven equal/gm)).toHaveLength(8);
  expect(inOrder(await stockAccounts(empty))).toEqual(inOrder(await stockAccounts(server)));
  const data = ['--routines', '--events', '--skip-comments', '--databases', ...databases];
  expect(await stockDump(empty, data)).toBe(await stockDump(server, data));
  const event = `show create event \`${quoted}\`.e`;
  expect(await sql(empty, event)).toEqual(await sql(server, event));
}, 240_000);

/** The server names the columns of a right in no order of its own. */
function inOrder(lines: readonly string[]): string[] {
  return lines.map((line) => line.replace('(`i`, `of`)', '(`of`, `i`)')).sort();
}
