import type { Bytes } from '../units.ts';

/** A range of a table's pages: from `first` up to, not including, `end`; the last range has no end. */
export type Slice = { first: number; end?: number };

/**
 * Cuts a table of `pages` pages and `bytes` bytes (out-of-line values included) into ranges of about `sliceBytes`.
 * The ranges cover every page exactly once; the last is open, for pages that were added since the size was read.
 */
export function slicesOf(table: { pages: number; bytes: Bytes }, sliceBytes: Bytes): Slice[] {
  const count = Math.max(1, Math.min(table.pages, Math.round(table.bytes / sliceBytes)));
  const starts = Array.from({ length: count }, (_, index) => Math.floor((table.pages * index) / count));
  return starts.map((first, index) => {
    const end = starts[index + 1];
    return end === undefined ? { first } : { first, end };
  });
}

const smallestSlice = 32 * 1024 ** 2;
const largestSlice = 512 * 1024 ** 2;

/**
 * The size of slices for a database: so that each stream gets several, and no large one keeps the others waiting at the
 * end.
 */
export function sliceBytesFor(total: Bytes, parallel: number): Bytes {
  return Math.min(largestSlice, Math.max(smallestSlice, total / (4 * parallel)));
}

/** Joins pieces into parts of about `size`, the largest pieces first; every piece is in exactly one part. */
export function packed<T extends { bytes: Bytes }>(pieces: readonly T[], size: Bytes): T[][] {
  const parts: T[][] = [];
  let room = 0;
  for (const piece of pieces.toSorted((a, b) => b.bytes - a.bytes)) {
    const last = parts.at(-1);
    if (last === undefined || piece.bytes > room) {
      parts.push([piece]);
      room = size - piece.bytes;
    } else {
      last.push(piece);
      room -= piece.bytes;
    }
  }
  return parts;
}
