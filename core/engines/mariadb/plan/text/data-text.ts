import type { ByteStream } from '../../../../ports.ts';
import { sandboxLine } from './definition-text.ts';
import { rowsMark } from '../../catalog/expected.ts';
import type { ExpectedDump } from '../../catalog/expected.ts';

type DataTextOptions = { start(): Promise<string>; expected: ExpectedDump; below(comment: string): string };

const mark = Buffer.from(`\n${rowsMark}`);
const newline = 10;
const none = Buffer.alloc(0);

/**
 * The rows as mariadb-dump prints them, after `start` (called when the program's first output has arrived, and so its
 * snapshot has begun) and without the sandbox line. Ticks off the comment above each table's rows and puts `below`
 * under it. Holds no more than a comment.
 */
export async function* dataText(dump: ByteStream, { start, expected, below }: DataTextOptions): ByteStream {
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
    const comments = commentsIn(tail, chunk);
    tail = comments.tail;
    yield* withLines(chunk, comments.found, (comment) => {
      expected.see(comment);
      return below(comment.trimEnd());
    });
  }
  if (head !== undefined) yield head;
  expected.requireAll();
}

function withoutSandboxLine(text: Buffer): Buffer {
  return text.toString('latin1', 0, sandboxLine.length) === sandboxLine
    ? text.subarray(text.indexOf(newline) + 1)
    : text;
}

/**
 * Whole comments above rows, each with the position after it in the chunk; and the end of the chunk in which another
 * has begun.
 */
type Comments = { found: { comment: string; end: number }[]; tail: Buffer };

/** Joins the last chunk with this one only if its end may begin a comment: chunks are large, and most contain none. */
function commentsIn(tail: Buffer, chunk: Buffer): Comments {
  const text = tail.length === 0 ? chunk : Buffer.concat([tail, chunk]);
  const found = [];
  let from = 0;
  for (let at = text.indexOf(mark); at >= 0; at = text.indexOf(mark, from)) {
    const end = text.indexOf(newline, at + 1);
    if (end < 0) return { found, tail: Buffer.from(text.subarray(at)) };
    found.push({ comment: text.toString('latin1', at + 1, end), end: end + 1 - tail.length });
    from = end;
  }
  return { found, tail: begun(text.subarray(Math.max(from, text.length - mark.length + 1))) };
}

function* withLines(chunk: Buffer, found: Comments['found'], below: (comment: string) => string): Iterable<Buffer> {
  let from = 0;
  for (const { comment, end } of found) {
    const lines = below(comment);
    if (lines === '') continue;
    yield Buffer.concat([chunk.subarray(from, end), Buffer.from(lines)]);
    from = end;
  }
  if (from < chunk.length) yield chunk.subarray(from);
}

/** The longest end of `text` that may begin a mark. */
function begun(text: Buffer): Buffer {
  for (let at = text.indexOf(newline); at >= 0; at = text.indexOf(newline, at + 1)) {
    if (mark.subarray(0, text.length - at).equals(text.subarray(at))) return Buffer.from(text.subarray(at));
  }
  return none;
}
