import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { filesEngine } from '../../../core/engines/files/index.ts';
import { plainFolder } from '../../support/files/plain-folder.ts';
import type { EngineUnderTest } from './engine-contract.ts';

/** A table is a folder, and a row a file in it: what is asked here, the file system itself answers. */
export async function filesUnderTest(): Promise<EngineUnderTest> {
  const top = await mkdtemp(join(tmpdir(), 'nightjar-files-'));
  const at = plainFolder(join(top, 'any'));
  const add = (database: string, table: string, rows: readonly string[]) =>
    Promise.all(rows.map((row) => writeRow(join(top, database, table), row)));
  return {
    engine: (database) => filesEngine(at, database).engine,
    async make(database, tables) {
      for (const [table, rows] of Object.entries(tables)) {
        await mkdir(join(top, database, table), { recursive: true });
        await add(database, table, rows);
      }
    },
    async add(database, rows) {
      for (const [table, row] of Object.entries(rows)) await add(database, table, [row]);
    },
    async rowsIn(database) {
      const names = await readdir(join(top, database)).catch(() => undefined);
      if (names === undefined) return undefined;
      const rows = await Promise.all(names.map((table) => rowsOf(join(top, database, table))));
      return Object.fromEntries(names.map((table, index) => [table, rows[index]!]));
    },
    left: async () => (await readdir(top)).filter((name) => /^\.|\.new_/.test(name)),
    close: () => rm(top, { recursive: true }),
  };
}

async function writeRow(folder: string, row: string): Promise<void> {
  const path = join(folder, createHash('md5').update(row).digest('hex'));
  await writeFile(path, row);
  await utimes(path, 1_600_000_000, 1_600_000_000.5);
}

async function rowsOf(folder: string): Promise<string[]> {
  const names = await readdir(folder);
  return Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
}
