import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { BackupError } from '../../../../domain/errors.ts';
import { mapConcurrently } from '../../../../pipeline/concurrency.ts';
import type { Passed } from '../../../../pipeline/guard.ts';
import { spending } from '../../../../pipeline/memory/spent.ts';
import type { ByteStream } from '../../../../ports.ts';
import { nameIn } from '../../choose/definitions.ts';
import type { RowSession } from './row-session.ts';

/**
 * `shared`: tables whose rows may come in any order and from several sessions; `sessions`: how many there are.
 * `asBytes`: tables that get the same values if their strings are bytes to the server. It takes a tenth less time then:
 * it names each string after its own text, in utf8mb3, and counts its characters.
 */
export type Dealing = {
  shared: ReadonlySet<string>;
  asBytes: ReadonlySet<string>;
  sessions: number;
  file: string;
};

/** `load` feeds the client, which takes a text of any length; `open` opens our own session. */
export type RowLoaders = {
  load(text: ByteStream, signal: AbortSignal): Promise<unknown>;
  open(signal: AbortSignal): Promise<RowSession>;
};

/** An INSERT has at most a megabyte, unless a single row has more (mariadb-dump's net_buffer_length). */
const largestStatement = 2 * 1024 ** 2;
const insert = /^INSERT INTO (`(?:[^`]|``)*`)/i;
/** Statements that tables filled only by this restore don't need, and that would make sessions wait for each other. */
const alone = /^(?:LOCK TABLES |UNLOCK TABLES|\/\*!40000 ALTER TABLE )/i;
const position = /^(?:DO|SELECT) SETVAL\(/i;
const noStatement = /^(?:\s|--)/;
const characterSet = /^(?:\/\*M?!\d+ )?SET .*\b(?:NAMES |CHARACTER_SET_CLIENT ?=)/i;
const namesUtf8 = /^(?:\/\*M?!\d+ )?SET NAMES utf8mb4\b[^,]*$/i;
const unchecked = /\b(UNIQUE_CHECKS ?= ?)0/gi;

/**
 * Loads a data part by a client and some sessions: INSERTs of shared tables go to whichever session is free; other and
 * very long ones to the client; settings and each COMMIT to all, once all rows before them are in. Nothing more is
 * committed if the part is wrong or one of them fails. Unique keys are checked: without that, MariaDB's InnoDB locks a
 * table for one session.
 */
export async function dealRows(
  pieces: AsyncIterable<Passed>,
  { shared, asBytes, sessions: count, file }: Dealing,
  { load, open }: RowLoaders,
  signal: AbortSignal,
): Promise<void> {
  const line = new PassThrough();
  line.on('error', () => {}); // its reader is told
  const failed = new AbortController();
  const both = AbortSignal.any([signal, failed.signal]);
  const sessions: RowSession[] = [];

  async function dealOut(stop: AbortSignal): Promise<void> {
    const crew = crewOf(sessions);
    const blocks: Buffer[] = [];
    const nextBlock = () => blocks.pop() ?? Buffer.allocUnsafeSlow(largestStatement);
    const memory = spending();
    let held = nextBlock();
    let [table, bytes] = [0, 0];
    /** Whether the client gets the current rows; otherwise they are held until their statement is complete. */
    let streamed = false;
    /** Whether strings are in utf8mb4, and whether those of the current rows may be bytes to the server. */
    let [isUtf8, areBytes] = [true, false];
    const giveHeld = async () => {
      if (bytes === 0) return;
      const [full, statement] = [held, held.subarray(0, bytes)];
      [held, bytes] = [nextBlock(), 0];
      await crew.send(statement, areBytes, () => blocks.push(full));
    };
    for await (const { text, table: now } of pieces) {
      if (now !== table) {
        await giveHeld();
        table = now;
        const name = nameIn(insert.exec(text.toString('latin1'))?.[1] ?? '');
        [streamed, areBytes] = [!shared.has(name), isUtf8 && asBytes.has(name)];
      }
      if (now > 0 && !streamed && bytes + text.length > held.length) {
        await give(line, Buffer.from(held.subarray(0, bytes)), stop);
        [bytes, streamed] = [0, true];
      }
      if (now === 0) {
        const statement = text.toString('latin1');
        if (characterSet.test(statement)) isUtf8 = namesUtf8.test(statement);
        await giveAll(text, line, crew, stop);
      } else if (streamed) await give(line, Buffer.from(text), stop);
      else bytes += text.copy(held, bytes);
      memory.passed(text, true); // what goes on are copies
      stop.throwIfAborted();
      if (line.destroyed) return;
    }
    await crew.idle();
    line.end();
  }

  async function loadLine(stop: AbortSignal): Promise<void> {
    await load(line, stop);
    if (!line.readableEnded)
      throw new BackupError('restore-failed', `a client that was loading ${file} ended before its rows did`);
  }
  /** If one of us fails, the client must neither see the end of its input nor wait for more of it. */
  const orCut = (error: unknown): never => {
    line.destroy(error as Error);
    failed.abort(error);
    throw error;
  };

  try {
    for (let number = 0; number < count; number += 1) sessions.push(await open(both));
    await mapConcurrently(2, [dealOut, loadLine], (one, stop) => one(stop).catch(orCut), signal);
    for (const session of sessions) await session.run('COMMIT');
  } finally {
    await Promise.all(sessions.map((session) => session.close()));
  }
}

/** Waits until it is taken. If the reader has failed, it reports why itself. */
async function give(line: PassThrough, text: Uint8Array, stop: AbortSignal): Promise<void> {
  if (line.destroyed || line.write(text)) return;
  await once(line, 'drain', { signal: stop }).catch(() => {});
}

/** What stands between rows. */
async function giveAll(text: Buffer, line: PassThrough, crew: Crew, stop: AbortSignal): Promise<void> {
  const statement = text.toString('latin1');
  if (alone.test(statement)) return;
  const checked = statement.replace(unchecked, (_, setting: string) => `${setting}1`);
  await give(line, Buffer.from(checked, 'latin1'), stop);
  if (!noStatement.test(statement) && !position.test(statement)) await crew.runAll(checked);
}

/** Sessions that take turns: whichever is free gets the next statement. */
type Crew = {
  /** Returns when a session has it; `done`: its bytes are free again. */
  send(statement: Buffer, asBytes: boolean, done: () => void): Promise<void>;
  /** Runs it in each session, after what that one has got before. */
  runAll(statement: string): Promise<void>;
  idle(): Promise<void>;
};

/** So many statements for all may wait for the rows before them. */
const mostWaiting = 100;

function crewOf(sessions: readonly RowSession[]): Crew {
  /** The present work of each session; a failed one stays, so that whoever waits learns of it. */
  const work = new Map<RowSession, Promise<RowSession>>();
  let waiting = 0;
  const idle = async () => {
    await Promise.all(work.values());
    waiting = 0;
  };
  function add(session: RowSession, deed: () => Promise<void>): void {
    const before = work.get(session) ?? Promise.resolve();
    const done = before.then(deed).then(() => {
      if (work.get(session) === done) work.delete(session);
      return session;
    });
    done.catch(() => {}); // whoever waits next is told
    work.set(session, done);
  }
  return {
    async send(statement, asBytes, free) {
      const session = sessions.find((one) => !work.has(one)) ?? (await Promise.race(work.values()));
      add(session, () => session.send(statement, asBytes).then(free));
    },
    async runAll(statement) {
      if (waiting >= mostWaiting) await idle();
      waiting += 1;
      for (const session of sessions) add(session, () => session.run(statement));
    },
    idle,
  };
}
