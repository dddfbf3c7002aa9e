import { BackupError } from '../domain/errors.ts';
import type { ByteStream } from '../ports.ts';

/** Longer than any end to look for. */
const heldBytes = 256;

/**
 * A text without its end, which must match `end`: then it is complete. Holds back what may be the end. Throws
 * `part-corrupt`.
 */
export async function* withoutEnd(content: ByteStream, end: RegExp, name: string): ByteStream {
  let tail = Buffer.from('\n');
  let from = 1;
  for await (const chunk of content) {
    const text = Buffer.concat([tail, chunk]);
    const to = Math.max(from, text.length - heldBytes);
    if (to > from) yield text.subarray(from, to);
    // one character before the held ones stays, because an end begins after a newline
    tail = text.subarray(to - 1);
    from = 1;
  }
  const rest = tail.toString('latin1');
  const at = rest.search(end);
  if (at < 0) throw new BackupError('part-corrupt', `${name} was cut: it does not end with the end marker of a dump`);
  yield tail.subarray(from, at + 1);
}
