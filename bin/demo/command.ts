import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Stage } from './stage.ts';
import type { Teller } from './teller.ts';

const program = join(import.meta.dirname, '../nightjar.ts');

/** A command of the demo that did not exit with 0. */
export class CommandFailed extends Error {
  readonly exitCode: number | null;

  constructor(words: readonly string[], exitCode: number | null) {
    super(`nightjar ${words.join(' ')} ended with exit code ${exitCode ?? 'none: it was killed'}`);
    this.exitCode = exitCode;
  }
}

/**
 * Runs the command line as a person would, in the demo's folder, where its nightjar.yaml is, with its output visible.
 */
export async function nightjar(
  words: readonly string[],
  { folder, layer }: Stage,
  tell: Teller,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  tell.command(`nightjar ${words.join(' ')}`);
  const child = spawn(process.execPath, [program, ...words], {
    cwd: folder,
    env: { ...process.env, NIGHTJAR_TOOLS: layer },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const onAbort = () => child.kill('SIGTERM');
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    signal.throwIfAborted();
    if (code !== 0) throw new CommandFailed(words, code);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
