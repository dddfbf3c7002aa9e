import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openSqlite } from '../../../core/engines/sqlite/index.ts';
import { readPlan } from '../../contract/engine/engine-data.ts';
import { sqliteShell } from '../../servers/databases/sqlite.ts';
import type { SqliteShell } from '../../servers/databases/sqlite.ts';

// A copy of a file that is being written to is of no moment: pages of before and after lie side by side in it, and what
// stands in the log is missing. Here a writer commits ten times a second, always to two tables at once.

const backups = 4;
const mostBackups = 40;
const commits = 400;
let shell: SqliteShell;
let folder = '';

beforeAll(async () => {
  shell = await sqliteShell();
  folder = await mkdtemp(join(tmpdir(), 'nightjar-museum-sqlite-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Both tables hold the number of the last commit, and `log` a row for each, with pages to spare. */
const schema =
  'create table one(n); insert into one values(0); create table two(n); insert into two values(0); ' +
  'create table log(n integer primary key, filler text); create index fillers on log(filler);';
const commit =
  'begin immediate; update one set n = n + 1; insert into log select n, hex(randomblob(3000)) from one; ' +
  'update two set n = n + 1; commit;';
const whole = `select (select n from one) = (select n from two), (select n from one) = (select count(*) from log);
  pragma integrity_check`;

test.each(['wal', 'delete', 'truncate'])(
  'each backup beside a writer is one committed state (journal mode %s)',
  async (mode) => {
    const path = join(folder, `${mode}.db`);
    await shell.ask(path, `pragma journal_mode = ${mode}; ${schema}`);
    const writer = await shell.opened(path, `.timeout 60000\npragma wal_autocheckpoint = 50; ${commit}`);
    writer.stdin!.on('error', () => undefined);
    writer.stdin!.write(`${commit}\n.shell sleep 0.1\n`.repeat(commits));
    const { engine } = openSqlite({ path, scratch: join(folder, 'scratch'), waitMs: 60_000 });

    const seen: number[] = [];
    const isMoving = () => new Set(seen).size > 1;
    for (let count = 0; count < backups || (!isMoving() && count < mostBackups); count += 1) {
      const { texts, tables } = await readPlan(engine);
      const image = join(folder, `${mode}-${count}.image`);
      await writeFile(image, [...texts.values()][0]!);
      expect(await shell.ask(image, whole)).toBe('1|1\nok');
      const rows = Number(await shell.ask(image, 'select count(*) from log'));
      expect(tables.find(({ table }) => table === 'log')?.rows).toBe(rows);
      seen.push(rows);
    }
    writer.kill('SIGKILL');

    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(isMoving()).toBe(true);
  },
);

test('the file alone is a state of long ago where the log was not brought into it: what cp keeps', async () => {
  const path = join(folder, 'cp.db');
  await shell.ask(path, `pragma journal_mode = wal; ${schema} ${commit}`);
  const application = await shell.opened(path, `pragma wal_autocheckpoint = 0; ${commit.repeat(20)}`);
  await copyFile(path, `${path}.cp`);

  const { texts } = await readPlan(openSqlite({ path, scratch: join(folder, 'scratch'), waitMs: 10_000 }).engine);
  await writeFile(`${path}.image`, [...texts.values()][0]!);
  application.kill('SIGKILL');

  expect(await shell.ask(`${path}.cp`, 'select n from one')).toBe('1');
  expect(await shell.ask(`${path}.image`, 'select n from one')).toBe('21');
});
