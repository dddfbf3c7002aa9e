import { execFile } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { dbToolsLayer } from '../../../layers/db-tools/layer.ts';
import { sqliteShell } from '../../servers/databases/sqlite.ts';
import type { SqliteShell } from '../../servers/databases/sqlite.ts';
import { serverRoot } from '../../servers/root.ts';
import { start } from '../../support/cli/command.ts';
import { nightjarInProcess } from '../../support/cli/in-process.ts';
import { limit } from '../../support/vaults/vault.ts';

const execute = promisify(execFile);
let shell: SqliteShell;
let folder = '';
let app = '';
let ageBin = '';

beforeAll(async () => {
  shell = await sqliteShell();
  folder = await mkdtemp(join(tmpdir(), 'nightjar-sqlite-cli-'));
  app = join(folder, 'data/app.db');
  await mkdir(join(folder, 'data'));
  await mkdir(join(folder, 'elsewhere'));
  const root = await serverRoot({ name: 'age', suites: ['trixie'], packages: ['age'] }, () => {}, limit());
  ageBin = join(root.path, 'usr/bin');
  await execute(join(ageBin, 'age-keygen'), ['-o', join(folder, 'identity.txt')]);
  const { stdout } = await execute(join(ageBin, 'age-keygen'), ['-y', join(folder, 'identity.txt')]);
  const lines = [
    'vault: ./backups',
    'vaults: { offsite: ./offsite }',
    'sources:',
    '  app:',
    '    sqlite: { path: ./data/app.db, scratch: ./scratch }',
    '    copies: [offsite]',
    `    encryption: { recipients: [${stdout.trim()}], identity: { file: identity.txt } }`,
    '    drill: { assert: [select count(*) = 3 from orders] }',
    '  plain: { sqlite: { path: ./data/app.db, scratch: ./scratch }, drill: { assert: [select count(*) > 3 from orders, delete from orders, select 1 from nowhere] } }',
  ];
  await writeFile(join(folder, 'nightjar.yaml'), `${lines.join('\n')}\n`);
}, 300_000);
beforeEach(async () => {
  for (const name of await readdir(join(folder, 'data'))) await rm(join(folder, 'data', name));
  await shell.ask(
    app,
    `create table orders(id integer primary key, note text); insert into orders values (1, 'one'), (2, 'two'), (3, 'drei €')`,
  );
});
afterAll(() => rm(folder, { recursive: true }));

async function run(...args: string[]): Promise<string> {
  const ended = await nightjarInProcess(args, { cwd: folder });
  expect([args, ended.code, ended.code === 0 || ended.stderr]).toEqual([args, 0, true]);
  return ended.stdout;
}

async function refused(...args: string[]): Promise<string> {
  const ended = await nightjarInProcess(args, { cwd: folder });
  expect(ended.code).not.toBe(0);
  return ended.stderr + ended.stdout;
}

async function backedUp(source: string): Promise<string> {
  const told = await run('backup', source);
  expect(told).toMatch(new RegExp(`^${source} {2}\\S+ {2}3 rows`));
  return told.split('  ')[1]!;
}

const rowsOf = (file: string) => shell.ask(file, 'select count(*) from orders');
const dataFiles = async () => (await readdir(join(folder, 'data'))).sort();

test('an encrypted backup, its copy, its drill and its restore by path and by name, all of it by the commands that databases have', async () => {
  const id = await backedUp('app');
  expect(await run('verify', 'app')).toContain(`${id}  intact: 2 parts`);
  expect(await run('verify', 'app', '--vault', 'offsite')).toContain(`${id}  intact: 2 parts`);
  expect(await run('drill', 'app')).toContain('proven equal: 1 table, 3 rows, 6 definitions; 1 assertion true');
  expect(await run('show', 'app', id, '--json')).toContain('"data/0001.sqlite.zst.age"');

  expect(await run('restore', 'app', '--to', './elsewhere/look.db')).toContain('proven equal: 1 table, 3 rows');
  expect(await run('restore', 'app', '--vault', 'offsite')).toContain('proven equal: 1 table, 3 rows');

  expect(await rowsOf(join(folder, 'elsewhere/look.db'))).toBe('3');
  const name = `app.db_${id.slice(0, 8)}_${id.slice(9, 15)}`;
  expect(await dataFiles()).toEqual(['app.db', name]);
  expect((await stat(join(folder, 'data', name))).mode & 0o777).toBe(0o600);
  expect(await refused('restore', 'app', '--to', './elsewhere/look.db')).toContain('look.db is not empty');
  expect(await run('check', 'app')).toMatch(/app +fresh/);
  expect(await readdir(join(folder, 'scratch'))).toEqual([]);
});

test('a file is replaced by one that is proven, keeps its rights, and comes back by --undo', async () => {
  await backedUp('plain');
  await chmod(app, 0o640);
  await shell.ask(app, `pragma journal_mode = wal; insert into orders values (4, 'since')`);

  const told = await run('restore', 'plain', '--to', 'app.db', '--replace', '--yes');

  expect(told).toMatch(/proven equal: 1 table, 3 rows.*\nthe old database is kept as app\.db\.before_\S+/);
  expect([await rowsOf(app), (await stat(app)).mode & 0o777]).toEqual(['3', 0o640]);
  const [kept] = (await dataFiles()).filter((name) => name.includes('.before_'));
  expect(await rowsOf(join(folder, 'data', kept!))).toBe('4');
  expect(await run('restore', 'plain', '--undo', '--yes')).toContain('is what it was before');
  expect(await rowsOf(app)).toBe('4');
  await run('restore', 'plain', '--undo', '--yes');
  expect(await rowsOf(app)).toBe('3');
  expect(await run('restore', 'plain', '--drop-old', '--yes')).toContain('is dropped');
  expect(await dataFiles()).toEqual(['app.db']);
});

test.each(['wal', 'delete'])('a file that somebody has open is not replaced (journal mode %s)', async (mode) => {
  await backedUp('plain');
  const application = await shell.opened(app, `pragma journal_mode = ${mode}; insert into orders values (4, 'since');`);

  const told = await refused('restore', 'plain', '--to', 'app.db', '--replace', '--yes');

  expect(told).toMatch(/app\.db is open in .+/);
  expect(told).toContain('stop');
  application.kill('SIGKILL');
  expect(await rowsOf(app)).toBe('4');
  expect((await dataFiles()).filter((name) => !/^app\.db(-wal|-shm)?$/.test(name))).toEqual([]);
});

test('what a log holds that its application left goes with the file that is replaced, and not into the new one', async () => {
  await backedUp('plain');
  const application = await shell.opened(
    app,
    `pragma journal_mode = wal; pragma wal_autocheckpoint = 0; insert into orders values (4, 'since'), (5, 'since');`,
  );
  application.kill('SIGKILL');
  await new Promise((resolve) => application.once('exit', resolve));

  await run('restore', 'plain', '--to', 'app.db', '--replace', '--yes');

  const [kept] = (await dataFiles()).filter((name) => /\.before_[^-]+-\w+$/.test(name));
  expect([await rowsOf(app), await rowsOf(join(folder, 'data', kept!))]).toEqual(['3', '5']);
});

test('a restore that is killed leaves the file as it was, and the next one sweeps up', async () => {
  await backedUp('plain');
  await shell.ask(app, `insert into orders values (4, 'since')`);
  const killed = start(['restore', 'plain', '--to', 'app.db', '--replace', '--yes'], { cwd: folder });
  const isBegun = async () => (await dataFiles()).some((name) => name.includes('nightjar-new'));
  while (!(await isBegun())) await sleep(5);
  killed.kill('SIGKILL');
  await killed.ended;

  expect(await rowsOf(app)).toBe('4');
  const told = await run('restore', 'plain', '--to', 'app.db', '--replace', '--yes');
  expect(told).toMatch(/which a restore that died had left, was removed/);
  expect((await dataFiles()).filter((name) => name.includes('nightjar-new'))).toEqual([]);
  expect(await rowsOf(app)).toBe('3');
});

test('assertions are asked of the copy, and can’t write', async () => {
  await backedUp('plain');

  const told = (await refused('drill', 'plain')).replaceAll(/\s+/g, ' ');

  expect(told).toContain('the assertion is not true: select count(*) > 3 from orders');
  expect(told).toMatch(/could not be answered \(near "delete": syntax error\): delete from orders/);
  expect(told).toContain('could not be answered (no such table: nowhere)');
  expect(await rowsOf(app)).toBe('3');
});

test('the commands of the manifest restore it with stock programs', async () => {
  const id = await backedUp('plain');
  const layer = await dbToolsLayer(process.arch === 'arm64' ? 'arm64' : 'x86_64', { rule: 'newer' }, () => {}, limit());
  await cp(join(folder, 'backups/plain', id), join(folder, 'by-hand'), { recursive: true });
  const manifest = JSON.parse(await readFile(join(folder, 'by-hand/manifest.json'), 'utf8')) as { restore: string[] };

  const env = {
    PATH: [join(layer, 'nightjar/bin'), shell.bin, '/usr/bin', '/bin'].join(':'),
    DB: join(folder, 'hand.db'),
  };
  const { stdout } = await execute('bash', ['-c', manifest.restore.join('\n')], { cwd: join(folder, 'by-hand'), env });

  expect(stdout).toMatch(/ok\n$/);
  expect((await readFile(join(folder, 'hand.db'))).equals(await readFile(app))).toBe(true);
});

test('what a backup would do is said by doctor, and what it has not is refused in words', async () => {
  await backedUp('plain');
  expect((await run('doctor', 'plain')).replaceAll(/\s+/g, ' ')).toMatch(
    /file 8\.19 kB, with a rollback journal: writers wait for the copy: copied into \S+scratch first/,
  );

  expect(await refused('restore', 'plain', '--table', 'orders')).toContain('have no tables to choose from');
  expect(await refused('restore', 'plain', '--schema-only')).toContain('have no definitions to restore alone');
  expect(await refused('restore', 'plain', '--to', './nowhere/app.db')).toContain("nowhere can't be used");
});

test.each(['-wal', '-journal'])(
  'a %s that another file has left beside the place is refused: SQLite would take it for the new one’s',
  async (ending) => {
    await backedUp('plain');
    const left = `${app}${ending}`;
    await rm(app);
    await writeFile(left, 'what an application has left');

    for (const args of [[], ['--replace', '--yes']])
      expect(await refused('restore', 'plain', '--to', app, ...args)).toContain(
        `app.db${ending} of another file is beside it`,
      );

    expect(await readdir(join(folder, 'data'))).toEqual([`app.db${ending}`]);
    await rm(left);
    await run('restore', 'plain', '--to', app);
    expect(await shell.ask(app, 'select count(*) from orders')).toContain('3');
  },
);
