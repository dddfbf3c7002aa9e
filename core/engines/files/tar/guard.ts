import { BackupError, messageOf } from '../../../domain/errors.ts';
import type { ByteStream } from '../../../ports.ts';
import type { StoredEntry } from './header.ts';
import { tarEnd, tarParser } from './parser.ts';

/** Whether an entry is passed on to tar or dropped. Throws an error if it must not be there at all. */
export type EntryJudge = (entry: StoredEntry) => 'pass' | 'drop';

const pass: EntryJudge = () => 'pass';

/**
 * Passes a tar on, entry by entry, before tar sees it. Throws `part-corrupt` at anything that no backup holds: paths
 * that lead out of the folder, devices, other tar formats, and what `judge` refuses.
 */
export async function* guardedTar(content: ByteStream, file: string, judge: EntryJudge = pass): ByteStream {
  let out: Buffer[] = [];
  /** The headers of an entry, until it is judged. */
  let headers: Buffer[] = [];
  let state: 'headers' | 'pass' | 'drop' = 'headers';
  const parser = tarParser({
    raw(bytes) {
      if (state === 'headers') headers.push(Buffer.from(bytes));
      else if (state === 'pass') out.push(bytes);
    },
    comment() {
      out.push(...headers);
      headers = [];
    },
    entry(entry) {
      state = judge(entry);
      if (state === 'pass') out.push(...headers);
      headers = [];
    },
    done() {
      state = 'headers';
    },
  });
  for await (const chunk of content) {
    orCorrupt(file, () => parser.write(chunk));
    if (out.length > 0) yield Buffer.concat(out);
    out = [];
  }
  if (!parser.ended()) orCorrupt(file, () => fail('its end is missing'));
  yield tarEnd();
}

function orCorrupt(file: string, work: () => void): void {
  try {
    work();
  } catch (cause) {
    throw new BackupError('part-corrupt', `${file} holds what no backup of files does: ${messageOf(cause)}`, { cause });
  }
}

function fail(why: string): never {
  throw new Error(why);
}
