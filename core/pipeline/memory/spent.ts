/** Memory that may be given back, with the memory that goes with it. */
const blocks = new WeakMap<ArrayBufferLike, ArrayBufferLike | undefined>();

/**
 * Declares that only the reader of a chunk has its memory, so that it may be given back. A piece of Node's shared pool
 * is left alone. `copied`: the chunk that it was copied from, given back with it if it was the last of its buffer.
 */
export function readOnce<T extends Uint8Array>(chunk: T, copied?: Uint8Array): T {
  const { byteLength } = chunk.buffer;
  const isOver = copied !== undefined && copied.byteOffset + copied.length === copied.buffer.byteLength;
  if (chunk.length === byteLength || byteLength > Buffer.poolSize)
    blocks.set(chunk.buffer, isOver ? copied.buffer : undefined);
  return chunk;
}

/**
 * Gives memory back at once that was made to be read once. Left to the garbage collector, such blocks lie outside the
 * heap and count towards its limit, and it looks through everything again and again to find them (docs/performance.md).
 */
export function giveBack(memory: ArrayBufferLike): void {
  if (!blocks.has(memory)) return;
  const more = blocks.get(memory);
  blocks.delete(memory);
  (memory as ArrayBuffer).transfer(0);
  if (more !== undefined) giveBack(more);
}

/**
 * For a stage that passes chunks on in order: `passed` notes each, and gives back the earlier ones once everything
 * before it is `gone`. The last one's memory is kept, because the rest of it may still be filled, or follow.
 */
export function spending(): { passed(chunk: Uint8Array, gone: boolean): void } {
  const before = new Set<ArrayBufferLike>();
  return {
    passed(chunk, gone) {
      before.delete(chunk.buffer);
      if (gone) {
        before.forEach(giveBack);
        before.clear();
      }
      before.add(chunk.buffer);
    },
  };
}
