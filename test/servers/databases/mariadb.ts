import { join } from 'node:path';
import type { DebianWant } from '../../../layers/db-tools/debian/debian.ts';
import { makeOwnCertificate } from '../certificate.ts';
import { temporaryFolder } from '../folder.ts';
import { awkwardPassword } from '../identity.ts';
import { inFolder, launchDatabase } from '../launch.ts';
import { mysqlTls, mysqlVersion, writeRootLogin } from './mysql-login.ts';
import { freePort } from '../network.ts';
import { programVersion, runProgram } from '../process.ts';
import { opensslProgram, serverRoot, type Root } from '../root.ts';
import { reportToStderr, startLimitMs, type DatabaseServer } from '../server.ts';
import { copyTemplate, template } from './template.ts';

export type MariadbSeries = '10.11' | '11.8';
export type MariadbOptions = {
  series: MariadbSeries;
  tls?: boolean;
  settings?: Readonly<Record<string, string>>;
  report?: (line: string) => void;
};

const suites: Record<MariadbSeries, DebianWant['suites']> = { '10.11': ['bookworm'], '11.8': ['trixie'] };
const packages = ['mariadb-server-core', 'mariadb-client-core'];

/** An empty MariaDB server of a series; `root` logs in over TCP with a password. Takes about a second. */
export async function startMariadb(
  options: MariadbOptions,
  signal = AbortSignal.timeout(startLimitMs),
): Promise<DatabaseServer> {
  const { series, report = reportToStderr } = options;
  const root = await serverRoot({ name: `mariadb-${series}`, suites: suites[series], packages }, report, signal);
  const prepared = await preparedData(root, series, report, signal);
  return inFolder(await temporaryFolder(`mariadb-${series}`), async (folder) => {
    const dataDir = join(folder.path, 'data');
    await copyTemplate(join(prepared, 'data'), dataDir, signal);
    const tls = options.tls ? await mysqlTls(folder.path, report, signal) : undefined;
    const access = {
      host: '127.0.0.1',
      port: await freePort(),
      user: 'root',
      password: awkwardPassword(),
      ...(tls && { caFile: tls.caFile }),
    };
    const login = await writeRootLogin(folder.path, access.password);
    const settings = {
      ...ownPlaces(root, dataDir),
      ...quickSettings,
      ...(makesCertificate(series) && { 'ssl-cert': join(prepared, 'own.pem'), 'ssl-key': join(prepared, 'own.key') }),
      ...tls?.settings,
      port: String(access.port),
      'init-file': login,
      ...options.settings,
    };
    const args = ['--no-defaults', ...Object.entries(settings).map(([name, value]) => `--${name}=${value}`)];
    const launch = { program: join(root.path, 'usr/sbin/mariadbd'), args, env: root.env, cwd: folder.path };
    const askVersion = (): Promise<string> => mysqlVersion(access);
    return launchDatabase(
      { what: `MariaDB ${series}`, launch, folder, dataDir, access, stopSignal: 'SIGKILL', askVersion },
      signal,
    );
  });
}

/** Durability costs time and saves nothing here; everything else is as MariaDB ships it. */
const quickSettings = {
  'bind-address': '127.0.0.1',
  'skip-name-resolve': 'ON',
  'innodb-flush-log-at-trx-commit': '0',
  'innodb-doublewrite': 'OFF',
  'innodb-fast-shutdown': '2',
  'innodb-log-file-size': '16M',
};

function ownPlaces(root: Root, dataDir: string): Record<string, string> {
  return {
    basedir: join(root.path, 'usr'),
    datadir: dataDir,
    tmpdir: dataDir,
    socket: 'mariadb.sock',
    'pid-file': join(dataDir, 'mariadb.pid'),
  };
}

/**
 * From 11.4 on, a server without a certificate makes one at each start: the search for its primes takes up to two
 * seconds. Ours is made once.
 */
const makesCertificate = (series: MariadbSeries): boolean => series !== '10.11';

async function preparedData(
  root: Root,
  series: MariadbSeries,
  report: (line: string) => void,
  signal: AbortSignal,
): Promise<string> {
  const version = await programVersion(join(root.path, 'usr/sbin/mariadbd'), root.env, signal);
  const identity = makesCertificate(series) ? `${version} with a certificate` : version;
  return template(`mariadb-${series}`, identity, async (folder) => {
    if (makesCertificate(series)) await makeOwnCertificate(folder, await opensslProgram(report, signal), signal);
    const installer = join(root.path, 'usr/bin/mariadb-install-db');
    const places = [`--basedir=${join(root.path, 'usr')}`, `--datadir=${join(folder, 'data')}`, `--tmpdir=${folder}`];
    const choices = [
      '--auth-root-authentication-method=normal',
      '--skip-test-db',
      '--skip-name-resolve',
      '--innodb-log-file-size=16M',
    ];
    await runProgram(
      { program: '/bin/sh', args: [installer, '--no-defaults', ...places, ...choices], env: root.env, cwd: folder },
      signal,
    );
  });
}
