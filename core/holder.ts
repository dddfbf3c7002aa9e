import { randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Identity } from './ports.ts';

type Holder = { host: string; pid: number; started: string; space: string; boot: string };

/** A boot id is random, so these digits are enough. */
const bootDigits = 13;
const pattern = /^(?<host>\S+) pid (?<pid>\d+) \((?<boot>[0-9a-f-]{13})\.(?<space>\d+)\.(?<started>\d+)\)$/;

/** This process as the holder of a lease, with a new run id. */
export function thisIdentity(): Identity {
  return { run: newRunId(), holder: thisHolder(), isGone };
}

/** Eight random hex digits. */
export function newRunId(): string {
  return randomBytes(4).toString('hex');
}

/**
 * This process, distinct from every other on any machine: `web-1 pid 4711 (31da1bf0-1f01.4026531836.881234)`, with
 * boot, pid namespace and start time. Without Linux's /proc, only host and pid.
 */
export function thisHolder(): string {
  const self = { host: hostname(), pid: process.pid, started: startOf(process.pid)?.started, ...here() };
  const known = self.started !== undefined && self.space !== undefined && self.boot !== undefined;
  return `${self.host} pid ${self.pid}${known ? ` (${self.boot}.${self.space}.${self.started})` : ''}`;
}

/**
 * Whether that holder was a process of this machine, boot and pid namespace, and has ended. False whenever that can't
 * be known. Not for virtual machines started from one snapshot (Lambda), which share all of these.
 */
export function isGone(holder: string): boolean {
  const other = pattern.exec(holder)?.groups as Record<keyof Holder, string> | undefined;
  const { space, boot } = here();
  if (other === undefined || other.host !== hostname() || other.boot !== boot || other.space !== space) return false;
  const pid = Number(other.pid);
  if (!exists(pid)) return true;
  const now = startOf(pid);
  return now !== undefined && (now.started !== other.started || now.dead);
}

/** Asks the kernel, because /proc may hide other users' processes. */
function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/**
 * Start time in ticks since boot (field 22 of proc_pid_stat(5)), and whether only its exit status is left (field 3: Z
 * or X).
 */
function startOf(pid: number): { started: string; dead: boolean } | undefined {
  const text = read(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ');
  const started = fields?.[19];
  return started === undefined ? undefined : { started, dead: /^[ZX]$/.test(fields?.[0] ?? '') };
}

function here(): { space: string | undefined; boot: string | undefined } {
  const space = read(() => /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0]);
  return { space, boot: read(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').slice(0, bootDigits)) };
}

function read<T>(from: () => T): T | undefined {
  try {
    return from();
  } catch {
    return undefined;
  }
}
