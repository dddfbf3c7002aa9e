import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fillMariadb } from '../../test/data/mariadb/fill.ts';
import { fillPostgres } from '../../test/data/postgres/fill.ts';
import { temporaryFolder } from '../../test/servers/folder.ts';
import { startMariadb } from '../../test/servers/databases/mariadb.ts';
import { startPostgres } from '../../test/servers/databases/postgres.ts';
import type { DatabaseServer } from '../../test/servers/server.ts';
import { writeConfig } from './config.ts';
import { askMariadb, askPostgres } from './questions.ts';
import { database, type Shop } from './shop.ts';
import type { Teller } from './teller.ts';

/** Everything that runs during the demo. */
export type Stage = {
  folder: string;
  /** The binary layer, for the command line. */
  layer: string;
  shops: readonly Shop[];
  close(): Promise<void>;
};

const postgresSettings = { wal_level: 'minimal', max_wal_senders: '0', max_wal_size: '4GB', shared_buffers: '256MB' };
const mariadbSettings = { 'innodb-buffer-pool-size': '512M', 'innodb-log-file-size': '256M' };

/** Starts both servers, empty, and writes the configuration. Downloads what is missing, and says so. */
export async function openStage(
  layer: string,
  { report }: Pick<Teller, 'report'>,
  signal: AbortSignal,
): Promise<Stage> {
  const folder = await temporaryFolder('demo');
  const started: DatabaseServer[] = [];
  async function close(): Promise<void> {
    const ended = await Promise.allSettled([...started.map((server) => server.stop()), folder.remove()]);
    const failed = ended.find((one) => one.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }
  try {
    const postgres = await startPostgres({ major: 18, settings: postgresSettings, report }, signal);
    started.push(postgres);
    const mariadb = await startMariadb({ series: '11.8', settings: mariadbSettings, report }, signal);
    started.push(mariadb);
    const shops: Shop[] = [
      {
        source: 'shop-pg',
        product: 'PostgreSQL',
        engine: 'postgres',
        server: postgres,
        ask: askPostgres({ ...postgres, database }),
      },
      {
        source: 'shop-maria',
        product: 'MariaDB',
        engine: 'mariadb',
        server: mariadb,
        ask: askMariadb({ ...mariadb, database }),
      },
    ];
    await mkdir(join(folder.path, 'backups'));
    await writeConfig(folder.path, shops);
    return { folder: folder.path, layer, shops, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Fills both databases, at the same time. */
export async function fillShops({ shops }: Stage, megabytes: number, signal: AbortSignal): Promise<void> {
  const fill = { postgres: fillPostgres, mariadb: fillMariadb };
  await Promise.all(
    shops.map(({ engine, server }) =>
      fill[engine](
        { ...server, database, megabytes: engine === 'postgres' ? megabytes * 0.6 : megabytes * 0.4 },
        signal,
      ),
    ),
  );
}
