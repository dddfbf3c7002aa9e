import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { abortError, BackupError } from '../../../../core/domain/errors.ts';

/** Somebody who can be asked. */
export type Asker = {
  /** The answer, or `usual` if it is empty; asks again until `problem` finds none. */
  ask(question: string, usual?: string, problem?: (answer: string) => string | undefined): Promise<string>;
  /** An answer that is not shown. */
  askHidden(question: string): Promise<string>;
  close(): void;
};

/** Asks at the terminal. Throws `aborted` for Ctrl-C and Ctrl-D, and `input-invalid` without a terminal. */
export function openAsker(signal: AbortSignal): Asker {
  if (!process.stdin.isTTY || !process.stderr.isTTY)
    throw new BackupError('input-invalid', 'nobody can be asked here: this is no terminal', {
      hint: 'say it all: nightjar init shop postgres://user@host/database --password-file <file>; more: nightjar init --help',
    });
  let hidden = false;
  const output = new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (!hidden || chunk.toString().includes('\n')) process.stderr.write(hidden ? '\n' : chunk);
      done();
    },
  });
  const terminal = createInterface({ input: process.stdin, output, terminal: true });
  terminal.once('SIGINT', () => process.kill(process.pid, 'SIGINT'));
  const ended = new Promise<undefined>((resolve) => terminal.once('close', () => resolve(undefined)));

  async function answer(prompt: string): Promise<string> {
    const given = await Promise.race([terminal.question(prompt, { signal }), ended]).catch((cause: unknown) => {
      throw signal.aborted ? new BackupError('aborted', abortError(signal).message, { cause }) : cause;
    });
    if (given === undefined) throw new BackupError('aborted', 'no more answers: nothing was written');
    return given.trim();
  }

  return {
    async ask(question, usual, problem = () => undefined) {
      for (;;) {
        const given = (await answer(`${question}${usual === undefined ? '' : ` [${usual}]`}: `)) || (usual ?? '');
        const wrong = given === '' ? 'this is needed' : problem(given);
        if (wrong === undefined) return given;
        process.stderr.write(`  ${wrong}\n`);
      }
    },
    async askHidden(question) {
      process.stderr.write(`${question}: `);
      hidden = true;
      try {
        return await answer('');
      } finally {
        hidden = false;
      }
    },
    close: () => terminal.close(),
  };
}
