import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from '@jest/globals';
import type mysql from 'mysql2/promise';
import { startMariadb } from '../../servers/databases/mariadb.ts';
import { startMysql } from '../../servers/databases/mysql.ts';
import { startPostgres } from '../../servers/databases/postgres.ts';
import type { DatabaseServer } from '../../servers/server.ts';
import { drawnRounds, interruptedModes, interruptedRuns } from '../../support/faults/interruptions.ts';
import type { InterruptedRound, InterruptedWorld } from '../../support/faults/interruptions.ts';
import { connect } from '../../support/mariadb/mariadb.ts';
import { runSql } from '../../support/postgres.ts';

/**
 * NIGHTJAR_KILLS=60 NIGHTJAR_SEED=7: so many of each engine instead of these, in every mode and of every kind;
 * NIGHTJAR_MODES=empty,replace: in these modes alone.
 */
const kills = Number(process.env['NIGHTJAR_KILLS'] ?? 0);
const seed = Number(process.env['NIGHTJAR_SEED'] ?? 20261129);
const asked = process.env['NIGHTJAR_MODES']?.split(',');
const modes = interruptedModes.filter((mode) => asked?.includes(mode) ?? true);
const usual: Record<string, InterruptedRound[]> = {
  PostgreSQL: [
    { mode: 'drill', by: 'us', share: 0.7 },
    { mode: 'empty', by: 'store', share: 0.9 },
  ],
  'PostgreSQL with a minimal log': [
    // at once behind its end
    { mode: 'beside', by: 'server', share: 50 },
    { mode: 'archive', by: 'server', share: 0.4 },
  ],
  MariaDB: [{ mode: 'replace', by: 'server', share: 0.9 }],
};
/** What the rounds above stand for: these take theirs only when they are asked for. */
const more = [
  ['PostgreSQL 13 with a minimal log', () => postgresWorld(minimalLog, 13)],
  [
    'MySQL',
    async () => mariadbWorld(await startMysql({ tls: true, settings: durable }), 'performance_schema.processlist'),
  ],
] as const;
const stops: (() => Promise<void>)[] = [];
afterAll(() => Promise.all(stops.map((stop) => stop())));

test.each([
  ['PostgreSQL', () => postgresWorld()],
  // rows are loaded in the transaction that empties their table, and stand in no log
  ['PostgreSQL with a minimal log', () => postgresWorld(minimalLog)],
  [
    'MariaDB',
    async () =>
      mariadbWorld(await startMariadb({ series: '11.8', settings: durable }), 'information_schema.processlist'),
  ],
  ...(kills > 0 ? more : []),
] as const)(
  'a restore of %s that is interrupted leaves the old database or the new one, whole, and the next run succeeds and leaves nothing',
  async (name, open) => {
    const runs = await interruptedRuns(await open());
    const rounds = kills === 0 ? usual[name]! : drawnRounds(kills, seed, modes);
    const wrong: string[] = [];
    for (const [index, round] of rounds.entries()) {
      const found = await runs
        .interrupted(round)
        .catch((error: unknown) => [String(error instanceof Error ? error.stack : error)]);
      const told = `${name} ${index} ${round.mode} ${round.by} ${round.share.toFixed(3)}`;
      if (kills > 0) process.stderr.write(`${told}: ${found.length === 0 ? 'as it must be' : found.join('\n  ')}\n`);
      wrong.push(...found.map((line) => `${told}: ${line}`));
    }
    await runs.remove();

    expect(wrong).toEqual([]);
    // what nothing has cut shows nothing
    expect(runs.cut()).toBeGreaterThan(0);
  },
  120_000 + kills * 60_000,
);

const minimalLog = { wal_level: 'minimal', max_wal_senders: '0', wal_skip_threshold: '0' };

async function postgresWorld(settings: Record<string, string> = {}, major: 13 | 18 = 18): Promise<InterruptedWorld> {
  const server = await startPostgres({ major, settings });
  stops.push(() => server.stop());
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
    async whole(database) {
      const found = await rows(database);
      if (found === undefined) return undefined;
      const [rest] = await sql(
        database,
        `select (select string_agg(pg_get_viewdef(oid), ';' order by relname) from pg_class where relkind = 'v' and relnamespace = 'public'::regnamespace) as views,
          (select string_agg(indexdef, ';' order by indexname) from pg_indexes where schemaname = 'public') as indexes,
          (select string_agg(pg_get_triggerdef(oid), ';' order by tgname) from pg_trigger where not tgisinternal) as triggers,
          (select count(*) from pg_index where not indisvalid) as bad, (select count(*) from pg_sequences) as sequences`,
      );
      return `${found} ${JSON.stringify(rest)}`;
    },
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

/** A commit must outlive the server. */
const durable = { 'innodb-flush-log-at-trx-commit': '2' };
/** Neither server goes on beyond a thousand by itself. */
const upTo3000 = `with recursive s as (select 1 as n union all select n + 1 from s where n < 1000)
  select n + 1000 * k as n from s, (select 0 as k union select 1 union select 2) t`;

async function mariadbWorld(server: DatabaseServer, sessions: string): Promise<InterruptedWorld> {
  stops.push(() => server.stop());
  const { host, port, user, password } = server;
  async function sql(text: string): Promise<mysql.RowDataPacket[]> {
    const connection = await connect(server);
    try {
      const [found] = await connection.query<mysql.RowDataPacket[]>(text);
      return found;
    } finally {
      await connection.end();
    }
  }
  await sql(
    `create database shop; use shop; create table orders (id int primary key, item text, key (item(50)));
    create table stamps (word varchar(50) primary key);
    insert into orders select n, repeat(sha2(n, 256), 10) from (${upTo3000}) x;
    create view dear as select id from orders where id > 2000;
    create trigger stamped before insert on orders for each row set @stamped = 1;
    create procedure answer() select 42; create event nightly on schedule every 1 day starts '2037-01-01 00:00:00' do set @x = 1`,
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
    async whole(database) {
      const found = await rows(database);
      if (found === undefined) return undefined;
      const rest = await sql(
        `select concat('view ', table_name, ' ', replace(view_definition, '${database}', '')) as what from information_schema.views where table_schema = '${database}'
        union all select concat('trigger ', trigger_name, ' ', action_statement, definer) from information_schema.triggers where trigger_schema = '${database}'
        union all select concat('routine ', routine_name, ' ', routine_definition, definer) from information_schema.routines where routine_schema = '${database}'
        union all select concat('event ', event_name, ' ', event_definition, definer) from information_schema.events where event_schema = '${database}'
        order by 1`,
      );
      return `${found} ${JSON.stringify(rest)}`;
    },
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
