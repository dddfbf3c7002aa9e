import type { ByteStream } from '../../ports.ts';

/** Reads a stream piece by piece; its owner closes it. */
export type Reader = {
  /** Up to and including the next newline, or all there is: at most `most` bytes. */
  line(most: number): Promise<Buffer>;
  /** This many bytes, or fewer at the end. */
  take(bytes: number): Promise<Buffer>;
  rest(): ByteStream;
  close(): Promise<void>;
};

export function readerOf(stored: ByteStream): Reader {
  const chunks = stored[Symbol.asyncIterator]();
  let held = Buffer.alloc(0);
  let ended = false;
  async function more(): Promise<boolean> {
    const { value, done } = await chunks.next();
    if (done === true) ended = true;
    else held = Buffer.concat([held, value]);
    return done !== true;
  }
  function cut(bytes: number): Buffer {
    const taken = held.subarray(0, bytes);
    held = held.subarray(bytes);
    return taken;
  }
  return {
    async line(most) {
      while (!held.includes(0x0a) && held.length < most && (await more()));
      const end = held.indexOf(0x0a);
      return cut(end === -1 ? most : Math.min(end + 1, most));
    },
    async take(bytes) {
      while (held.length < bytes && (await more()));
      return cut(bytes);
    },
    async *rest() {
      if (held.length > 0) yield held;
      while (!ended) {
        const next = await chunks.next();
        if (next.done === true) return;
        yield next.value;
      }
    },
    async close() {
      await chunks.return?.();
    },
  };
}
