import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { BackupError } from '../../../domain/errors.ts';
import { mapConcurrently } from '../../../pipeline/concurrency.ts';
import type { Passed } from '../../../pipeline/guard.ts';
import type { ByteStream } from '../../../ports.ts';
import { nameIn } from '../choose/definitions.ts';

/** `shared`: the tables whose rows may come in any order and from several sessions; `clients`: how many there are. */
export type Dealing = { shared: ReadonlySet<string>; clients: number; file: string };

const insert = /^INSERT INTO (`(?:[^`]|``)*`)/i;
/** Of no use to tables that a restore fills alone, and would make sessions wait for each other. */
const alone = /^(?:LOCK TABLES |UNLOCK TABLES|\/\*!40000 ALTER TABLE )/i;
const position = /^(?:DO|SELECT) SETVAL\(/i;
const unchecked = /\b(UNIQUE_CHECKS ?= ?)0/gi;

/**
 * Loads a data part by several clients: INSERTs of shared tables in turn, those of others by the first; settings and
 * each COMMIT go to all, once all rows before it were given out. No end reaches any client when the part is wrong, or
 * one of them fails. Unique keys are checked: without that, MariaDB's InnoDB locks a table for one session.
 */
export async function dealRows(
  pieces: AsyncIterable<Passed>,
  { shared, clients, file }: Dealing,
  load: (text: ByteStream, signal: AbortSignal) => Promise<unknown>,
  signal: AbortSignal,
): Promise<void> {
  const lines = Array.from({ length: clients }, () => new PassThrough());
  for (const line of lines) line.on('error', () => {}); // its reader is told
  /** Waits until it is taken. Whoever reads no longer has failed, and tells why. */
  const give = async (line: PassThrough, text: Uint8Array, stop: AbortSignal) => {
    if (line.destroyed || line.write(text)) return;
    await once(line, 'drain', { signal: stop }).catch(() => {});
  };
  async function dealOut(stop: AbortSignal): Promise<void> {
    let [table, turn, reader] = [0, 0, lines[0]!];
    for await (const { text, table: now } of pieces) {
      if (now > 0 && now !== table) {
        table = now;
        const isShared = shared.has(nameIn(insert.exec(text.toString('latin1'))?.[1] ?? ''));
        reader = isShared ? lines[(turn = (turn + 1) % clients)]! : lines[0]!;
      }
      if (now > 0) await give(reader, text, stop);
      else for (const line of readersOf(text, lines)) await give(line, checked(text), stop);
      stop.throwIfAborted();
      if (lines.some((line) => line.destroyed)) return;
    }
    for (const line of lines) line.end();
  }
  async function loadLine(line: PassThrough, stop: AbortSignal): Promise<void> {
    await load(line, stop);
    if (!line.readableEnded)
      throw new BackupError('restore-failed', `a client that was loading ${file} ended before its rows did`);
  }
  /** No client sees an end of its input, or waits for more of it, when one of us has failed. */
  const orCut = (error: unknown): never => {
    for (const line of lines) line.destroy(error as Error);
    throw error;
  };
  const work = [dealOut, ...lines.map((line) => (stop: AbortSignal) => loadLine(line, stop))];
  await mapConcurrently(work.length, work, (one, stop) => one(stop).catch(orCut), signal);
}

/** Who is to read a statement that stands between rows. */
function readersOf(text: Buffer, lines: readonly PassThrough[]): readonly PassThrough[] {
  const head = text.toString('latin1', 0, 64);
  if (alone.test(head)) return [];
  return position.test(head) ? lines.slice(0, 1) : lines;
}

function checked(text: Buffer): Buffer {
  return text.length === 1
    ? text
    : Buffer.from(
        text.toString('latin1').replace(unchecked, (_, setting: string) => `${setting}1`),
        'latin1',
      );
}
