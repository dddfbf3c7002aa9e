import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { nightjarInProcess } from '../../support/cli/in-process.ts';

// Every database of a folder, by a pattern: found by the command line alone.

let folder = '';
const data = (name: string) => join(folder, 'data', name);
const run = (...args: string[]) => nightjarInProcess(args, { cwd: folder });
const told = () => readFile(join(folder, 'told'), 'utf8').catch(() => '');

function make(name: string, rows: number, mode = 'delete'): void {
  const database = new DatabaseSync(data(name));
  database.exec(`pragma journal_mode = ${mode}; create table orders (id integer primary key)`);
  for (let row = 0; row < rows; row += 1) database.exec('insert into orders default values');
  database.close();
}

function rowsOf(path: string): unknown {
  const database = new DatabaseSync(path, { readOnly: true });
  const [row] = database.prepare('select count(*) as n from orders').all();
  database.close();
  return row!['n'];
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightjar-pattern-'));
  await mkdir(data(''));
  await writeFile(
    join(folder, 'nightjar.yaml'),
    `vault: ./backups
notify: [{ command: [sh, -c, 'cat >> ${folder}/told'] }]
sources: { tenants: { sqlite: { path: './data/*.db', exclude: [cache.db] } } }
`,
  );
  make('acme.db', 3);
  make('o(d)d+1.db', 5, 'wal');
  make('cache.db', 1);
  make('other.sqlite', 1);
  make('.hidden.db', 1);
  await mkdir(data('folder.db'));
});
afterAll(() => rm(folder, { recursive: true }));

test('each file that matches is backed up as a source of its own, and no other', async () => {
  const { code, stdout } = await run('backup');

  expect(code).toBe(0);
  expect(stdout).toMatch(/tenants\.acme\.db {2}\S+ {2}3 rows/);
  expect(stdout).toMatch(/tenants\.o\(d\)d\+1\.db {2}\S+ {2}5 rows/);
  expect(stdout.trim().split('\n')).toHaveLength(2);
});

test('a new one is covered at once and told, one that is no database fails the run and keeps no other from it', async () => {
  make('new.db', 7);
  await writeFile(data('notes.db'), 'these are notes');

  const { code, stdout, stderr } = await run('backup', 'tenants');

  expect(code).not.toBe(0);
  expect(stderr).toContain('notes.db');
  expect(stderr).toContain('is no database of SQLite');
  expect(stdout).toMatch(/tenants\.new\.db {2}\S+ {2}7 rows/);
  expect(stdout).toMatch(/tenants\.acme\.db {2}\S+ {2}3 rows/);
  expect(await told()).toContain('database new.db is backed up as tenants.new.db');
  await rm(data('notes.db'));
});

test('they come back into an empty folder by one name, and are proven', async () => {
  await rm(data(''), { recursive: true });
  await mkdir(data(''));

  const { code, stdout } = await run('restore', 'tenants');

  expect([code, stdout.match(/proven equal/g)?.length]).toEqual([0, 3]);
  expect((await readdir(data(''))).toSorted()).toEqual(['acme.db', 'new.db', 'o(d)d+1.db']);
  expect(['acme.db', 'o(d)d+1.db', 'new.db'].map((name) => rowsOf(data(name)))).toEqual([3, 5, 7]);
});

test('one that is gone is told, missed and kept, until exclude names it', async () => {
  await rm(data('new.db'));

  const { stdout } = await run('backup');
  const check = await run('check');

  expect(stdout).toMatch(/gone: database new\.db/);
  expect(await told()).toContain('database new.db: tenants.new.db is backed up no more');
  expect(check.stdout).toContain('tenants.new.db');
  expect((await run('list', 'tenants.new.db')).code).toBe(0);
  const back = await run('restore', 'tenants.new.db', '--to', 'new.db');
  expect(back.stdout).toContain('proven equal');
});

test('a pattern that nothing matches fails the run, and a check misses its backups', async () => {
  await writeFile(
    join(folder, 'later.yaml'),
    "vault: ./backups\nsources: { later: { sqlite: { path: './data/*.none' } } }\n",
  );

  const check = await run('-c', 'later.yaml', 'check');
  const backup = await run('-c', 'later.yaml', 'backup');
  const restore = await run('-c', 'later.yaml', 'restore', 'later');

  expect([check.code, check.stdout]).toEqual([4, expect.stringMatching(/later +never/)]);
  expect([backup.code, backup.stderr]).toEqual([1, expect.stringContaining('is called *.none')]);
  expect([restore.code === 0, restore.stderr]).toEqual([false, expect.stringContaining('no backup of any database')]);
});

test.each([
  ["'./da*ta/a.db'", 'in the name of the file alone'],
  ['./a.db, exclude: [b.db]', 'goes with a pattern alone'],
])('path: %s is refused', async (path, why) => {
  await writeFile(join(folder, 'wrong.yaml'), `vault: ./backups\nsources: { a: { sqlite: { path: ${path} } } }\n`);

  const { code, stderr } = await run('-c', 'wrong.yaml', 'backup');

  expect(code).toBe(2);
  expect(stderr).toContain(why);
});
