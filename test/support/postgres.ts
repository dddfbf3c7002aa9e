import { fileURLToPath } from 'node:url';
import pg from 'pg';
import type { Source } from '../../core/ports.ts';
import type { SourceName } from '../../core/domain/keys.ts';
import type { Login } from '../../core/engines/login.ts';
import { postgresEngine } from '../../core/engines/postgres/index.ts';
import type { Tools } from '../../core/tools.ts';
import { folderScene } from './vaults/vault.ts';
import { everyFeaturePostgres } from '../servers/databases/databases.ts';
import { startPostgres } from '../servers/databases/postgres.ts';
import type { PostgresOptions } from '../servers/databases/postgres.ts';
import type { DatabaseServer } from '../servers/server.ts';
import type { PostgresMajor } from '../servers/databases/postgres-packages.ts';
import { layerTools } from './tools.ts';

export { limit } from './vaults/vault.ts';

/** A PostgreSQL server, the layer's programs, and a folder as the vault: what a backup needs, all real. */
export async function postgresScene(major: PostgresMajor, settings: PostgresOptions['settings'] = {}) {
  const server = await startPostgres({ major, settings });
  const tools = await layerTools();
  const scene = await folderScene();
  const login = (database: string, more: Partial<Login> = {}): Login => ({
    host: server.host,
    port: server.port,
    user: server.user,
    password: server.password,
    database,
    tls: { mode: 'off' },
    lockTimeoutMs: 2000,
    idleLimitMs: 30_000,
    parallel: 2,
    ...more,
  });
  return {
    server,
    tools,
    ...scene,
    login,
    /** Runs SQL as the superuser. */
    sql: (database: string, text: string) => runSql(server, database, text),
    source: (
      database: string,
      options: { tools?: Tools; sliceBytes?: number; login?: Partial<Login> } = {},
    ): Source => ({
      name: 'shop' as SourceName,
      engine: postgresEngine(login(database, options.login), options.tools ?? tools, options.sliceBytes),
      timeZone: 'UTC',
      retention: { last: 0, hourly: 0, daily: 7, weekly: 4, monthly: 12, yearly: 5, keepWithinMs: 0 },
      compressionLevel: 1,
      parallel: 2,
    }),
    async stop(): Promise<void> {
      await server.stop();
      await scene.remove();
    },
  };
}

/** Makes a database `every`, with every kind of object and value that its server knows. */
export async function makeEvery({
  server: { host, port, user, password },
  sql,
}: Pick<PostgresScene, 'server' | 'sql'>): Promise<void> {
  await sql('postgres', `create database every template template0 encoding 'UTF8'`);
  const client = new pg.Client({ host, port, user, password, database: 'every' });
  await client.connect();
  await everyFeaturePostgres(client).finally(() => client.end());
}

/** Runs SQL as the superuser of a server, and returns the rows of all its statements. */
export async function runSql(
  { host, port, user, password }: DatabaseServer,
  database: string,
  text: string,
): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ host, port, user, password, database });
  client.on('error', () => {}); // a server that is gone: the answer that is waited for tells
  await client.connect();
  try {
    const results: unknown = await client.query(text);
    return (Array.isArray(results) ? results : [results]).flatMap(
      (result: pg.QueryResult) => result.rows as Record<string, unknown>[],
    );
  } finally {
    await client.end();
  }
}

export type PostgresScene = Awaited<ReturnType<typeof postgresScene>>;

const dumpScript = fileURLToPath(new URL('../fixtures/programs/dump.sh', import.meta.url));

/**
 * The real programs, but for the one that prints rows, which goes wrong in one of the ways of
 * test/fixtures/programs/dump.sh.
 */
export function brokenTools(tools: Tools, which: 'pg_dump' | 'psql', how: string): Tools {
  return {
    ...tools,
    program(name, major) {
      const real = tools.program(name, major);
      if (name !== which) return real;
      const choose = `case "$*" in *--section=data*|*--file=-*) exec "${dumpScript}" ${how};; *) exec "$@";; esac`;
      return { ...real, command: '/bin/sh', args: ['-c', choose, 'sh', real.command, ...real.args] };
    },
  };
}
