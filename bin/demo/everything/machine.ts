import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startMariadb } from '../../../test/servers/databases/mariadb.ts';
import { startPostgres } from '../../../test/servers/databases/postgres.ts';
import { startRegistry } from '../../../test/servers/images/registry.ts';
import type { RegistryServer } from '../../../test/servers/images/registry.ts';
import type { DatabaseServer } from '../../../test/servers/server.ts';
import type { Teller } from '../teller.ts';

/** A machine of the demo: its disk is a folder, and three servers run on it. `nightjar`: where nightjar.yaml is. */
export type DemoMachine = {
  srv: string;
  nightjar: string;
  postgres: DatabaseServer;
  mariadb: DatabaseServer;
  registry: RegistryServer;
  /** Text of the documentation, with this machine's folders and ports. */
  here(text: string): string;
  /** Stops its servers and deletes its disk. */
  lose(): Promise<void>;
};

type Servers = Pick<DemoMachine, 'postgres' | 'mariadb' | 'registry'>;

/**
 * An empty machine, with its servers' passwords where the configuration expects them. `top`: a folder that outlives it.
 */
export async function emptyMachine(
  top: string,
  { report, say }: Pick<Teller, 'report' | 'say'>,
  signal: AbortSignal,
): Promise<DemoMachine> {
  const disk = join(top, 'machine');
  const [srv, nightjar] = [join(disk, 'srv'), join(disk, 'nightjar')];
  await mkdir(nightjar, { recursive: true });
  const servers = await started(report, signal);
  const { postgres, mariadb, registry } = servers;
  const registryPort = new URL(registry.url).port;
  say(`  PostgreSQL ${postgres.version}, port ${postgres.port}`);
  say(`  MariaDB ${mariadb.version}, port ${mariadb.port}`);
  say(`  a registry, port ${registryPort}`);
  await writeFile(join(nightjar, 'postgres.password'), postgres.password, { mode: 0o600 });
  await writeFile(join(nightjar, 'mariadb.password'), mariadb.password, { mode: 0o600 });
  return {
    srv,
    nightjar,
    postgres,
    mariadb,
    registry,
    here: (text) =>
      text
        .replaceAll('/srv', srv)
        .replaceAll('/mnt/backups', join(top, 'backups'))
        .replaceAll('5432', String(postgres.port))
        .replaceAll('3306', String(mariadb.port))
        .replaceAll('5000', registryPort),
    async lose() {
      await stopped(servers);
      await rm(disk, { recursive: true, force: true });
    },
  };
}

async function started(report: Teller['report'], signal: AbortSignal): Promise<Servers> {
  const all: Partial<Servers> = {};
  try {
    const postgres = (all.postgres = await startPostgres({ major: 18, report }, signal));
    const mariadb = (all.mariadb = await startMariadb({ series: '11.8', report }, signal));
    return { postgres, mariadb, registry: await startRegistry({}, signal) };
  } catch (error) {
    await stopped(all);
    throw error;
  }
}

async function stopped(servers: Partial<Servers>): Promise<void> {
  const ended = await Promise.allSettled(Object.values(servers).map((server) => server.stop()));
  const failed = ended.find((one) => one.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
