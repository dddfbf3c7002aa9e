import type { ByteStream } from '../../ports.ts';
import { sandboxLine } from './definition-text.ts';
import { rowsMark } from './expected.ts';
import type { Expected } from './expected.ts';

const mark = Buffer.from(`\n${rowsMark}`);
const newline = 10;
const none = Buffer.alloc(0);

/**
 * The rows as mariadb-dump prints them, behind `start` (asked for when the program's first output is there, and its snapshot with it) and
 * without the sandbox line; ticks off the comment above each table's rows. Holds no more than a comment.
 */
export async function* dataText(dump: ByteStream, start: () => Promise<string>, expected: Expected): ByteStream {
  let tail: Buffer = Buffer.alloc(0);
  let head: Buffer | undefined = Buffer.alloc(0);
  for await (const bytes of dump) {
    let chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (head !== undefined) {
      head = Buffer.concat([head, chunk]);
      if (head.indexOf(newline) < 0) continue;
      chunk = Buffer.concat([Buffer.from(await start()), withoutSandboxLine(head)]);
      head = undefined;
    }
    tail = seeMarks(tail, chunk, expected);
    yield chunk;
  }
  if (head !== undefined) yield head;
  expected.requireAll();
}

function withoutSandboxLine(text: Buffer): Buffer {
  return text.toString('latin1', 0, sandboxLine.length) === sandboxLine ? text.subarray(text.indexOf(newline) + 1) : text;
}

/**
 * Looks for comments in what has come, and returns the end in which one may have begun. Only where the end of the last chunk may begin one,
 * the two are joined: chunks are large, and most hold no comment.
 */
function seeMarks(tail: Buffer, chunk: Buffer, expected: Expected): Buffer {
  const text = tail.length === 0 ? chunk : Buffer.concat([tail, chunk]);
  let from = 0;
  for (let at = text.indexOf(mark); at >= 0; at = text.indexOf(mark, from)) {
    const end = text.indexOf(newline, at + 1);
    if (end < 0) return Buffer.from(text.subarray(at));
    expected.see(text.toString('latin1', at + 1, end));
    from = end;
  }
  return begun(text.subarray(Math.max(from, text.length - mark.length + 1)));
}

/** The longest end of `text` with which a mark begins. */
function begun(text: Buffer): Buffer {
  for (let at = text.indexOf(newline); at >= 0; at = text.indexOf(newline, at + 1)) {
    if (mark.subarray(0, text.length - at).equals(text.subarray(at))) return Buffer.from(text.subarray(at));
  }
  return none;
}
