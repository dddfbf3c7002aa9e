import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { abortError, BackupError } from '../../../domain/errors.ts';
import type { Asked, Question, Questions, Refusal, Reply } from '../program/questions.ts';
import { refusedBy } from '../failures.ts';

/** A process that has a database open. One question at a time; `place` is for its errors. */
export type SqliteProcess = {
  ask<Name extends Question>(
    question: Name,
    given: Questions[Name]['given'],
    place: string,
    signal: AbortSignal,
  ): Promise<Questions[Name]['answer']>;
  /** Ends it and releases every lock that it holds. */
  close(): Promise<void>;
};

/** A refusal by SQLite as an error; `code` is its extended result code. */
export type SqliteRefusal = BackupError & { refusal: Refusal };

const program = import.meta.url.endsWith('.ts') ? '../program/main.ts' : './sqlite-program.mjs';

/** Starts a process for SQLite; the signal of a question ends it. */
export function startSqlite(): SqliteProcess {
  const child = fork(fileURLToPath(new URL(program, import.meta.url)), [], {
    execArgv: ['--disable-warning=ExperimentalWarning'],
    env: {},
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  const waiting = new Map<number, (reply: Reply | Error) => void>();
  let words = '';
  let number = 0;
  child.stderr?.on('data', (chunk: Buffer) => {
    words = `${words}${chunk.toString()}`.slice(-1000);
  });
  child.on('message', (reply: Reply) => waiting.get(reply.id)?.(reply));
  const ended = new Promise<void>((resolve) => {
    child.once('error', () => resolve());
    child.once('exit', () => resolve());
  });
  void ended.then(() => {
    const last = words.trim().split('\n').at(-1) ?? '';
    const error = new BackupError('dump-failed', `the process that reads SQLite has ended${last && `: ${last}`}`);
    for (const answer of waiting.values()) answer(error);
  });

  async function reply(asked: Asked, signal: AbortSignal): Promise<Reply> {
    if (signal.aborted) throw abortError(signal);
    const { promise, resolve } = Promise.withResolvers<Reply | Error>();
    const stop = () => resolve(abortError(signal));
    signal.addEventListener('abort', stop, { once: true });
    waiting.set(asked.id, resolve);
    try {
      child.send(asked, (error) => error && resolve(error));
      const found = await promise;
      if (found instanceof Error) throw found;
      return found;
    } finally {
      waiting.delete(asked.id);
      signal.removeEventListener('abort', stop);
    }
  }

  return {
    async ask(question, given, place, signal) {
      number += 1;
      const found = await reply({ id: number, ask: question, given } as Asked, signal);
      if ('refusal' in found) throw Object.assign(refusedBy(found.refusal, place), { refusal: found.refusal });
      return found.answer as Questions[typeof question]['answer'];
    },
    async close() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
