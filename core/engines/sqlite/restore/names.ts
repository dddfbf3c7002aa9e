import { randomBytes } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { isAlive } from '../scratch.ts';

const machine = hostname().replace(/[^A-Za-z0-9]/g, '_');
const form = /\.nightjar-new-([A-Za-z0-9_]*)-(\d+)-[0-9a-f]{8}$/;

/** What SQLite may keep beside a database. */
export const sidecars = ['-wal', '-shm', '-journal'] as const;

/** Whether a name is that of something that SQLite keeps beside a database. */
export function isBeside(name: string): boolean {
  return sidecars.some((ending) => name.endsWith(ending));
}

/** A name beside `path` for what is being made there: it says which process of which machine is at work on it. */
export function newName(path: string): string {
  return `${path}.nightjar-new-${machine}-${process.pid}-${randomBytes(4).toString('hex')}`;
}

/** Whether a file is being made by a restore: nobody else has it open. */
export function isUnfinished(path: string): boolean {
  return form.test(path);
}

/** Removes what restores of `path` have left here that were killed, and returns what was removed. */
export async function sweepUnfinished(path: string): Promise<string[]> {
  const folder = dirname(path);
  const swept: string[] = [];
  for (const name of await readdir(folder)) {
    const [ending, host, pid] = form.exec(name) ?? [];
    if (ending === undefined || host !== machine || isAlive(Number(pid))) continue;
    if (name.slice(0, -ending.length) !== basename(path)) continue;
    await removeDatabase(join(folder, name));
    swept.push(name);
  }
  return swept;
}

/** A file, and what SQLite has put beside it. */
export async function removeDatabase(path: string): Promise<void> {
  for (const ending of ['', ...sidecars]) await rm(`${path}${ending}`, { force: true });
}
