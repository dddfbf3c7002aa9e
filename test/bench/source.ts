import type { Bytes } from '../../core/domain/units.ts';
import type { Login } from '../../core/engines/login.ts';
import { postgresRun } from '../../core/engines/postgres/programs.ts';
import { dumpRun } from '../../core/engines/mariadb/programs.ts';
import { programOutput } from '../../core/pipeline/program.ts';
import type { ByteStream } from '../../core/ports.ts';
import type { Tools } from '../../core/tools.ts';
import { fillMariadb } from '../data/mariadb/fill.ts';
import { fillPostgres } from '../data/postgres/fill.ts';
import { startMariadb } from '../servers/databases/mariadb.ts';
import { startPostgres } from '../servers/databases/postgres.ts';
import type { DatabaseServer } from '../servers/server.ts';
import { addDeliveries } from './deliveries.ts';
import type { EngineName } from './ways.ts';

const postgresSettings = {
  wal_level: 'minimal',
  max_wal_senders: '0',
  shared_buffers: '512MB',
  max_wal_size: '16GB',
  autovacuum: 'off',
};
const mariadbSettings = { 'innodb-buffer-pool-size': '1G', 'innodb-log-file-size': '1G' };

/** Of the dump, so much is the store's own: narrow rows. The rest is what integrations leave behind. */
const storeShare = 1 / 3;

/** A server that holds the clothing store's database `shop`, with a plain dump of about `megabytes`. */
export async function startWithStore(
  engine: EngineName,
  megabytes: number,
  signal: AbortSignal,
): Promise<DatabaseServer> {
  const server =
    engine === 'postgres'
      ? await startPostgres({ major: 18, settings: postgresSettings })
      : await startMariadb({ series: '11.8', settings: mariadbSettings });
  try {
    const fill = engine === 'postgres' ? fillPostgres : fillMariadb;
    await fill({ ...server, database: 'shop', megabytes: megabytes * storeShare }, signal);
    await addDeliveries(engine, { ...server, database: 'shop', megabytes: megabytes * (1 - storeShare) }, signal);
    return server;
  } catch (error) {
    await server.stop();
    throw error;
  }
}

export function loginOf({ host, port, user, password }: DatabaseServer, database: string): Login {
  return {
    host,
    port,
    user,
    password,
    database,
    tls: { mode: 'off' },
    lockTimeoutMs: 10_000,
    idleLimitMs: 300_000,
    parallel: 1,
  };
}

/** The rows of the database as the stock program prints them. */
export function plainDump(engine: EngineName, server: DatabaseServer, tools: Tools, signal: AbortSignal): ByteStream {
  const login = loginOf(server, 'shop');
  const run =
    engine === 'postgres'
      ? postgresRun(tools, 'pg_dump', 18, login, ['--section=data'])
      : dumpRun(tools, login, ['--no-create-info', '--skip-triggers', '--hex-blob', '--quick', '--complete-insert']);
  return programOutput(run, signal);
}

/** How large a plain dump is; reading it all also warms the caches for everybody. */
export async function dumpBytes(
  engine: EngineName,
  server: DatabaseServer,
  tools: Tools,
  signal: AbortSignal,
): Promise<Bytes> {
  let bytes = 0;
  for await (const chunk of plainDump(engine, server, tools, signal)) bytes += chunk.length;
  return bytes;
}
