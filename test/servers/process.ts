import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { serverIdentity } from './identity.ts';

export type Launch = { program: string; args: readonly string[]; env: Readonly<Record<string, string>>; cwd: string };

export type ServerProcess = {
  pid: number;
  running(): boolean;
  /** The end of what it wrote, at most 16 kB. */
  lastWords(): string;
  /** Sends `how`, waits up to `graceMs`, then kills. */
  stop(how: NodeJS.Signals, graceMs: number): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
};

const wordsKept = 16_384;

/**
 * Waits for a line (our order to stand down) or for the end of its input (our death). Then it sends the signal until
 * the server is gone, for five seconds, and kills.
 */
const guard =
  'read -r _ && exit; n=0; while kill -s "$2" "$1" && [ $n -lt 50 ]; do n=$((n+1)); sleep 0.1; done; kill -KILL "$1"';

/**
 * Starts a server as the user that servers run as; it dies with this process, even by SIGKILL, and does not keep this
 * process alive. `orphaned` is the signal that it gets then: one that has to tidy up is not killed at once.
 */
export function startProcess({ program, args, env, cwd }: Launch, orphaned: NodeJS.Signals = 'SIGKILL'): ServerProcess {
  const child = spawn(program, args, {
    env,
    cwd,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...serverIdentity(),
  });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  let failure = '';
  child.once('error', (error) => (failure = error.message));
  const words = collectWords(child);
  for (const stream of [child.stdout, child.stderr]) (stream as Socket).unref();
  const standDown = guardProcess(child, orphaned);
  void ended.then(standDown);
  child.unref();
  const running = (): boolean => child.pid !== undefined && child.exitCode === null && child.signalCode === null;
  const kill = async (): Promise<void> => {
    child.ref();
    if (running()) child.kill('SIGKILL');
    await ended;
  };
  return {
    pid: child.pid ?? -1,
    running,
    lastWords: () => `${words()}${failure}`,
    kill,
    stop: async (how, graceMs) => {
      child.ref();
      if (running()) child.kill(how);
      const timer = setTimeout(() => void kill(), graceMs);
      await ended;
      clearTimeout(timer);
    },
  };
}

/**
 * Runs a program of a server to its end as the user that servers run as; its output, or an error with its last words.
 */
export async function runProgram({ program, args, env, cwd }: Launch, signal: AbortSignal): Promise<string> {
  const child = spawn(program, args, {
    env,
    cwd,
    signal,
    killSignal: 'SIGKILL',
    stdio: ['ignore', 'pipe', 'pipe'],
    ...serverIdentity(),
  });
  const words = collectWords(child);
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${program} ended with ${code ?? 'a signal'}:\n${words()}`);
  return words();
}

const versions = new Map<string, Promise<string>>();

/** What a server's program says of its version: each is asked once, for starting a program is a fork of a whole worker. */
export function programVersion(
  program: string,
  env: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<string> {
  const asked = versions.get(program) ?? runProgram({ program, args: ['--version'], env, cwd: '/' }, signal);
  versions.set(program, asked);
  asked.catch(() => versions.delete(program));
  return asked;
}

function collectWords({ stdout, stderr }: ChildProcess): () => string {
  let words = '';
  for (const stream of [stdout, stderr] as Readable[])
    stream.on('data', (chunk: Buffer) => (words = `${words}${chunk.toString()}`.slice(-wordsKept)));
  return () => words;
}

function guardProcess(child: ChildProcess, orphaned: NodeJS.Signals): () => void {
  if (child.pid === undefined) return () => undefined;
  const watcher = spawn('/bin/sh', ['-c', guard, 'guard', String(child.pid), orphaned.slice('SIG'.length)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  watcher.unref();
  (watcher.stdin as Socket).unref();
  return () => watcher.stdin?.end('stand down\n');
}
