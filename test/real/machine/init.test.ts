import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { nightjarInProcess } from '../../support/cli/in-process.ts';
import { cliScene } from '../../support/cli/scene.ts';
import type { CliScene } from '../../support/cli/scene.ts';

const launcher = fileURLToPath(new URL('../../../bin/nightjar', import.meta.url));
const password = 'it’s "one" $HOME %s';
let scene: CliScene;
let folder = '';

beforeAll(async () => {
  scene = await cliScene();
  await scene.sql('postgres', `create role nightjar login password '${password}'`);
  await scene.sql('postgres', 'grant pg_read_all_data to nightjar; alter role nightjar createdb');
}, 20 * 60_000);
afterAll(() => scene.stop());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightjar-init-'));
});

const init = (...args: string[]) => nightjarInProcess(['init', ...args], { cwd: folder });

/** At a terminal (made by script, of util-linux); answers each question as it comes, and says what stood there. */
async function answering(
  args: string,
  answers: readonly [string, string][],
): Promise<{ code: number; screen: string }> {
  const { NODE_OPTIONS: _, ...env } = process.env;
  const child = spawn('script', ['-qec', `'${process.execPath}' '${launcher}' init ${args}`, '/dev/null'], {
    cwd: folder,
    env: { ...env, SHELL: '/bin/sh', TERM: 'dumb', NIGHTJAR_LAYER_NEWS: 'off' },
    timeout: 120_000,
  });
  const left = [...answers];
  let screen = '';
  let seen = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    screen += chunk.toString();
    const [next] = left;
    if (next === undefined || !screen.slice(seen).includes(next[0])) return;
    seen = screen.length;
    left.shift();
    child.stdin.write(next[1]);
  });
  const [code] = (await once(child, 'close')) as [number];
  return { code, screen };
}

/** A database of SQLite with a thousand rows. */
function makeSqlite(file: string): void {
  const database = new DatabaseSync(join(folder, file));
  database.exec('create table orders (id integer primary key, note text)');
  database.exec(
    `with recursive n(i) as (select 1 union all select i + 1 from n where i < 1000) insert into orders select i, hex(i) from n`,
  );
  database.close();
}

test('a person at a terminal answers some questions, and has a proven backup', async () => {
  const { host, port } = scene.server;
  const { code, screen } = await answering('', [
    ['name of the source', 'shop\n'],
    ['what it is', '\n'],
    ['host of the server', `${host}\n`],
    ['port', `${port}\n`],
    ['database', 'shop\n'],
    ['user to log in as', '\n'],
    ['when backups begin', 'at night\n'],
    ['expected five fields', '15 3 * * *\n'],
    ['where they are kept', '\n'],
    ['password of nightjar', `${password}\n`],
  ]);

  expect({ code, screen }).toEqual({
    code: 0,
    screen: expect.stringContaining('shop has a first backup, restored and proven equal'),
  });
  expect(screen).toContain('GRANT pg_read_all_data TO nightjar;');
  expect(screen).not.toContain(password);
  expect(await readFile(join(folder, 'secrets/shop'), 'utf8')).toBe(password);
  expect((await stat(join(folder, 'secrets/shop'))).mode & 0o077).toBe(0);
  const listed = await nightjarInProcess(['list', 'shop', '--json'], { cwd: folder });
  expect(JSON.parse(listed.stdout)).toMatchObject({ backups: [{ source: 'shop' }] });
});

test('Ctrl-C at a question writes nothing', async () => {
  const { code } = await answering('', [
    ['name of the source', 'shop\n'],
    ['what it is', '\x03'],
  ]);

  expect({ code, files: await readdir(folder) }).toEqual({ code: 130, files: [] });
});

test('a wrong password leaves the file, says what is wrong, and what to do then', async () => {
  const { host, port } = scene.server;
  await writeFile(join(folder, 'pw'), 'wrong', { mode: 0o600 });

  const { code, stdout, stderr } = await init(
    'shop',
    `postgres://nightjar@${host}:${port}/shop`,
    '--password-file',
    'pw',
  );

  expect(code).toBe(1);
  expect(stdout).toMatch(/password\s+authentication failed/);
  expect(stderr).toContain('then go on: nightjar doctor shop; nightjar backup shop; nightjar drill shop');
  expect(await readdir(folder)).toEqual(expect.arrayContaining(['nightjar.yaml', 'pw']));
});

test('one more source goes into the file, whose comments and order stay', async () => {
  makeSqlite('app.db');
  const before = '# ours\nvault: ./backups # a folder\nsources:\n  app:\n    sqlite: { path: ./app.db } # the first\n';
  await writeFile(join(folder, 'nightjar.yaml'), before);
  makeSqlite('log.db');

  const { code, stdout } = await init('log', 'sqlite:./log.db', '--schedule', '0 5 * * *', '--time-zone', 'Asia/Tokyo');

  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('proven equal: 1 table, 1,000 rows') });
  expect(await readFile(join(folder, 'nightjar.yaml'), 'utf8')).toBe(
    `${before}  log:\n    sqlite:\n      path: ./log.db\n    schedule: 0 5 * * *\n    timeZone: Asia/Tokyo\n    drillEvery: 8d\n`,
  );
});

test.each<[string, string[], string]>([
  [
    'a password in the place',
    ['shop', 'postgres://nightjar:hunter2@db/shop'],
    'a password never stands on a command line',
  ],
  ['a place of nothing', ['shop', 'oracle://x@y/z'], 'oracle is nothing that is backed up'],
  ['a place without a database', ['shop', 'mariadb://x@y'], 'does not say the database'],
  ['a source that there is', ['app', 'sqlite:./other.db'], 'has a source app already'],
  ['a schedule that is none', ['log', 'sqlite:./log.db', '--schedule', 'nightly'], 'sources.log.schedule'],
  ['no terminal to ask at', ['shop'], 'nobody can be asked here'],
  ['a password that all can read', ['shop', 'postgres://x@y/z', '--password-file', 'open'], 'chmod 600'],
])('%s is refused, and nothing is written', async (_, args, said) => {
  const before = 'vault: ./backups\nsources:\n  app:\n    sqlite: { path: ./app.db }\n';
  await writeFile(join(folder, 'nightjar.yaml'), before);
  await writeFile(join(folder, 'open'), 'x');
  await chmod(join(folder, 'open'), 0o644);

  const { code, stderr } = await init(...args);

  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(said) });
  expect(stderr).not.toContain('hunter2');
  expect(await readFile(join(folder, 'nightjar.yaml'), 'utf8')).toBe(before);
  await rm(folder, { recursive: true });
});

test.each([
  ['image://robot:s3cret@registry.example.com/shop/app:1.2', 'a password never stands on a command line'],
  ['image:robot:s3c/ret@registry.example.com/shop/app:1.2', 'image.ref'],
  ['postgres://nightjar:12#s3cret@db.internal/shop', 'does not say the database'],
  ['postgres://nightjar:s3cret@db.internal/shop', 'a password never stands on a command line'],
])('a password that somebody writes into a place is said nowhere: %s', async (place, said) => {
  const { code, stdout, stderr } = await init('shop', place, '--no-proof');

  expect({ code, out: `${stdout}${stderr}` }).toEqual({ code: 2, out: expect.stringContaining(said) });
  expect(`${stdout}${stderr}`).not.toMatch(/s3c|ret@|12#/);
  expect(await readdir(folder)).toEqual([]);
});

test('a whole server, and an image behind a login, stand in the file as they are read', async () => {
  await writeFile(join(folder, 'pw'), 'token', { mode: 0o600 });
  const { host, port } = scene.server;

  const whole = await init(
    'main',
    `postgres://nightjar@${host}:${port}`,
    '--all-databases',
    '--password-file',
    'pw',
    '--no-proof',
  );
  const image = await init(
    'web',
    'image://robot@registry.example.com/shop/web:1.2',
    '--password-file',
    'pw',
    '--no-proof',
  );
  const bare = await init('open', 'image:registry.example.com/shop/open:1.2', '--no-proof');
  const wrong = await init('app', 'sqlite:./app.db', '--all-databases', '--no-proof');

  expect([whole.code, image.code, bare.code, wrong.code]).toEqual([0, 0, 0, 2]);
  const file = await readFile(join(folder, 'nightjar.yaml'), 'utf8');
  expect(file).toMatch(
    /main:\n {4}postgres:\n {6}host: .*\n {6}port: \d+\n {6}databases: all\n {6}user: nightjar\n {6}password:/,
  );
  expect(file).toMatch(
    /web:\n {4}image:\n {6}ref: registry\.example\.com\/shop\/web:1\.2\n {6}username: robot\n {6}password:\n {8}file: pw/,
  );
  expect(file).toMatch(/open:\n {4}image:\n {6}ref: registry\.example\.com\/shop\/open:1\.2\n {4}schedule/);
});
