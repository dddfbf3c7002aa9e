import { createInterface } from 'node:readline/promises';
import { abortError, BackupError } from '../../../core/domain/errors.ts';
import { oneLine } from '../../../core/domain/lines.ts';
import type { Output } from './output.ts';
import { wrapped } from './text.ts';

const unchanged = 'nothing was changed';

/**
 * Asks a person to type a name before something is lost. Where nobody can type (no terminal, --json), throws
 * `input-invalid`: `--yes` is the answer there. Also throws `input-invalid` for any other answer, and `aborted` for
 * Ctrl-C.
 */
export async function confirmByName(name: string, question: string, out: Output, signal: AbortSignal): Promise<void> {
  if (!process.stdin.isTTY || !out.watched) {
    throw new BackupError('input-invalid', `${question}, and nobody can be asked here: ${unchanged}`, {
      hint: 'to go on without being asked, add --yes',
    });
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  // Ctrl-C at the prompt reaches readline, not the process
  terminal.once('SIGINT', () => process.kill(process.pid, 'SIGINT'));
  // Ctrl-D ends the input, and readline would wait for ever
  const ended = new Promise<string>((resolve) => terminal.once('close', () => resolve('\n')));
  const prompt = [...wrapped(oneLine(`${question}.`), out.columns), `${oneLine(`Type ${name} to go on:`)} `].join('\n');
  try {
    const answer = await Promise.race([terminal.question(prompt, { signal }), ended]);
    if (answer.trim() === name) return;
    if (answer === '\n') out.note('');
  } catch (cause) {
    throw signal.aborted ? new BackupError('aborted', `${abortError(signal).message}: ${unchanged}`, { cause }) : cause;
  } finally {
    terminal.close();
  }
  throw new BackupError('input-invalid', `not confirmed: ${unchanged}`, {
    hint: `the answer must be the name, letter by letter: ${name}`,
  });
}
