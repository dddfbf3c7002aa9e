import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openTools, type Program, type Tools } from '../../core/tools.ts';
import { attempt } from '../../layers/db-tools/run.ts';
import { startMariadb } from '../servers/mariadb.ts';
import { startPostgres } from '../servers/postgres.ts';
import { serverRoot } from '../servers/root.ts';
import type { DatabaseServer } from '../servers/server.ts';
import { buildLimitMs, nativeArchitecture, openLayer, type Layer } from './native-layer.ts';

/** How names of hosts and services are looked up is the host's matter, and stays it. */
const meant = /^\/(etc\/(nsswitch\.conf|resolv\.conf|hosts|host\.conf|gai\.conf|services|gss\/mech\.d)|dev\/null|proc\/|sys\/)/;

let layer: Layer;
let tools: Tools;
let strace: string;
let folder: string;
const servers: DatabaseServer[] = [];

beforeAll(async () => {
  layer = await openLayer(nativeArchitecture);
  tools = await openTools(layer.folder);
  const report = (line: string): void => void process.stderr.write(`${line}\n`);
  strace = join((await serverRoot({ name: 'strace', suites: ['trixie'], packages: ['strace'] }, report, AbortSignal.timeout(buildLimitMs))).path, 'usr/bin/strace');
  folder = await mkdtemp(join(tmpdir(), 'nightjar-strace-'));
  servers.push(await startPostgres({ major: 17, tls: true }), await startMariadb({ series: '11.8', tls: true }));
}, buildLimitMs);

afterAll(async () => {
  for (const server of servers) await server.stop();
  await rm(folder, { recursive: true });
});

test.each(['psql', 'pg_dump'] as const)('%s opens no file of the host while it works over TLS, whatever the host’s OpenSSL and Kerberos are set to', async (name) => {
  const [{ port, user, password, caFile }] = servers as [DatabaseServer];
  const env = { PGPASSWORD: password, PGSSLMODE: 'verify-full', PGSSLROOTCERT: caFile!, PGPASSFILE: '/dev/null', PGSERVICEFILE: '/dev/null', PSQLRC: '/dev/null', PGDATABASE: 'postgres' };
  const args = ['--host=localhost', `--port=${port}`, `--username=${user}`, ...(name === 'psql' ? ['--no-psqlrc', '--command=select 1'] : ['--schema-only'])];

  expect(await opened(tools.program(name, 17), args, env)).toEqual([]);
});

test.each(['mariadb', 'mariadb-dump'] as const)('%s opens no file of the host while it works over TLS', async (name) => {
  const [, { port, user, password, caFile }] = servers as [DatabaseServer, DatabaseServer];
  const login = ['--no-defaults', '--protocol=tcp', '--host=localhost', `--port=${port}`, `--user=${user}`, `--ssl-ca=${caFile}`, '--ssl-verify-server-cert'];

  expect(await opened(tools.program(name), [...login, ...(name === 'mariadb' ? ['--execute=select 1'] : ['mysql', 'time_zone'])], { MYSQL_PWD: password })).toEqual([]);
});

/** Files outside the layer that the program, which must succeed, has opened, and that are neither meant nor ours. */
async function opened(program: Program, args: readonly string[], env: Record<string, string>): Promise<string[]> {
  const log = join(folder, program.name);
  const argv = [strace, '-f', '-E', 'LD_PRELOAD', '-e', 'trace=open,openat', '-o', log, program.command, ...program.args, ...args] as const;
  const ended = await attempt(argv, { env: { HOME: '/nonexistent', PATH: '/usr/bin:/bin', ...program.env, ...env } }, AbortSignal.timeout(60_000));
  expect({ status: ended.status, complaint: ended.complaint }).toEqual({ status: 0, complaint: '' });
  const found = [...(await readFile(log, 'utf8')).matchAll(/open(?:at)?\((?:AT_FDCWD, )?"(\/[^"]*)".*\) = \d/g)].map(([, path]) => path!);
  expect(found.some((path) => path.startsWith(layer.folder))).toBe(true);
  return [...new Set(found)].filter((path) => !path.startsWith(layer.folder) && !meant.test(path) && !servers.some(({ caFile }) => caFile === path));
}
