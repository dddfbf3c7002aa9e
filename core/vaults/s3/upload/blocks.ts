import { partSize } from '../../../domain/parts/multipart.ts';
import type { ByteStream } from '../../../ports.ts';

/** A piece of a stream, as large as an upload's part. `release` gives its memory to another one. */
export type UploadBlock = { index: number; bytes: Buffer; last: boolean; release(): void };

/**
 * A stream cut into the parts of an upload: at least one, and all but the last of the planned size. A block is yielded
 * only when it is known whether it is the last. Memory comes from released blocks, and goes back to `spare`.
 */
export async function* inBlocks(body: ByteStream, spare: Buffer[]): AsyncGenerator<UploadBlock> {
  let index = 0;
  let memory = take();
  let filled = 0;
  for await (const chunk of body) {
    for (let at = 0; at < chunk.length; ) {
      if (filled === memory.length) {
        yield block(false);
        index += 1;
        memory = take();
        filled = 0;
      }
      const taken = Math.min(chunk.length - at, memory.length - filled);
      memory.set(chunk.subarray(at, at + taken), filled);
      at += taken;
      filled += taken;
    }
  }
  yield block(true);

  function block(last: boolean): UploadBlock {
    const own = memory;
    return { index, bytes: own.subarray(0, filled), last, release: () => void spare.push(own) };
  }

  /** Not zeroed, so that a small object touches only as much memory as it has bytes. */
  function take(): Buffer {
    const size = partSize(index);
    const known = spare.findIndex(({ length }) => length === size);
    return known < 0 ? Buffer.allocUnsafeSlow(size) : spare.splice(known, 1)[0]!;
  }
}
