import { spawn } from 'node:child_process';
import { abortError, BackupError } from '../../../core/domain/errors.ts';

export type RunOptions = { cwd?: string; env?: NodeJS.ProcessEnv };

/**
 * Runs a program to its end and returns what it printed. Any other status than 0 is a `tools-missing` error with the
 * program's last words, caused by all of them.
 */
export async function run(
  argv: readonly [string, ...string[]],
  options: RunOptions,
  signal: AbortSignal,
): Promise<string> {
  const result = await attempt(argv, options, signal);
  if (result.status === 0) return result.output;
  const cause = new Error(`${result.output}\n${result.complaint}`);
  throw new BackupError(
    'tools-missing',
    `${argv[0]} ended with ${result.status}: ${lastWords(result.complaint || result.output)}`,
    { cause },
  );
}

/** Runs a program to its end whatever its status; a program that isn't there has the status `ENOENT`. */
export function attempt(
  [program, ...args]: readonly [string, ...string[]],
  options: RunOptions,
  signal: AbortSignal,
): Promise<{ status: number | string; output: string; complaint: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options, signal });
    let output = '';
    let complaint = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint = (complaint + text).slice(-100_000)));
    child.on('error', (error: NodeJS.ErrnoException) => {
      if (signal.aborted) reject(stopped(program, signal));
      else resolve({ status: error.code ?? error.message, output, complaint });
    });
    child.on('close', (code, killedBy) => resolve({ status: code ?? killedBy ?? 'unknown', output, complaint }));
  });
}

function stopped(program: string, signal: AbortSignal): BackupError {
  const isOver = signal.reason instanceof Error && signal.reason.name === 'TimeoutError';
  return isOver
    ? new BackupError('deadline', `${program} was stopped: its time was over`, { cause: signal.reason })
    : abortError(signal);
}

function lastWords(text: string): string {
  return text.trim().split('\n').slice(-6).join(' / ') || 'it said nothing';
}
