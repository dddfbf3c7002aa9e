import { createInterface } from 'node:readline/promises';
import { BackupError } from '../../core/domain/errors.ts';
import { harmless } from './harmless.ts';
import type { Output } from './output.ts';

/**
 * Has a name typed before something is lost. Where nobody can type (no terminal, --json), it throws `input-invalid`: `--yes` is the answer there.
 * Throws `input-invalid` for any other answer, too.
 */
export async function confirmByName(name: string, question: string, out: Output, signal: AbortSignal): Promise<void> {
  if (!process.stdin.isTTY || !out.watched) {
    throw new BackupError('input-invalid', `${question}, and nobody can be asked here`, { hint: 'say --yes where that is meant' });
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  // Ctrl-C at the prompt reaches readline, not the process
  terminal.once('SIGINT', () => process.kill(process.pid, 'SIGINT'));
  try {
    const answer = await terminal.question(harmless(`${question}.\nType ${name} to go on: `), { signal });
    if (answer.trim() === name) return;
  } finally {
    terminal.close();
  }
  throw new BackupError('input-invalid', 'not confirmed: nothing was changed');
}
