import type { ByteStream } from '../../../ports.ts';

const tooNew = Buffer.from('SET transaction_timeout = 0;\n');
const headBytes = 4096;

/**
 * Removes what clients from 17 write at the head of a dump and older servers don't know, so that rows can go into any
 * server.
 */
export async function* restorable(dump: ByteStream): ByteStream {
  let head: Buffer | undefined = Buffer.alloc(0);
  for await (const chunk of dump) {
    if (head === undefined) {
      yield chunk;
      continue;
    }
    head = Buffer.concat([head, chunk]);
    if (head.length < headBytes) continue;
    yield without(head, tooNew);
    head = undefined;
  }
  if (head !== undefined) yield without(head, tooNew);
}

function without(text: Buffer, line: Buffer): Buffer {
  const at = text.subarray(0, headBytes).indexOf(line);
  return at < 0 ? text : Buffer.concat([text.subarray(0, at), text.subarray(at + line.length)]);
}
