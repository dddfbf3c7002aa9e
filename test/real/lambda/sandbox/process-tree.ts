import { readdirSync, readFileSync } from 'node:fs';
import type { Bytes } from '../../../../core/domain/units.ts';

/**
 * Every process below `pid`, parents before their children. Those that a thread beside the first has started are not
 * seen where the kernel tells of children: neither Node nor the clients of databases do so.
 */
export function descendants(pid: number): number[] {
  return belowIn(toldByKernel ? childrenOf : everyChild(), pid);
}

type Children = (pid: number) => number[];

function belowIn(children: Children, pid: number): number[] {
  return children(pid).flatMap((child) => [child, ...belowIn(children, child)]);
}

/** Reading the state of every process of the machine takes milliseconds, and a run is looked at ten times a second. */
const toldByKernel = read(`/proc/self/task/${process.pid}/children`) !== undefined;

function childrenOf(pid: number): number[] {
  return (read(`/proc/${pid}/task/${pid}/children`) ?? '').split(' ').filter(Boolean).map(Number);
}

function everyChild(): Children {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    // after the name, which may hold anything, in parentheses: state, parent
    const parent = Number(read(`/proc/${entry}/stat`)?.split(') ').at(-1)?.split(' ')[1]);
    children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
  }
  return (pid) => children.get(pid) ?? [];
}

/**
 * Resident memory of a process; what several processes share counts for each, so that a sum is rather too much than too
 * little.
 */
export function residentOf(pid: number): Bytes {
  return field(pid, 'VmRSS');
}

/** The most memory that a process has had resident so far. */
export function peakResidentOf(pid: number): Bytes {
  return field(pid, 'VmHWM');
}

/** The program's name, at most 15 characters of it. */
export function nameOf(pid: number): string {
  return read(`/proc/${pid}/comm`)?.trim() ?? '';
}

/** Sends a signal to each; those that have gone are no error. */
export function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

function field(pid: number, name: 'VmRSS' | 'VmHWM'): Bytes {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(read(`/proc/${pid}/status`) ?? '')?.[1] ?? 0) * 1024;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
