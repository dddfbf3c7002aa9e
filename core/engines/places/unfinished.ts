import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';

const machine = hostname().replace(/[^A-Za-z0-9]/g, '_');
const form = /\.nightjar-new-([A-Za-z0-9_]*)-(\d+)-[0-9a-f]{8}$/;
/** The suffixes that this process uses: in a container, an earlier process may have had the same pid. */
const own = new Set<string>();

/** A name for what is being made beside `path`, including which process of which machine works on it. */
export function unfinishedName(path: string): string {
  const ending = `.nightjar-new-${machine}-${process.pid}-${randomBytes(4).toString('hex')}`;
  own.add(ending);
  return `${path}${ending}`;
}

/** Whether a restore is making something under this name: nobody else has it open. */
export function isUnfinished(path: string): boolean {
  return form.test(path);
}

/** Removes what dead processes of this machine were making beside `path`; returns the names. */
export async function sweepUnfinished(path: string, remove: (path: string) => Promise<void>): Promise<string[]> {
  const swept: string[] = [];
  for (const name of await readdir(dirname(path))) {
    const [ending, host, pid] = form.exec(name) ?? [];
    if (ending === undefined || host !== machine || name.slice(0, -ending.length) !== basename(path)) continue;
    if (own.has(ending) || (Number(pid) !== process.pid && isAlive(Number(pid)))) continue;
    await remove(join(dirname(path), name));
    swept.push(name);
  }
  return swept;
}

/** Whether a process exists on this machine. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
