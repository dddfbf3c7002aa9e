import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openTools, type Program, type Tools } from '../../../core/tools.ts';
import { attempt } from '../../../layers/db-tools/debian/run.ts';
import { startMariadb } from '../../servers/databases/mariadb.ts';
import { startPostgres } from '../../servers/databases/postgres.ts';
import { serverRoot } from '../../servers/root.ts';
import type { DatabaseServer } from '../../servers/server.ts';
import { emptyRoot, startedAs, type EmptyRoot, type Ended } from './empty-root.ts';
import { buildLimitMs, nativeArchitecture, openLayer, type Layer, type LayerProgram } from './native-layer.ts';

/**
 * What tells where names of hosts, services and users are kept is read from the host's files; no module of it is
 * loaded.
 */
const meant =
  /^\/(etc\/(nsswitch\.conf|resolv\.conf|hosts|host\.conf|gai\.conf|services|passwd|gss\/mech\.d)|dev\/null|proc\/|sys\/)/;

const openedFile = /open(?:at)?\((?:AT_FDCWD, )?"(\/[^"]*)".*\) = \d/g;

let layer: Layer;
let tools: Tools;
let strace: string;
let folder: string;
const servers: DatabaseServer[] = [];

beforeAll(async () => {
  layer = await openLayer(nativeArchitecture);
  tools = await openTools(layer.folder);
  const report = (line: string): void => void process.stderr.write(`${line}\n`);
  strace = join(
    (
      await serverRoot(
        { name: 'strace', suites: ['trixie'], packages: ['strace'] },
        report,
        AbortSignal.timeout(buildLimitMs),
      )
    ).path,
    'usr/bin/strace',
  );
  folder = await mkdtemp(join(tmpdir(), 'nightjar-strace-'));
  servers.push(await startPostgres({ major: 17, tls: true }), await startMariadb({ series: '11.8', tls: true }));
}, buildLimitMs);

afterAll(async () => {
  for (const server of servers) await server.stop();
  await rm(folder, { recursive: true });
});

test.each(['psql', 'pg_dump'] as const)(
  '%s opens no file of the host while it works over TLS, whatever the host’s OpenSSL and Kerberos are set to',
  async (name) => {
    const [{ port, user, password, caFile }] = servers as [DatabaseServer];
    const env = {
      PGPASSWORD: password,
      PGSSLMODE: 'verify-full',
      PGSSLROOTCERT: caFile!,
      PGPASSFILE: '/dev/null/none',
      PGSERVICEFILE: '/dev/null',
      PSQLRC: '/dev/null',
      PGDATABASE: 'postgres',
    };
    const args = [
      '--host=localhost',
      `--port=${port}`,
      `--username=${user}`,
      ...(name === 'psql' ? ['--no-psqlrc', '--command=select 1'] : ['--schema-only']),
    ];

    expect(await opened(tools.program(name, 17), args, env)).toEqual([]);
  },
);

test.each(['mariadb', 'mariadb-dump'] as const)(
  '%s opens no file of the host while it works over TLS',
  async (name) => {
    const [, { port, user, password, caFile }] = servers as [DatabaseServer, DatabaseServer];
    const login = [
      '--no-defaults',
      '--protocol=tcp',
      '--host=localhost',
      `--port=${port}`,
      `--user=${user}`,
      `--ssl-ca=${caFile}`,
      '--ssl-verify-server-cert',
    ];

    expect(
      await opened(
        tools.program(name),
        [...login, ...(name === 'mariadb' ? ['--execute=select 1'] : ['mysql', 'time_zone'])],
        { MYSQL_PWD: password },
      ),
    ).toEqual([]);
  },
);

test(
  'in an empty root every program opens files of the layer alone',
  async () => {
    const root = await emptyRoot(layer, [join(strace, '../../..')]);
    const words = wordsOf(await readFile(strace, 'utf8'), strace);
    const opened = [];
    for (const program of layer.programs) {
      const { status, complaint } = await root.runPath([
        ...words,
        '-f',
        '-e',
        'trace=open,openat',
        '--',
        ...startedAs(program),
        '--version',
      ]);
      expect({ program: program.name, status }).toEqual({ program: program.name, status: 0 });
      opened.push(...[...complaint.matchAll(openedFile)].map(([, path]) => path!));
    }
    await root.remove();

    expect(opened.length).toBeGreaterThan(layer.programs.length);
    expect(opened.filter((path) => !path.startsWith('/opt/nightjar/') && !path.startsWith('/proc/'))).toEqual([]);
  },
  buildLimitMs,
);

/**
 * A host whose name service switch names modules of its own for everything, with such modules in every folder where
 * Debian's C library looks: the layer's programs must look names up without them. A program of the host itself, which
 * does load them, shows that the trap works.
 */
describe('on a host whose nsswitch.conf names modules of its own', () => {
  const databases = ['passwd', 'group', 'hosts', 'services', 'protocols', 'networks', 'netgroup', 'initgroups'];
  const triplet = nativeArchitecture === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';
  const trap = 'libnss_trap.so.2';
  let root: EmptyRoot;
  let straceWords: string[];

  beforeAll(async () => {
    const straceRoot = join(strace, '../../..');
    straceWords = wordsOf(await readFile(strace, 'utf8'), strace);
    root = await emptyRoot(layer, [straceRoot, '/dev', '/proc']);
    await root.give(
      'etc/nsswitch.conf',
      databases.map((name) => `${name}: trap [!UNAVAIL=return] files dns\n`).join(''),
    );
    await root.give('etc/hosts', '127.0.0.1 localhost\n');
    await root.give('etc/passwd', 'somebody:x:12345:12345::/nonexistent:/bin/false\n');
    const module = await readFile(join(layer.home, 'lib/libz.so.1'));
    for (const place of [`lib/${triplet}`, `usr/lib/${triplet}`, 'lib', 'usr/lib'])
      await root.give(`${place}/${trap}`, module);
    for (const [number, { caFile }] of servers.entries()) await root.give(`ca/${number}.pem`, await readFile(caFile!));
    await root.give(
      'host-ld.so',
      Buffer.from(asDebianBuiltIt(await readFile(join(layer.home, 'lib/ld.so'), 'latin1')), 'latin1'),
    );
  });
  afterAll(() => root?.remove());

  const pg = (major: number, name: string, args: string[]): [LayerProgram, string[], Record<string, string>] => {
    const [{ port, user, password }] = servers as [DatabaseServer];
    const env = {
      PGPASSWORD: password,
      PGSSLMODE: 'verify-full',
      PGSSLROOTCERT: '/ca/0.pem',
      PGDATABASE: 'postgres',
      ...tools.program('psql', 17).env,
    };
    return [programOf(name, major), ['--host=localhost', `--port=${port}`, `--username=${user}`, ...args], env];
  };
  const maria = (name: string, args: string[]): [LayerProgram, string[], Record<string, string>] => {
    const [, { port, user, password }] = servers as [DatabaseServer, DatabaseServer];
    const login = [
      '--no-defaults',
      '--protocol=tcp',
      '--host=localhost',
      `--port=${port}`,
      `--user=${user}`,
      '--ssl-ca=/ca/1.pem',
      '--ssl-verify-server-cert',
    ];
    return [programOf(name), [...login, ...args], { MYSQL_PWD: password, ...tools.program('mariadb').env }];
  };
  const runs: [string, () => [LayerProgram, string[], Record<string, string>]][] = [
    ['psql', () => pg(17, 'psql', ['--no-psqlrc', '--command=select 1'])],
    ['psql of 18', () => pg(18, 'psql', ['--no-psqlrc', '--command=select 1'])],
    ['pg_dump', () => pg(17, 'pg_dump', ['--schema-only'])],
    ['mariadb', () => maria('mariadb', ['--execute=select 1'])],
    ['mariadb-dump', () => maria('mariadb-dump', ['mysql', 'time_zone'])],
  ];

  test.each(runs)(
    '%s connects by name, over TLS, and loads none of them',
    async (_, run) => {
      const [program, args, env] = run();

      const { ended, files } = await watched([...startedAs(program), ...args], env);

      expect(ended).toMatchObject({ status: 0, complaint: '' });
      expect(files).toContain('/etc/nsswitch.conf');
      expect(files.filter((path) => !/^\/(opt|ca)\//.test(path) && !meant.test(path))).toEqual([]);
    },
    120_000,
  );

  test('psql that must look its user up, for nobody has told it who it is, asks the files alone', async () => {
    const { files } = await watched(
      [...startedAs(programOf('psql', 17)), '--host=localhost', '--port=1', '--command=select 1'],
      {},
    );

    expect(files).toContain('/etc/nsswitch.conf');
    expect(files).toContain('/etc/passwd');
    expect(files.filter((path) => path.includes('libnss'))).toEqual([]);
  }, 120_000);

  test('the trap works: the same program with Debian’s own loader loads the module', async () => {
    const { path, argv0 } = programOf('psql', 17);
    const words = [
      '/host-ld.so',
      '--inhibit-cache',
      '--library-path',
      '/opt/nightjar/lib',
      '--argv0',
      `/opt/nightjar/${argv0}`,
      `/opt/nightjar/${path}`,
    ];

    const { files } = await watched([...words, '--host=localhost', '--port=1', '--command=select 1'], {});

    expect(files.filter((file) => file.endsWith(trap))).toEqual([`/lib/${triplet}/${trap}`]);
  }, 120_000);

  async function watched(
    words: readonly string[],
    env: Record<string, string>,
  ): Promise<{ ended: Ended; files: string[] }> {
    const ended = await root.runPath(
      [...straceWords, '-f', '-e', 'trace=open,openat', '-e', 'signal=none', '--', ...words],
      env,
    );
    const lines = ended.complaint.split('\n');
    const traced = /^(?:\[pid +\d+\] )?(?:open(?:at)?\(|\+\+\+|strace: |<\.\.\. )/;
    const files = [...ended.complaint.matchAll(openedFile)].map(([, path]) => path!);
    return {
      ended: { ...ended, complaint: lines.filter((line) => line !== '' && !traced.test(line)).join('\n') },
      files: [...new Set(files)],
    };
  }

  function asDebianBuiltIt(loader: string): string {
    const folders = `/lib/${triplet}/\0/usr/lib/${triplet}/\0/lib/\0/usr/lib/\0`;
    const original = loader.replace(/(?:\/sys\/[sy/]*\0){4}/g, folders);
    expect(original).not.toBe(loader);
    expect(original).toHaveLength(loader.length);
    return original;
  }

  function programOf(name: string, major?: number): LayerProgram {
    return layer.programs.find((one) => one.name === name && (major === undefined || one.major === major))!;
  }
});

/** What the script that `wrapPrograms` made starts: it needs a shell, which this root has not. */
function wordsOf(script: string, name: string): string[] {
  const line = script.split('\n').find((one) => one.startsWith('exec '))!;
  const words = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!).slice(1);
  if (words.length < 4) throw new Error(`${name} is no script of ours: ${line}`);
  return words.filter((word) => word !== '$@');
}

/** Files outside the layer that the program, which must succeed, has opened, and that are neither meant nor ours. */
async function opened(program: Program, args: readonly string[], env: Record<string, string>): Promise<string[]> {
  const log = join(folder, program.name);
  const argv = [
    strace,
    '-f',
    '-E',
    'LD_PRELOAD',
    '-e',
    'trace=open,openat',
    '-o',
    log,
    program.command,
    ...program.args,
    ...args,
  ] as const;
  const ended = await attempt(
    argv,
    { env: { HOME: '/nonexistent', PATH: '/usr/bin:/bin', ...program.env, ...env } },
    AbortSignal.timeout(60_000),
  );
  expect({ status: ended.status, complaint: ended.complaint }).toEqual({ status: 0, complaint: '' });
  const found = [...(await readFile(log, 'utf8')).matchAll(openedFile)].map(([, path]) => path!);
  expect(found.some((path) => path.startsWith(layer.folder))).toBe(true);
  return [...new Set(found)].filter(
    (path) => !path.startsWith(layer.folder) && !meant.test(path) && !servers.some(({ caFile }) => caFile === path),
  );
}
