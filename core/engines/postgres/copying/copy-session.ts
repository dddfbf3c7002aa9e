import { Socket } from 'node:net';
import type pg from 'pg';
import { abortError, BackupError } from '../../../domain/errors.ts';
import type { FailureCode } from '../../../domain/errors.ts';
import { formatDuration } from '../../../domain/units.ts';
import { drained } from '../../../pipeline/program.ts';
import { spending } from '../../../pipeline/memory/spent.ts';
import type { ByteStream } from '../../../ports.ts';
import { placeOf } from '../../login.ts';
import type { Login } from '../../login.ts';
import { clientOf, connectClient } from '../client.ts';
import { explained } from '../session.ts';
import { messageHead, question } from './question.ts';
import type { PostgresQuestion } from './question.ts';
import { borrowing, rowsOf } from './reading.ts';

/**
 * A session of ours that loads rows, by statements that the grammar of data parts has judged, or reads them. Statements
 * are sent as bytes, because they may be in any encoding.
 */
export type CopySession = {
  /** Returns the server's command tag: `SELECT 1`. */
  run(statement: Uint8Array): Promise<string>;
  /** A `COPY … FROM stdin` and its rows, without the line that ends them. */
  copy(statement: Uint8Array, rows: AsyncIterable<Uint8Array>): Promise<void>;
  /** The rows of a `COPY … TO stdout`. A chunk is good until the next is asked for. */
  read(statement: Uint8Array): ByteStream;
  /** Ends the session: what is not committed is undone. */
  close(): Promise<void>;
};

/**
 * `name`: what the session calls itself. `failure`: the code if the server does nothing for too long. `explain`: makes
 * an error of the server's message, or of its end. `hear`: receives other messages.
 */
export type CopySessionWishes = {
  name: string;
  options: string;
  idleLimitMs: number;
  failure: FailureCode;
  explain(cause: unknown, statement: Uint8Array): unknown;
  hear(line: string): void;
};

/** The server parses a message when it is complete: one of this size is still in its processor's cache. */
const frameBytes = 64 * 1024;

/** Opens such a session in the database of `login`. Throws `source-unreachable`. */
export async function openCopySession(
  login: Login,
  { name, options, idleLimitMs, failure, explain, hear }: CopySessionWishes,
  signal: AbortSignal,
): Promise<CopySession> {
  if (signal.aborted) throw abortError(signal);
  const [place, socket] = [placeOf('postgres', login), new Socket()];
  const client = await clientOf(login, { socket, options, name }, signal);
  let lost: unknown;
  client.on('error', (error) => (lost ??= error));
  client.on('notice', ({ severity, message, hint }) =>
    hear(`${severity ?? 'NOTICE'}:  ${message ?? ''}${hint === undefined ? '' : `\nHINT:  ${hint}`}`),
  );
  const cut = (): void => {
    clearTimeout(silence);
    socket.destroy();
  };
  signal.addEventListener('abort', cut, { once: true });
  /** Rows are with their reader, and the server has to wait for that. */
  let isServerWaiting = false;
  const silence = setTimeout(() => {
    if (isServerWaiting) return void silence.refresh();
    const what = `${place} did nothing for ${formatDuration(idleLimitMs)} and was left`;
    lost ??= new BackupError(failure, what, { hint: 'is the server stuck, or a table locked?' });
    cut();
  }, idleLimitMs);

  function ask(statement: Uint8Array, asked: PostgresQuestion = question(statement)) {
    client.query(asked);
    const ended = asked.ended.catch((cause: unknown) => {
      if (signal.aborted) throw abortError(signal);
      throw explain(lost ?? cause, statement);
    });
    ended.catch(() => {}); // whoever awaits it gets the error
    silence.refresh();
    return { ...asked, ended };
  }
  async function close(): Promise<void> {
    isServerWaiting = false;
    silence.refresh();
    await client.end().catch(() => {});
    clearTimeout(silence);
    signal.removeEventListener('abort', cut);
  }
  try {
    await connectClient(client);
  } catch (cause) {
    await close();
    if (signal.aborted) throw abortError(signal);
    throw explained(cause, place, login, 'source-unreachable');
  }
  return {
    run: (statement) => ask(statement).ended,
    async copy(statement, rows) {
      const { begun, ended, isOver } = ask(statement);
      const stream = await Promise.race([begun, ended]);
      if (typeof stream === 'string') return;
      const memory = spending();
      for await (const piece of rows) {
        if (isOver()) break; // its end has the error
        send(stream, piece);
        const isFull = stream.writableNeedDrain;
        if (isFull) await drained(stream);
        memory.passed(piece, isFull);
        silence.refresh();
      }
      if (!isOver()) stream.write(messageHead('c', 0));
      await ended;
    },
    async *read(statement) {
      const borrowed = borrowing(question(statement));
      const { ended } = ask(statement, borrowed.asked);
      for await (const piece of rowsOf(borrowed)) {
        isServerWaiting = true;
        yield piece;
        isServerWaiting = false;
        silence.refresh();
      }
      await ended;
    },
    close,
  };
}

/** Rows as messages, all of them in one write. */
function send(stream: pg.Connection['stream'], piece: Uint8Array): void {
  stream.cork();
  for (let from = 0; from < piece.length; from += frameBytes) {
    const frame = piece.subarray(from, from + frameBytes);
    stream.write(messageHead('d', frame.length));
    stream.write(frame);
  }
  stream.uncork();
}
