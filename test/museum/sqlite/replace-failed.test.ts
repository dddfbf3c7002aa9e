import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openSqlite } from '../../../core/engines/sqlite/index.ts';
import { exchange } from '../../../core/engines/sqlite/restore/swap.ts';
import { sqliteShell } from '../../servers/databases/sqlite.ts';
import type { SqliteShell } from '../../servers/databases/sqlite.ts';
import { serverIdentity } from '../../servers/identity.ts';
import { limit } from '../../support/vaults/vault.ts';

// What is in the place of a restore stays whole when the restore can't take that place: its log with it.

let shell: SqliteShell;
let folder = '';

beforeAll(async () => {
  shell = await sqliteShell();
  folder = await mkdtemp(join(tmpdir(), 'nightjar-museum-sqlite-'));
  await chmod(folder, 0o777);
});
afterAll(() => rm(folder, { recursive: true }));

async function ownFolder(): Promise<string> {
  const path = await mkdtemp(join(folder, 'case-'));
  await chmod(path, 0o777);
  return path;
}

/** Exchanges two files as another user than the one of this process. */
async function exchangeAsAnother(made: string, path: string, before: string): Promise<string> {
  const swap = JSON.stringify(new URL('../../../core/engines/sqlite/restore/swap.ts', import.meta.url).href);
  const files = JSON.stringify({ made, path, before, place: 'app', owners: true });
  const program = `
    const { writeFileSync } = await import('node:fs');
    writeFileSync(${JSON.stringify(made)}, '');
    const { exchange } = await import(${swap});
    const ended = exchange(${files}, AbortSignal.timeout(60000));
    await ended.then(() => console.log('done'), (error) => console.log(error.message));`;
  const args = ['--input-type=module', '--eval', program];
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    ...serverIdentity(),
    cwd: '/',
    encoding: 'utf8',
  });
  return stdout;
}

test('the log of a database that is in use stays beside it where we may write the folder and not the file', async () => {
  const path = join(await ownFolder(), 'app.db');
  const schema = 'pragma journal_mode = wal; pragma wal_autocheckpoint = 0; create table orders(id); ';
  const application = await shell.opened(path, `${schema} insert into orders values (1), (2);`);

  const told = await exchangeAsAnother(`${path}.made`, path, `${path}.before`);

  const rows = await shell.ask(path, 'select count(*) from orders').catch(String);
  application.kill('SIGKILL');
  expect([told, rows]).toEqual([expect.stringMatching(/app( is)? open/), '2']);
});

const asRoot = process.getuid?.() === 0 ? test : test.skip;
asRoot('a file of another user is not replaced by one of ours', async () => {
  const path = join(await ownFolder(), 'app.db');
  await shell.ask(path, 'create table orders(id)');
  await chmod(path, 0o666);

  const told = await exchangeAsAnother(`${path}.made`, path, `${path}.before`);

  expect([told, (await stat(path)).uid]).toEqual([expect.stringContaining("can't be given to 0:0"), 0]);
  expect((await readdir(dirname(path))).sort()).toEqual(['app.db', 'app.db.made']);
});

test('what lies beside a database goes back to it when a later step fails', async () => {
  const at = await ownFolder();
  const path = join(at, 'app.db');
  for (const [ending, text] of Object.entries({ '': 'no database'.repeat(1000), '-shm': 'beside', '.taken': '' }))
    await writeFile(`${path}${ending}`, text);
  const files = { path, place: 'app', owners: true };
  const names = () => readdir(at);

  await expect(exchange({ ...files, made: `${path}.taken`, before: `${path}.taken` }, limit())).rejects.toThrow();
  expect((await names()).sort()).toEqual(['app.db', 'app.db-shm', 'app.db.taken']);

  await rm(`${path}.taken`);
  await mkdir(`${path}.taken`);
  await expect(exchange({ ...files, made: `${path}.taken`, before: `${path}.before` }, limit())).rejects.toThrow();
  expect((await names()).sort()).toEqual(['app.db', 'app.db-shm', 'app.db.taken']);
});

test('--undo puts nothing in a place that can’t be looked at', async () => {
  const at = await ownFolder();
  const path = join(at, 'app.db');
  const kept = 'app.db.before_20261120T020000Z-0a0b0c';
  await shell.ask(join(at, kept), 'create table orders(id)');
  await symlink('app.db', path);
  const { replaced } = openSqlite({ path, scratch: folder, waitMs: 10_000 }).engine;

  await expect(replaced!.swapBack({ name: kept }, () => {}, limit())).rejects.toThrow('ELOOP');

  expect((await readdir(at)).sort()).toEqual(['app.db', kept]);
});
