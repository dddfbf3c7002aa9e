import { execFileSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { openSqlite } from '../../../core/engines/sqlite/index.ts';
import { sqliteShell } from '../../servers/databases/sqlite.ts';
import type { SqliteShell } from '../../servers/databases/sqlite.ts';
import { readPlan } from '../../contract/engine/engine-data.ts';

// In which state whatever uses the database has left it, or is leaving it while it is read. The judge is Debian's
// sqlite3: it opens what was read, and dumps it.

let shell: SqliteShell;
let folder = '';
const running: ChildProcess[] = [];

beforeAll(async () => {
  shell = await sqliteShell();
  folder = await mkdtemp(join(tmpdir(), 'nightjar-sqlite-states-'));
});
afterEach(() => running.splice(0).forEach((child) => child.kill('SIGKILL')));
afterAll(() => rm(folder, { recursive: true }));

async function application(file: string, sql: string): Promise<ChildProcess> {
  const child = await shell.opened(file, sql);
  running.push(child);
  return child;
}

async function killed(child: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
}

async function made(name: string, sql: string): Promise<string> {
  await mkdir(join(folder, name));
  const file = join(folder, name, 'app.db');
  await shell.ask(file, sql);
  return file;
}

const engineOf = (path: string, waitMs = 10_000) =>
  openSqlite({ path, scratch: join(folder, 'scratch'), waitMs }).engine;

/** The image that a backup stores, written to a file of its own. */
async function stored(path: string, during?: () => Promise<void>): Promise<string> {
  const { texts } = await readPlan(engineOf(path), during);
  const [image] = [...texts.values()];
  const copy = `${path}.stored`;
  await writeFile(copy, image!);
  return copy;
}

const beside = async (file: string) => (await readdir(join(file, '..'))).filter((name) => !name.includes('.stored'));
const numbers = (rows: number) =>
  `insert into n with recursive c(i) as (select 1 union all select i+1 from c limit ${rows}) select i, hex(randomblob(200)) from c;`;
const table = 'create table n(i integer primary key, t text);';

test('what is committed in the log is read, what is not is not, and nobody waits', async () => {
  const file = await made('wal', `pragma journal_mode=wal; ${table} ${numbers(500)}`);
  await application(file, `pragma wal_autocheckpoint=0; delete from n where i <= 100; begin; delete from n;`);

  const copy = await stored(file);

  expect(await shell.ask(copy, 'select count(*), min(i) from n; pragma integrity_check')).toBe('400|101\nok');
  expect(await beside(file)).toEqual(['app.db', 'app.db-shm', 'app.db-wal']);
});

test.each([
  ['with its index', [] as string[]],
  ['without its index', ['-shm']],
])('the log of an application that was killed is read, and stays as it is, %s', async (what, lost) => {
  const file = await made(`killed ${what}`, `pragma journal_mode=wal; ${table} ${numbers(50)}`);
  const more = numbers(100).replace('select i,', 'select i+1000,');
  await killed(await application(file, `pragma wal_autocheckpoint=0; ${more} begin; delete from n;`));
  for (const ending of lost) await rm(`${file}${ending}`);
  const [before, names] = [[await readFile(file), await readFile(`${file}-wal`)], await beside(file)];

  const copy = await stored(file);

  expect(await shell.ask(copy, 'select count(*) from n')).toBe('150');
  expect([await readFile(file), await readFile(`${file}-wal`)]).toEqual(before);
  expect(await beside(file)).toEqual(names);
});

test('a log that was just emptied is no reason to copy, and what is written to it meanwhile is not read', async () => {
  const file = await made('emptied', `pragma journal_mode=wal; ${table} ${numbers(500)}`);
  await application(file, 'select count(*) from n; pragma wal_checkpoint(truncate);');

  const copy = await stored(file, async () => {
    await shell.ask(file, '.timeout 5000\ndelete from n; pragma wal_checkpoint(passive);');
  });

  expect(await shell.ask(copy, 'select count(*) from n; pragma integrity_check')).toBe('500\nok');
  expect(await shell.ask(file, 'select count(*) from n')).toBe('0');
});

test('a transaction that died half written is not in the backup, and its journal stays for the application', async () => {
  const file = await made('hot', `${table} ${numbers(2000)}`);
  const dying = await application(
    file,
    `pragma cache_size=5; pragma synchronous=full; begin; update n set t = 'half';`,
  );
  await killed(dying);
  expect(await beside(file)).toEqual(['app.db', 'app.db-journal']);
  const before = [await readFile(file), await readFile(`${file}-journal`)];

  const copy = await stored(file);

  expect(await shell.ask(copy, `select count(*), sum(t = 'half') from n; pragma integrity_check`)).toBe('2000|0\nok');
  expect([await readFile(file), await readFile(`${file}-journal`)]).toEqual(before);
});

test('a writer with a rollback journal that has not committed does not keep a backup from being made', async () => {
  const file = await made('reserved', `${table} ${numbers(50)}`);
  await application(file, `begin immediate; delete from n;`);

  const copy = await stored(file);

  expect(await shell.ask(copy, 'select count(*) from n')).toBe('50');
});

test('a database that is locked for longer than allowed is told, and is not read', async () => {
  const file = await made('locked', `${table} ${numbers(5)}`);
  await application(file, 'begin exclusive;');

  await expect(engineOf(file, 200).plan({}, AbortSignal.timeout(60_000))).rejects.toMatchObject({
    code: 'lock-timeout',
    message: expect.stringContaining('is locked by another process'),
  });
});

test('a log that grows, is checkpointed and begins anew while it is read changes nothing in what is read', async () => {
  const file = await made('growing', `pragma journal_mode=wal; ${table} ${numbers(3000)}`);
  await application(file, `pragma wal_autocheckpoint=0; update n set t = 'first' where i <= 1500;`);

  const copy = await stored(file, async () => {
    const sql = `.timeout 5000\nupdate n set t = 'second'; ${numbers(3000).replace('select i,', 'select i+5000,')} pragma wal_checkpoint(passive);`;
    await shell.ask(file, sql);
  });

  expect(
    await shell.ask(copy, `select count(*), sum(t = 'first'), sum(t = 'second') from n; pragma integrity_check`),
  ).toBe('3000|1500|0\nok');
  expect(await shell.ask(file, `select count(*) from n`)).toBe('6000');
});

test('the file is what it was to the byte where nobody uses it', async () => {
  const sql = `pragma page_size=1024; pragma auto_vacuum=incremental; pragma user_version=7; pragma application_id=42; ${table} ${numbers(300)} delete from n where i % 3 = 0;`;
  const file = await made('exact', sql);

  const copy = await stored(file);

  expect((await readFile(copy)).equals(await readFile(file))).toBe(true);
  expect(await beside(file)).toEqual(['app.db']);
});

test('a link leads to its database, and to the log that lies beside that', async () => {
  const file = await made('linked', `pragma journal_mode=wal; ${table} ${numbers(10)}`);
  await application(file, `pragma wal_autocheckpoint=0; ${numbers(10).replace('select i,', 'select i+100,')}`);
  const link = join(folder, 'link.db');
  await symlink(file, link);

  expect(await shell.ask(await stored(link), 'select count(*) from n')).toBe('20');
});

test.each([
  ['that is not there', async (file: string) => rm(file), 'source-unreachable', 'is not there'],
  ['of no bytes', async (file: string) => truncate(file, 0), 'source-unsupported', 'is empty'],
  [
    'of something else',
    async (file: string) => writeFile(file, 'x'.repeat(5000)),
    'source-unsupported',
    'is no database of SQLite, or is encrypted',
  ],
  [
    'that is a pipe',
    async (file: string) => {
      await rm(file);
      execFileSync('mkfifo', [file]);
    },
    'source-unsupported',
    'is no file',
  ],
  ['that is cut', async (file: string) => truncate(file, 8192), 'dump-failed', 'is damaged'],
])('a file %s makes no backup', async (what, spoil, code, message) => {
  const file = await made(`spoilt ${what}`, `${table} ${numbers(300)}`);
  await spoil(file);

  await expect(readPlan(engineOf(file))).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
});

test('damage within the file is told with SQLite’s words, and stores nothing', async () => {
  const file = await made('damaged', `${table} ${numbers(300)}`);
  const bytes = await readFile(file);
  bytes.fill(0x5a, 4 * 4096, 5 * 4096);
  await writeFile(file, bytes);

  await expect(readPlan(engineOf(file))).rejects.toMatchObject({
    code: 'dump-failed',
    message: expect.stringContaining('is damaged'),
    hint: expect.stringContaining('.recover'),
  });
});

test('a copy of the main file alone lacks what is in the log: what others lose', async () => {
  const file = await made('others', `pragma journal_mode=wal; ${table} ${numbers(10)}`);
  await application(file, `pragma wal_autocheckpoint=0; ${numbers(10).replace('select i,', 'select i+100,')}`);
  await copyFile(file, `${file}.stored2`);

  expect(await shell.ask(`${file}.stored2`, 'select count(*) from n')).toBe('10');
  expect(await shell.ask(await stored(file), 'select count(*) from n')).toBe('20');
});
