import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { makeCertificate } from '../certificate.ts';
import { temporaryFolder, type TemporaryFolder } from '../folder.ts';
import { awkwardPassword, chownToServer } from '../identity.ts';
import { inFolder, launchDatabase } from '../launch.ts';
import { freePort } from '../network.ts';
import { postgresPackages, type PostgresMajor } from './postgres-packages.ts';
import { programVersion, runProgram } from '../process.ts';
import { opensslProgram, serverRoot, type Root } from '../root.ts';
import { reportToStderr, startLimitMs, type DatabaseServer } from '../server.ts';
import { copyTemplate, template } from './template.ts';

export type PostgresOptions = {
  major: PostgresMajor;
  tls?: boolean;
  settings?: Readonly<Record<string, string>>;
  report?: (line: string) => void;
};

/**
 * An empty PostgreSQL server of a major, with contrib; `postgres` is its superuser, over TCP with a password (SCRAM).
 * Takes half a second.
 */
export async function startPostgres(
  options: PostgresOptions,
  signal = AbortSignal.timeout(startLimitMs),
): Promise<DatabaseServer> {
  const { major, report = reportToStderr } = options;
  const root = await serverRoot(postgresPackages(major), report, signal);
  const prepared = await preparedData(root, major, signal);
  return inFolder(await temporaryFolder(`postgres-${major}`), async (folder) => {
    const dataDir = join(folder.path, 'data');
    await copyTemplate(join(prepared, 'data'), dataDir, signal);
    const tls = options.tls ? await serveTls(folder.path, dataDir, report, signal) : undefined;
    const password = await readFile(join(prepared, 'password'), 'utf8');
    return launch(
      {
        root,
        major,
        folder,
        dataDir,
        password,
        settings: { ...tls?.settings, ...options.settings },
        ...(tls && { caFile: tls.caFile }),
      },
      signal,
    );
  });
}

/**
 * A hot standby of a server, which follows it by streaming; ready when it answers, which may be before it has caught
 * up.
 */
export async function startStandby(
  primary: DatabaseServer,
  options: PostgresOptions,
  signal = AbortSignal.timeout(startLimitMs),
): Promise<DatabaseServer> {
  const { major, report = reportToStderr, settings = {} } = options;
  const root = await serverRoot(postgresPackages(major), report, signal);
  return inFolder(await temporaryFolder(`standby-${major}`), async (folder) => {
    const dataDir = join(folder.path, 'data');
    const { host, port, user, password } = primary;
    const login = { PGHOST: host, PGPORT: String(port), PGUSER: user, PGPASSWORD: password };
    // the login of the standby itself: pg_basebackup writes it into the copy (--write-recovery-conf)
    const args = ['-D', dataDir, '--wal-method=stream', '--checkpoint=fast', '--no-sync', '--write-recovery-conf'];
    await runProgram(
      { program: join(programs(root, major), 'pg_basebackup'), args, env: { ...root.env, ...login }, cwd: folder.path },
      signal,
    );
    return launch({ root, major, folder, dataDir, password, settings }, signal);
  });
}

type Prepared = {
  root: Root;
  major: PostgresMajor;
  folder: TemporaryFolder;
  dataDir: string;
  password: string;
  settings: Readonly<Record<string, string>>;
  caFile?: string;
};

async function launch(
  { root, major, folder, dataDir, password, settings: wanted, caFile }: Prepared,
  signal: AbortSignal,
): Promise<DatabaseServer> {
  const settings: Record<string, string> = { ...quickSettings, port: String(await freePort()), ...wanted };
  const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const access = {
    host: '127.0.0.1',
    port: Number(settings['port']),
    user: 'postgres',
    password,
    ...(caFile !== undefined && { caFile }),
  };
  const server = {
    program: join(programs(root, major), 'postgres'),
    args: ['-D', dataDir, ...args],
    env: root.env,
    cwd: folder.path,
  };
  return launchDatabase(
    {
      what: `PostgreSQL ${major}`,
      launch: server,
      folder,
      dataDir,
      access,
      stopSignal: 'SIGQUIT',
      askVersion: () => askVersion(access),
    },
    signal,
  );
}

/**
 * Durability costs time and saves nothing here; everything else is as PostgreSQL ships it, but for memory that a killed
 * server would leave in /dev/shm: it lies in the data, and goes with them.
 */
const quickSettings = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  fsync: 'off',
  full_page_writes: 'off',
  dynamic_shared_memory_type: 'mmap',
  timezone: 'UTC',
  log_timezone: 'UTC',
  lc_messages: 'C',
};

/**
 * Each login takes a client milliseconds of processor for the 4,096 rounds over a password, by SCRAM's default; a run of
 * the tests logs in tens of thousands of times. Servers before 16 can't be told.
 */
const quickLogins = ['-c', 'scram_iterations=1'];

function programs(root: Root, major: PostgresMajor): string {
  return join(root.path, 'usr/lib/postgresql', String(major), 'bin');
}

async function preparedData(root: Root, major: PostgresMajor, signal: AbortSignal): Promise<string> {
  const initdb = join(programs(root, major), 'initdb');
  const version = await programVersion(initdb, root.env, signal);
  const kept = major >= 16 ? quickLogins : [];
  return template(`postgresql-${major}`, [version, ...kept].join(' '), async (folder) => {
    const passwordFile = join(folder, 'password');
    await writeFile(passwordFile, awkwardPassword(), { mode: 0o600 });
    await chownToServer(passwordFile);
    const args = [
      '-D',
      join(folder, 'data'),
      '-U',
      'postgres',
      '-E',
      'UTF8',
      '--locale=C.UTF-8',
      '--auth=scram-sha-256',
      `--pwfile=${passwordFile}`,
      '--no-sync',
      ...kept,
    ];
    await runProgram({ program: initdb, args, env: root.env, cwd: folder }, signal);
  });
}

/** With TLS the server takes nothing else, so that a test can't pass over a plain connection by mistake. */
async function serveTls(
  folder: string,
  dataDir: string,
  report: (line: string) => void,
  signal: AbortSignal,
): Promise<{ caFile: string; settings: Record<string, string> }> {
  const made = await makeCertificate(folder, await opensslProgram(report, signal), signal);
  await writeFile(join(dataDir, 'pg_hba.conf'), 'hostssl all,replication all 127.0.0.1/32 scram-sha-256\n');
  return {
    caFile: made.caFile,
    settings: { ssl: 'on', ssl_cert_file: made.certificateFile, ssl_key_file: made.keyFile },
  };
}

async function askVersion({
  caFile,
  ...access
}: Pick<DatabaseServer, 'host' | 'port' | 'user' | 'password' | 'caFile'>): Promise<string> {
  const ssl = caFile === undefined ? {} : { ssl: { ca: await readFile(caFile, 'utf8') } };
  const client = new pg.Client({ ...access, database: 'postgres', connectionTimeoutMillis: 5_000, ...ssl });
  try {
    await client.connect();
    const { rows } = await client.query<{ server_version: string }>('SHOW server_version');
    return rows[0]?.server_version ?? '';
  } finally {
    await client.end();
  }
}
