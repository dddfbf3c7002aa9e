/** Memory that may be given back, each with what goes with it. */
const blocks = new WeakMap<ArrayBufferLike, ArrayBufferLike | undefined>();

/**
 * Says of a chunk that nobody but its reader has its memory, so that it may be given back. A piece of Node's pool, which
 * others have pieces of, is left alone. `copied`: what it was copied from goes with it, where nothing more comes of that.
 */
export function readOnce<T extends Uint8Array>(chunk: T, copied?: Uint8Array): T {
  const { byteLength } = chunk.buffer;
  const isOver = copied !== undefined && copied.byteOffset + copied.length === copied.buffer.byteLength;
  if (chunk.length === byteLength || byteLength > Buffer.poolSize)
    blocks.set(chunk.buffer, isOver ? copied.buffer : undefined);
  return chunk;
}

/**
 * Gives memory back at once that was made to be read once. Left to the garbage collector, such blocks lie outside of the
 * heap and count towards its limit: it looks through everything again and again to find them (docs/performance.md).
 */
export function giveBack(memory: ArrayBufferLike): void {
  if (!blocks.has(memory)) return;
  const more = blocks.get(memory);
  blocks.delete(memory);
  (memory as ArrayBuffer).transfer(0);
  if (more !== undefined) giveBack(more);
}

/**
 * For whoever hands chunks on in their order: `passed` notes each, and gives back what came before it once all of that
 * is `gone`. The memory of the last one stays: the rest of it may still be filled, or follow.
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
