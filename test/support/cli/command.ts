import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { bundledLauncher } from './bundled.ts';

export type Ended = { code: number | null; stdout: string; stderr: string };
export type Place = {
  cwd: string;
  env?: Readonly<Record<string, string | undefined>>;
  program?: string;
  /** Behind which it is killed. */
  limitMs?: number;
};
/** `said`: its stderr so far. */
export type Running = { pid: number; kill(signal: NodeJS.Signals): void; said(): string; ended: Promise<Ended> };

const usualLimitMs = 120_000;
/** Progress lines, printed every ten seconds: only a slow machine has them. */
export const progress =
  /^\S+ {2}(getting ready|backing up|verifying|restoring|definitions|rows|data\/|indexes|proof|pulling|copying).*\n/gm;

/**
 * Starts the command line as an installed one: its launcher, in its own process, with nothing of the tests in its
 * environment. Without notices about Debian's latest fixes.
 */
export function start(
  args: readonly string[],
  { cwd, env = {}, program = bundledLauncher(), limitMs = usualLimitMs }: Place,
): Running {
  const { NODE_OPTIONS: _, ...own } = process.env;
  const child = spawn(process.execPath, [program, ...args], {
    cwd,
    env: { ...own, NIGHTJAR_LAYER_NEWS: 'off', CACHE_DIRECTORY: join(cwd, '.list-keys'), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: limitMs,
    killSignal: 'SIGKILL',
  });
  const seen = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].on('data', (chunk: Buffer) => (seen[name] += chunk.toString()));
  return {
    pid: child.pid!,
    kill: (signal) => void child.kill(signal),
    said: () => seen.stderr,
    ended: once(child, 'close').then(([code]) => ({
      code: code as number | null,
      stdout: seen.stdout,
      stderr: seen.stderr.replace(progress, ''),
    })),
  };
}

/** Runs it to its end. */
export function nightjar(args: readonly string[], place: Place): Promise<Ended> {
  return start(args, place).ended;
}
