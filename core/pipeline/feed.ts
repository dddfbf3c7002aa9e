import { basename } from 'node:path';
import { abortError, BackupError, isBackupError, messageOf } from '../domain/errors.ts';
import type { FailureCode } from '../domain/errors.ts';
import { formatDuration } from '../domain/units.ts';
import { programInput } from './program.ts';

/**
 * A program of the user's, and its arguments: started without a shell. `said` receives its last words when it fails.
 */
export type Command = {
  program: string;
  args: readonly string[];
  env: Readonly<Record<string, string>>;
  said?: ((line: string) => void) | undefined;
};

/** Longest time that a program of the user's may take. */
export const feedLimitMs = 60_000;

/**
 * Starts a program with a document as one line of JSON on its standard input. Throws `failure` unless it exits with 0
 * within the limit; then the program and all that it has started are stopped. What it printed stays on this machine,
 * because the error goes to others.
 */
export async function feed(
  { program, args, env, said }: Command,
  document: object,
  failure: FailureCode,
  signal: AbortSignal,
  limitMs = feedLimitMs,
): Promise<void> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(limitMs)]);
  const name = basename(program);
  const run = {
    program: { name, version: '', command: program, args: [] },
    args,
    env,
    idleLimitMs: limitMs,
    said: (words: string) => said?.(`${name}: ${words}`),
    wholeGroup: true,
  };
  try {
    await programInput(run, lines(document), limit);
  } catch (cause) {
    if (signal.aborted) throw abortError(signal);
    const why = limit.aborted
      ? `${name} was still running after ${formatDuration(limitMs)}, and was stopped`
      : messageOf(cause);
    throw new BackupError(failure, why, {
      hint: isBackupError(cause) && cause.hint !== undefined ? cause.hint : remedyOf(why, name),
      cause,
    });
  }
}

function remedyOf(why: string, name: string): string {
  if (/ENOENT/.test(why))
    return `correct the command in the configuration: a path is looked for from its folder, and a name in PATH; a script needs a first line that names a program (#!/bin/sh)`;
  if (/EACCES/.test(why)) return `make it executable: chmod +x ${name}`;
  const words = 'what it printed is shown where it ran, and sent to nobody';
  return `it gets one document of JSON on standard input, and has to exit with 0: try it by hand (${words})`;
}

async function* lines(document: object): AsyncGenerator<Uint8Array> {
  yield Buffer.from(`${JSON.stringify(document)}\n`);
}
