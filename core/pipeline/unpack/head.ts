import type { ByteStream } from '../../ports.ts';

/** The first bytes of a stream, as many as asked for or all there are, and the whole stream again. */
export async function headOfStream(stream: ByteStream, bytes: number): Promise<{ head: Buffer; content: ByteStream }> {
  const chunks = stream[Symbol.asyncIterator]();
  const seen: Uint8Array[] = [];
  for (let length = 0; length < bytes; ) {
    const next = await chunks.next();
    if (next.done) break;
    seen.push(next.value);
    length += next.value.length;
  }
  async function* whole(): ByteStream {
    try {
      yield* seen.splice(0);
      yield* { [Symbol.asyncIterator]: () => chunks };
    } finally {
      await chunks.return?.();
    }
  }
  return { head: Buffer.concat(seen).subarray(0, bytes), content: whole() };
}
