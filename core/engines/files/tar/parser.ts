import { blockBytes, entryOf, readHeader, readRecords, storedBytes } from './header.ts';
import type { StoredEntry } from './header.ts';
import { sparseMap } from './sparse.ts';
import type { Extent, SparseMap } from './sparse.ts';

/**
 * Events of a tar that passes. `raw`: all its bytes in order, except the empty blocks at its end; `entry`: its headers
 * have passed; `data` and `hole`: the content of a file; `done`: an entry has passed completely; `comment`: the tar's
 * first comment.
 */
export type TarEvents = {
  raw?(bytes: Buffer): void;
  entry?(entry: StoredEntry): void;
  data?(bytes: Buffer): void;
  hole?(bytes: number): void;
  done?(): void;
  comment?(text: string): void;
};

export type TarParser = {
  /** Throws an error that says what is not allowed in its place. */
  write(chunk: Uint8Array): void;
  /** Whether the end of the archive was the last thing in it. */
  ended(): boolean;
};

/** What is expected next, and how much of it. */
type Expecting =
  | { what: 'header'; left: number }
  | { what: 'records'; left: number; type: string; bytes: number; read: Buffer[] }
  | { what: 'map'; left: number; map: SparseMap }
  | { what: 'content'; left: number }
  | { what: 'padding'; left: number };

const largestRecords = 8 * 1024 ** 2;
const aHeader: Expecting = { what: 'header', left: blockBytes };
const nothing: Buffer = Buffer.alloc(0);

/** Reads a tar in GNU tar's `posix` format and no other, in chunks cut anywhere. */
export function tarParser(on: TarEvents): TarParser {
  let rest = nothing;
  let said: ReadonlyMap<string, string> = new Map();
  let next = aHeader;
  let [headers, zeroBlocks] = [0, 0];
  /**
   * The current file: its size, the position in it, where its data lie, which of these is next, and the padding of its
   * last block.
   */
  let file = { size: 0, position: 0, extents: [] as readonly Extent[], next: 0, padding: 0 };

  function header(block: Buffer): void {
    headers += 1;
    if (isZero(block)) {
      if (said.size > 0) throw new Error('an extended header is of no entry');
      zeroBlocks += 1;
      return;
    }
    if (zeroBlocks > 0) throw new Error('something follows the end of the archive');
    const read = readHeader(block);
    if (read.type === 'x' || read.type === 'g') return expectRecords(read.type, read.size);
    const entry = entryOf(read, said);
    const stored = storedBytes(read, said);
    said = new Map();
    on.entry?.(entry);
    file = {
      size: entry.size,
      position: 0,
      extents: [{ offset: 0, length: stored }],
      next: 0,
      padding: padded(stored) - stored,
    };
    if (entry.sparse) next = { what: 'map', left: stored, map: sparseMap(entry.size, stored) };
    else expectContent(stored);
  }

  function expectRecords(type: string, bytes: number): void {
    const isInPlace = type === 'g' ? headers === 1 : said.size === 0;
    if (!isInPlace || bytes === 0 || bytes > largestRecords)
      throw new Error('an extended header stands where none may');
    next = { what: 'records', type, bytes, read: [], left: padded(bytes) };
  }

  function takeRecords({ type, bytes, read }: { type: string; bytes: number; read: Buffer[] }): void {
    const found = readRecords(Buffer.concat(read).subarray(0, bytes));
    next = aHeader;
    if (type === 'x') said = found;
    else if (found.size === 1 && found.has('comment')) on.comment?.(found.get('comment')!);
    else throw new Error('a header for all says more than a comment');
  }

  function takeMap(block: Buffer, map: SparseMap, left: number): void {
    const extents = map.take(block);
    if (extents === undefined && left < blockBytes) throw new Error('the map of a sparse file is cut');
    if (extents === undefined) next = { what: 'map', left, map };
    else {
      file.extents = extents;
      expectContent(left);
    }
  }

  /** The end of a sparse file may be a hole. */
  function expectContent(left: number): void {
    next = { what: 'content', left };
    if (left > 0) return;
    if (file.size > file.position) on.hole?.(file.size - file.position);
    expectPadding(file.padding);
  }

  function expectPadding(left: number): void {
    next = left > 0 ? { what: 'padding', left } : aHeader;
    if (left === 0) on.done?.();
  }

  function takeContent(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) {
      const extent = file.extents[file.next]!;
      if (extent.offset > file.position) on.hole?.(extent.offset - file.position);
      file.position = Math.max(file.position, extent.offset);
      const end = extent.offset + extent.length;
      const taken = bytes.subarray(at, at + end - file.position);
      if (taken.length > 0) on.data?.(taken);
      file.position += taken.length;
      at += taken.length;
      if (file.position >= end) file.next += 1;
    }
  }

  function take(bytes: Buffer): void {
    const left = next.left - bytes.length;
    if (next.what === 'header') header(bytes);
    else if (next.what === 'map') takeMap(bytes, next.map, left);
    else if (next.what === 'records') {
      next.read.push(Buffer.from(bytes));
      next.left = left;
      if (left === 0) takeRecords(next);
    } else if (next.what === 'content') {
      takeContent(bytes);
      expectContent(left);
    } else expectPadding(left);
  }

  return {
    write(chunk) {
      const all =
        rest.length === 0 ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length) : Buffer.concat([rest, chunk]);
      let at = 0;
      while (at < all.length) {
        const isBlock = next.what === 'header' || next.what === 'map';
        if (isBlock && all.length - at < blockBytes) break;
        const bytes = all.subarray(at, at + (isBlock ? blockBytes : next.left));
        at += bytes.length;
        if (next.what !== 'header' || !isZero(bytes)) on.raw?.(bytes);
        take(bytes);
      }
      rest = at === all.length ? nothing : Buffer.from(all.subarray(at));
    },
    ended: () => zeroBlocks >= 2 && rest.length === 0,
  };
}

/** The end of a tar. */
export function tarEnd(): Buffer {
  return Buffer.alloc(2 * blockBytes);
}

function isZero(block: Buffer): boolean {
  return block.every((byte) => byte === 0);
}

function padded(bytes: number): number {
  return Math.ceil(bytes / blockBytes) * blockBytes;
}
