import { join } from 'node:path';
import { temporaryFolder } from '../folder.ts';
import { awkwardPassword } from '../identity.ts';
import { inFolder, launchDatabase } from '../launch.ts';
import { mysqlTls, mysqlVersion, writeRootLogin } from './mysql-login.ts';
import { freePort } from '../network.ts';
import { programVersion, runProgram } from '../process.ts';
import { serverRoot, type Root } from '../root.ts';
import { reportToStderr, startLimitMs, type DatabaseServer } from '../server.ts';
import { copyTemplate, template } from './template.ts';

export type MysqlOptions = {
  tls?: boolean;
  settings?: Readonly<Record<string, string>>;
  report?: (line: string) => void;
};

/**
 * An empty server of Oracle's MySQL; `root` logs in over TCP by `caching_sha2_password`. Takes two seconds, and more
 * when its data is first prepared.
 */
export async function startMysql(
  options: MysqlOptions = {},
  signal = AbortSignal.timeout(startLimitMs),
): Promise<DatabaseServer> {
  const { report = reportToStderr } = options;
  const root = await serverRoot({ name: 'mysql', suites: ['sid'], packages: ['mysql-server-core'] }, report, signal);
  const prepared = await preparedData(root, signal);
  return inFolder(await temporaryFolder('mysql'), async (folder) => {
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
      ...tls?.settings,
      port: String(access.port),
      'init-file': login,
      ...options.settings,
    };
    const args = ['--no-defaults', ...Object.entries(settings).map(([name, value]) => `--${name}=${value}`)];
    const launch = { program: join(root.path, 'usr/sbin/mysqld'), args, env: root.env, cwd: folder.path };
    return launchDatabase(
      { what: 'MySQL', launch, folder, dataDir, access, stopSignal: 'SIGKILL', askVersion: () => mysqlVersion(access) },
      signal,
    );
  });
}

/** Durability costs time and saves nothing here; everything else is as MySQL ships it. */
const quickSettings = {
  'bind-address': '127.0.0.1',
  'skip-name-resolve': 'ON',
  mysqlx: 'OFF',
  'secure-file-priv': 'NULL',
  'disable-log-bin': 'ON',
  'innodb-flush-log-at-trx-commit': '0',
  'innodb-doublewrite': 'OFF',
  'innodb-fast-shutdown': '2',
};

function ownPlaces(root: Root, dataDir: string): Record<string, string> {
  const share = {
    basedir: join(root.path, 'usr'),
    'lc-messages-dir': join(root.path, 'usr/share/mysql'),
    'plugin-dir': join(root.path, 'usr/lib/mysql/plugin'),
  };
  return { ...share, datadir: dataDir, tmpdir: dataDir, socket: 'mysql.sock', 'pid-file': join(dataDir, 'mysql.pid') };
}

async function preparedData(root: Root, signal: AbortSignal): Promise<string> {
  const program = join(root.path, 'usr/sbin/mysqld');
  const version = await programVersion(program, root.env, signal);
  return template('mysql', version, async (folder) => {
    const { basedir = '', 'lc-messages-dir': messages = '' } = ownPlaces(root, '');
    const places = [
      `--basedir=${basedir}`,
      `--lc-messages-dir=${messages}`,
      `--datadir=${join(folder, 'data')}`,
      `--tmpdir=${folder}`,
    ];
    await runProgram(
      {
        program,
        args: ['--no-defaults', ...places, '--initialize-insecure', '--secure-file-priv=NULL'],
        env: root.env,
        cwd: folder,
      },
      signal,
    );
  });
}
