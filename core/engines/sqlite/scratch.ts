import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { makeFolder } from '../places/folders.ts';
import { isAlive } from '../places/unfinished.ts';

const prefix = 'nightjar-sqlite-';
const machine = hostname().replace(/[^A-Za-z0-9]/g, '_');
const own = `${prefix}${machine}-${process.pid}-`;
const form = new RegExp(`^${prefix}${machine}-(\\d+)-`);

/** A folder that only this user can read, until `remove`. First removes those of killed runs. */
export async function ownFolder(below: string): Promise<{ path: string; remove(): Promise<void> }> {
  await makeFolder(below);
  await sweep(below);
  const path = await mkdtemp(join(below, own));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** A folder's name tells its owner and machine, because others may share the place. */
async function sweep(below: string): Promise<void> {
  for (const name of await readdir(below)) {
    const pid = Number(form.exec(name)?.[1]);
    if (pid > 0 && !isAlive(pid)) await rm(join(below, name), { recursive: true, force: true });
  }
}
