import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';

const machine = hostname().replace(/[^A-Za-z0-9]/g, '_');
const form = /\.nightjar-new-([A-Za-z0-9_]*)-(\d+)-[0-9a-f]{8}$/;
/** The endings of what this process makes: in a container the process before it may have had the same number. */
const own = new Set<string>();

/** A name for what is being made beside `path`: it says which process of which machine is at work on it. */
export function unfinishedName(path: string): string {
  const ending = `.nightjar-new-${machine}-${process.pid}-${randomBytes(4).toString('hex')}`;
  own.add(ending);
  return `${path}${ending}`;
}

/** Whether something is being made by a restore: nobody else has it open. */
export function isUnfinished(path: string): boolean {
  return form.test(path);
}

/** Removes what was being made beside `path` by processes of this machine that died; returns the names. */
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

/** Whether a process of this machine is there. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
