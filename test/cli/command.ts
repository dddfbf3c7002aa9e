import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export type Ended = { code: number | null; stdout: string; stderr: string };
export type Place = { cwd: string; env?: Readonly<Record<string, string | undefined>>; program?: string };
export type Running = { pid: number; kill(signal: NodeJS.Signals): void; saw(words: RegExp): Promise<void>; ended: Promise<Ended> };

const launcher = fileURLToPath(new URL('../../bin/nightjar', import.meta.url));
const limitMs = 120_000;

/** Starts the command line as a person does: its launcher, in a process of its own, with nothing of the tests in its environment. */
export function start(args: readonly string[], { cwd, env = {}, program = launcher }: Place): Running {
  const { NODE_OPTIONS: _, ...own } = process.env;
  const child = spawn(process.execPath, [program, ...args], { cwd, env: { ...own, ...env }, stdio: ['ignore', 'pipe', 'pipe'], timeout: limitMs, killSignal: 'SIGKILL' });
  const seen = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) child[name].on('data', (chunk: Buffer) => (seen[name] += chunk.toString()));
  return {
    pid: child.pid!,
    kill: (signal) => void child.kill(signal),
    async saw(words) {
      while (!words.test(seen.stdout + seen.stderr)) {
        if (child.exitCode !== null) throw new Error(`ended without ${words}:\n${seen.stdout}${seen.stderr}`);
        await once(child.stderr, 'data');
      }
    },
    ended: once(child, 'close').then(([code]) => ({ code: code as number | null, ...seen })),
  };
}

/** Runs it to its end. */
export function nightjar(args: readonly string[], place: Place): Promise<Ended> {
  return start(args, place).ended;
}
