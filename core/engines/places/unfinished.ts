import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';

/** What is being made, or the claim of who works on what is there. */
type UnfinishedKind = 'new' | 'claim';

const machine = hostname().replace(/[^A-Za-z0-9]/g, '_');
const form = /\.nightjar-(new|claim)-([A-Za-z0-9_]*)-(\d+)-[0-9a-f]{8}$/;
/** The suffixes that this process uses: in a container, an earlier process may have had the same pid. */
const own = new Set<string>();

/** A name for what is being made beside `path`, including which process of which machine works on it. */
export function unfinishedName(path: string): string {
  return nameOf('new', path);
}

/** The same for a claim on what is at `path`. */
export function claimName(path: string): string {
  return nameOf('claim', path);
}

function nameOf(kind: UnfinishedKind, path: string): string {
  const ending = `.nightjar-${kind}-${machine}-${process.pid}-${randomBytes(4).toString('hex')}`;
  own.add(ending);
  return `${path}${ending}`;
}

/** Whether a restore is making something under this name: nobody else has it open. */
export function isUnfinished(path: string): boolean {
  return form.exec(path)?.[1] === 'new';
}

/** Removes what dead processes of this machine were making beside `path`; returns the names. */
export async function sweepUnfinished(path: string, remove: (path: string) => Promise<void>): Promise<string[]> {
  const swept: string[] = [];
  for (const name of await readdir(dirname(path))) {
    if (holderOf(name, path, 'new') !== 'dead') continue;
    await remove(join(dirname(path), name));
    swept.push(name);
  }
  return swept;
}

/** Whose a name beside `path` is; undefined if it is no such name. `elsewhere`: of another machine. */
export function holderOf(name: string, path: string, kind: UnfinishedKind): 'alive' | 'dead' | 'elsewhere' | undefined {
  const [ending, found, host, pid] = form.exec(name) ?? [];
  if (ending === undefined || found !== kind || name.slice(0, -ending.length) !== basename(path)) return undefined;
  if (host !== machine) return 'elsewhere';
  const isOthers = Number(pid) !== process.pid && isAlive(Number(pid));
  return own.has(ending) || isOthers ? 'alive' : 'dead';
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
