import { readdirSync, readFileSync } from 'node:fs';
import type { Bytes } from '../../../../core/domain/units.ts';

/** Every process below `pid`, parents before their children. */
export function descendants(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    // after the name, which may hold anything, in parentheses: state, parent
    const parent = Number(read(`/proc/${entry}/stat`)?.split(') ').at(-1)?.split(' ')[1]);
    children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
  }
  const below = (one: number): number[] => (children.get(one) ?? []).flatMap((child) => [child, ...below(child)]);
  return below(pid);
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
