import { setTimeout as sleep } from 'node:timers/promises';
import type mysql from 'mysql2/promise';
import type { DatabaseServer } from '../../../servers/server.ts';
import { connect } from '../../mariadb/mariadb.ts';
import type { InterruptedWorld } from './world.ts';

/** Neither server goes on beyond a thousand by itself. */
const upTo3000 = `with recursive s as (select 1 as n union all select n + 1 from s where n < 1000)
  select n + 1000 * k as n from s, (select 0 as k union select 1 union select 2) t`;

export async function mariadbWorld(
  server: DatabaseServer,
  sessions: string,
  dump: (server: DatabaseServer, database: string) => Promise<string>,
): Promise<InterruptedWorld> {
  const { host, port, user, password } = server;
  async function sql(...texts: string[]): Promise<mysql.RowDataPacket[]> {
    const connection = await connect(server);
    try {
      let found: mysql.RowDataPacket[] = [];
      for (const text of texts) [found] = await connection.query<mysql.RowDataPacket[]>(text);
      return found;
    } finally {
      await connection.end();
    }
  }
  await sql(
    `create database shop; use shop; create table orders (id int primary key, item text, key (item(50)));
    create table stamps (word varchar(50) primary key);
    insert into orders select n, repeat(sha2(n, 256), 10) from (${upTo3000}) x;
    create view dear as select id from orders where id > 2000`,
  );
  // each alone: of several in one request, MySQL keeps the semicolon in the body, and mysqldump prints what no server takes
  await sql(
    'use shop',
    'create trigger stamped before insert on orders for each row set @stamped = 1',
    'create procedure answer() select 42',
    "create event nightly on schedule every 1 day starts '2037-01-01 00:00:00' do set @x = 1",
  );
  const isThere = async (name: string) =>
    (await sql(`select 1 from information_schema.schemata where schema_name = '${name}'`)).length > 0;
  async function rows(database: string): Promise<string | undefined> {
    if (!(await isThere(database))) return undefined;
    const tables = (
      await sql(`select table_name as t from information_schema.tables where table_schema = '${database}'
        and table_type = 'BASE TABLE' and table_name not like 'nightjar\\_%' order by 1`)
    ).map(({ t }) => String(t));
    if (tables.length === 0) return '[]';
    const sums = await sql(`checksum table ${tables.map((t) => `${database}.${t}`).join(', ')}`);
    return JSON.stringify(sums.map((one) => [String(one['Table']).split('.')[1], one['Checksum']]));
  }
  return {
    source: {
      mariadb: {
        host,
        port,
        user,
        database: 'shop',
        password: { env: 'SHOP_PASSWORD' },
        ...(server.caFile && { tls: { ca: server.caFile } }),
      },
    },
    password,
    rows,
    dumped: async (database) => ((await isThere(database)) ? await dump(server, database) : undefined),
    databases: async () =>
      (
        await sql(`select schema_name as name from information_schema.schemata
          where schema_name not in ('mysql', 'information_schema', 'performance_schema', 'sys') order by 1`)
      ).map(({ name }) => String(name)),
    makeEmpty: async (database) => void (await sql(`create database ${database}`)),
    drop: async (database) => void (await sql(`drop database if exists \`${database}\``)),
    write: async (word) => void (await sql(`insert into shop.stamps values ('${word}')`)),
    use: async () => void (await sql(`use shop; begin; insert into orders values (-1, 'x'); rollback`)),
    killServer: () => server.restart(),
    async settled() {
      for (const until = Date.now() + 60_000; Date.now() < until; await sleep(50)) {
        const ours = await sql(`select id from ${sessions} where id <> connection_id() and db is not null`).catch(
          () => undefined,
        );
        if (ours?.length === 0) return;
      }
      throw new Error('the server does not come to rest');
    },
  };
}
