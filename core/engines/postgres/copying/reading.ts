import type pg from 'pg';
import { giveBack, readOnce } from '../../../pipeline/memory/spent.ts';
import { newFrames } from '../../../pipeline/rows/frames.ts';
import type { ByteStream } from '../../../ports.ts';
import type { PostgresQuestion, ServerStream } from './question.ts';

/** The server has to wait while so many chunks of at most 64 kB wait for their reader. */
const mostChunks = 4;

/** A question whose answer is ours until it is handed back; the driver would make an event of each row. */
export type Borrowed = {
  asked: PostgresQuestion;
  /** The next chunk of the answer; undefined if there is none because the question has failed. */
  next(): Promise<Buffer | undefined>;
  /** Gives the stream back to the driver, with what it has not seen of the answer. */
  handBack(rest: Buffer): void;
};

export function borrowing(question: PostgresQuestion): Borrowed {
  const chunks: Buffer[] = [];
  let drivers: ((chunk: Buffer) => void)[] = [];
  let stream: ServerStream | undefined;
  let wake = (): void => {};
  const take = (chunk: Buffer): void => {
    chunks.push(readOnce(chunk));
    if (chunks.length >= mostChunks) stream?.pause();
    wake();
  };
  question.ended.catch(() => wake());
  const asked: PostgresQuestion = {
    ...question,
    submit(connection: pg.Connection) {
      ({ stream } = connection);
      drivers = stream.listeners('data') as typeof drivers;
      for (const driver of drivers) stream.off('data', driver);
      stream.on('data', take);
      question.submit(connection);
    },
  };
  return {
    asked,
    async next() {
      while (chunks.length === 0 && !question.isOver()) {
        const { promise, resolve } = Promise.withResolvers<void>();
        wake = resolve;
        stream?.resume();
        await promise;
      }
      return chunks.shift();
    },
    handBack(rest) {
      stream?.off('data', take);
      for (const driver of drivers) stream?.on('data', driver);
      for (const chunk of [rest, ...chunks]) for (const driver of drivers) driver(chunk);
      stream?.resume();
    },
  };
}

/** The rows of an answer. The driver gets the message after them; the end of the question says whether all came. */
export async function* rowsOf({ next, handBack }: Borrowed): ByteStream {
  const frames = newFrames();
  for (let rest = frames.rest(); rest === undefined; rest = frames.rest()) {
    const chunk = await next();
    if (chunk === undefined) return;
    yield* frames.take(chunk);
    giveBack(chunk.buffer);
  }
  handBack(frames.rest()!);
}
