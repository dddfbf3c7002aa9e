import pg from 'pg';
import { mariadbEngine } from '../../core/engines/mariadb/index.ts';
import { postgresEngine } from '../../core/engines/postgres/index.ts';
import { engineContract } from '../contract/engine/engine-contract.ts';
import type { EngineUnderTest, Lines } from '../contract/engine/engine-contract.ts';
import { startMariadb } from '../servers/databases/mariadb.ts';
import { startPostgres } from '../servers/databases/postgres.ts';
import { connect, loginTo } from '../support/mariadb/mariadb.ts';
import { runSql } from '../support/postgres.ts';
import { layerTools } from '../support/tools.ts';

engineContract('PostgreSQL', async () => {
  const [server, tools] = await Promise.all([startPostgres({ major: 18 }), layerTools()]);
  const sql = (database: string, text: string) => runSql(server, database, text);
  return {
    engine: (database) => postgresEngine(loginTo(server, database, { parallel: 2 }), tools),
    async make(database, tables) {
      await sql('postgres', `create database "${database}" template template0`);
      for (const [table, rows] of Object.entries(tables))
        await sql(database, `create table "${table}" (line text); ${inserted(`"${table}"`, rows, pg.escapeLiteral)}`);
    },
    add: async (database, rows) => {
      const adding = Object.entries(rows).map(([table, row]) => inserted(`"${table}"`, [row], pg.escapeLiteral));
      await sql(database, `begin; ${adding.join(' ')} commit`);
    },
    async rowsIn(database) {
      const there = await sql('postgres', `select from pg_database where datname = '${database}'`);
      if (there.length === 0) return undefined;
      const tables = await sql(
        database,
        `select relname as name from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace`,
      );
      return rowsOf(tables, (table) => sql(database, `select line from "${table}"`));
    },
    async left() {
      const sessions = await sql(
        'postgres',
        `select query from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()`,
      );
      const databases = await sql('postgres', `select datname from pg_database where datname like 'nightjar%'`);
      return [...sessions, ...databases].map((one) => JSON.stringify(one));
    },
    close: () => server.stop(),
  } satisfies EngineUnderTest;
});

engineContract('MariaDB', async () => {
  const [server, tools] = await Promise.all([startMariadb({ series: '11.8' }), layerTools()]);
  const connection = await connect(server);
  const sql = async (text: string) => {
    const [found] = await connection.query(text);
    return (Array.isArray(found) ? found : []) as Record<string, unknown>[];
  };
  const literal = (row: string) => connection.escape(row);
  const named = (database: string, table: string) => `\`${database}\`.\`${table}\``;
  return {
    engine: (database) => mariadbEngine(loginTo(server, database), tools),
    async make(database, tables) {
      await sql(`create database \`${database}\` character set utf8mb4`);
      for (const [table, rows] of Object.entries(tables))
        await sql(
          `create table ${named(database, table)} (line text); ${inserted(named(database, table), rows, literal)}`,
        );
    },
    add: async (database, rows) => {
      const adding = Object.entries(rows).map(([table, row]) => inserted(named(database, table), [row], literal));
      await sql(`begin; ${adding.join(' ')} commit`);
    },
    async rowsIn(database) {
      const there = await sql(`select 1 from information_schema.schemata where schema_name = '${database}'`);
      if (there.length === 0) return undefined;
      const tables = await sql(
        `select table_name as name from information_schema.tables where table_schema = '${database}'`,
      );
      return rowsOf(tables, (table) => sql(`select line from ${named(database, table)}`));
    },
    async left() {
      const sessions = await sql(
        `select info, state from information_schema.processlist where id <> connection_id() and user = '${server.user}'`,
      );
      const databases = await sql(
        `select schema_name from information_schema.schemata where schema_name like '%_check'`,
      );
      return [...sessions, ...databases].map((one) => JSON.stringify(one));
    },
    async close() {
      await connection.end();
      await server.stop();
    },
  } satisfies EngineUnderTest;
});

function inserted(table: string, rows: Lines[string], literal: (row: string) => string): string {
  return rows.length === 0 ? '' : `insert into ${table} values ${rows.map((row) => `(${literal(row)})`).join(', ')};`;
}

async function rowsOf(
  tables: Record<string, unknown>[],
  read: (table: string) => Promise<Record<string, unknown>[]>,
): Promise<Record<string, string[]>> {
  const found: Record<string, string[]> = {};
  for (const { name } of tables) found[String(name)] = (await read(String(name))).map(({ line }) => String(line));
  return found;
}
