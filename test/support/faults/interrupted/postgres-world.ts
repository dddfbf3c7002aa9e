import { setTimeout as sleep } from 'node:timers/promises';
import type { DatabaseServer } from '../../../servers/server.ts';
import { runSql } from '../../postgres.ts';
import { stockPgDump } from './stock-dumps.ts';
import type { InterruptedWorld } from './world.ts';

export async function postgresWorld(server: DatabaseServer): Promise<InterruptedWorld> {
  const { host, port, user, password } = server;
  const sql = (database: string, text: string) => runSql(server, database, text);
  const isThere = async (name: string) =>
    (await sql('postgres', `select 1 from pg_database where datname = '${name}'`)).length > 0;
  await sql('postgres', 'create database shop');
  await sql(
    'shop',
    `create table orders (id int primary key, item text); create table stamps (word text primary key);
    insert into orders select g, repeat(md5(g::text), 20) from generate_series(1, 3000) g;
    create view dear as select id from orders where id > 2000; create index on orders (item text_pattern_ops);
    create function stamp() returns trigger language plpgsql as 'begin return new; end';
    create trigger stamped before insert on orders for each row execute function stamp(); create sequence numbers`,
  );
  async function rows(database: string): Promise<string | undefined> {
    if (!(await isThere(database))) return undefined;
    const tables = await sql(
      database,
      `select relname as t from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace order by 1`,
    );
    const sums = [];
    for (const { t } of tables)
      sums.push(
        ...(await sql(
          database,
          `select '${t}' as t, count(*)::text as n, md5(string_agg(x::text, '|' order by x::text)) as sum from ${t} x`,
        )),
      );
    return JSON.stringify(sums);
  }
  return {
    source: { postgres: { host, port, user, database: 'shop', password: { env: 'SHOP_PASSWORD' } } },
    password,
    rows,
    dumped: async (database) => ((await isThere(database)) ? await stockPgDump(server, database) : undefined),
    databases: async () =>
      (
        await sql(
          'postgres',
          `select datname as name from pg_database where not datistemplate and datname <> 'postgres' order by 1`,
        )
      ).map(({ name }) => String(name)),
    makeEmpty: async (database) => void (await sql('postgres', `create database ${database}`)),
    drop: async (database) => void (await sql('postgres', `drop database if exists "${database}" with (force)`)),
    write: async (word) => void (await sql('shop', `insert into stamps values ('${word}')`)),
    use: async () => void (await sql('shop', `begin; insert into orders values (-1, 'x'); rollback`)),
    async killServer() {
      const checkpointer = async () =>
        Number(
          (await sql('postgres', `select pid from pg_stat_activity where backend_type = 'checkpointer'`))[0]?.['pid'],
        );
      const killed = await checkpointer();
      process.kill(killed, 'SIGKILL');
      // a busy machine takes its time to notice, and answers meanwhile as if nothing was
      const until = Date.now() + 60_000;
      const isAnother = (pid: number) => pid > 0 && pid !== killed;
      while (!isAnother(await checkpointer().catch(() => 0)) && Date.now() < until) await sleep(20);
    },
    async settled() {
      for (const until = Date.now() + 60_000; Date.now() < until; await sleep(50)) {
        const ours = await sql(
          'postgres',
          `select from pg_stat_activity where application_name like 'nightjar%'`,
        ).catch(() => undefined);
        if (ours?.length === 0) return;
      }
      throw new Error('the server does not come to rest');
    },
  };
}
