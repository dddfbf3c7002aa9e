import type { Bytes } from './units.ts';

/** A range of a table's pages: from `first` up to, not including, `end`; the last range has no end. */
export type Slice = { first: number; end: number | undefined };

/**
 * Cuts a table of `pages` pages and `bytes` bytes (out-of-line values included) into ranges of about `sliceBytes`.
 * The ranges cover every page exactly once; the last is open, for pages that were added since the size was read.
 */
export function slicesOf(table: { pages: number; bytes: Bytes }, sliceBytes: Bytes): Slice[] {
  const count = Math.max(1, Math.min(table.pages, Math.round(table.bytes / sliceBytes)));
  const starts = Array.from({ length: count }, (_, index) => Math.floor((table.pages * index) / count));
  return starts.map((first, index) => ({ first, end: starts[index + 1] }));
}
