import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { Bytes } from '../../core/domain/units.ts';

/** What one run has cost: wall time, the CPU of its whole process tree, and the peak of that tree's resident memory. */
export type Cost = { wallMs: number; cpuMs: number; peakBytes: Bytes };

export type Command = { program: string; args: readonly string[]; env: Readonly<Record<string, string>> };

const sampleMs = 50;
const tickMs = 10; // USER_HZ is 100 on every Linux that Node runs on
const pageBytes = 4096;
const wordsKept = 4000;

/**
 * Runs a program to its end. CPU is what the kernel adds up for children that were waited for, so nothing else may end
 * meanwhile; memory is sampled 20 times a second, and a page that two processes share counts twice. Throws with its
 * last words unless it exits with 0.
 */
export async function measure({ program, args, env }: Command, signal: AbortSignal): Promise<Cost> {
  const before = await childrenCpuMs();
  const start = performance.now();
  const child = spawn(program, args, {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    signal,
  });
  let words = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (words = `${words}${chunk.toString()}`.slice(-wordsKept)));
  let peakBytes = 0;
  const sampler = setInterval(
    () => void treeBytes(child.pid ?? 0).then((bytes) => (peakBytes = Math.max(peakBytes, bytes))),
    sampleMs,
  );
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    const wallMs = performance.now() - start;
    if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}:\n${words}`);
    return { wallMs, cpuMs: (await childrenCpuMs()) - before, peakBytes };
  } finally {
    clearInterval(sampler);
  }
}

/** User and system time of all children that have ended and their own (fields 16 and 17 of proc_pid_stat(5)). */
export async function childrenCpuMs(): Promise<number> {
  const text = await readFile('/proc/self/stat', 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[13]) + Number(fields[14])) * tickMs;
}

/** `above`: the command of its parent. What has the same has not become another program yet, and has its memory. */
async function treeBytes(pid: number, above?: string): Promise<Bytes> {
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  if (command === above) return 0;
  const [own, children] = await Promise.all([
    readFile(`/proc/${pid}/statm`, 'utf8').then(
      (text) => Number(text.split(' ')[1]) * pageBytes,
      () => 0,
    ),
    readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').then(
      (text) => text.split(' ').filter(Boolean).map(Number),
      () => [],
    ),
  ]);
  const below = await Promise.all(children.map((child) => treeBytes(child, command)));
  return below.reduce((sum, bytes) => sum + bytes, own);
}
