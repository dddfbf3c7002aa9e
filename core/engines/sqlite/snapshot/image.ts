import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { abortError } from '../../../domain/errors.ts';
import type { DumpReader } from '../../../pipeline/rows/reader.ts';
import type { ByteStream } from '../../../ports.ts';
import type { HeldState } from '../program/questions.ts';
import { changed, pagesInLog, readFully } from './wal.ts';

/**
 * A state of a database as one file: the pages of `path`, overlaid by those of its log. `file`: identifies the file.
 */
export type ImageRecipe = HeldState & { path: string; file: string };

const chunkBytes = 1024 * 1024;

/** The whole file as SQLite sees it, while the holder keeps that state. Throws `source-changed`. */
export async function* imageOf(recipe: ImageRecipe, signal: AbortSignal): ByteStream {
  const { path, pages, pageSize, wal } = recipe;
  const file = await open(path);
  const log = wal === null ? undefined : await open(`${path}-wal`);
  try {
    if ((await identityOf(file)) !== recipe.file) throw changed();
    const inLog = wal === null || log === undefined ? new Map() : await pagesInLog(log, wal, pageSize);
    const atOnce = Math.floor(chunkBytes / pageSize);
    for (let page = 1; page <= pages; page += atOnce) {
      if (signal.aborted) throw abortError(signal);
      const count = Math.min(atOnce, pages - page + 1);
      const { bytes, read } = await readAsFarAs(file, (page - 1) * pageSize, count * pageSize);
      for (let at = 0; at < count; at += 1) {
        const position = inLog.get(page + at);
        if (position !== undefined && log !== undefined)
          (await readFully(log, position, pageSize)).copy(bytes, at * pageSize);
        else if (read < (at + 1) * pageSize && !isLockPage(page + at, pageSize)) throw changed();
      }
      yield bytes;
    }
  } finally {
    await file.close();
    await log?.close();
  }
}

/** Which file a name stands for. */
export async function identityOf(file: FileHandle): Promise<string> {
  const { dev, ino } = await file.stat({ bigint: true });
  return `${dev}:${ino}`;
}

/** The page with the bytes that SQLite locks is never used, and may lie beyond the end of the file. */
function isLockPage(page: number, pageSize: number): boolean {
  return page === Math.floor(0x40000000 / pageSize) + 1;
}

async function readAsFarAs(
  file: FileHandle,
  position: number,
  length: number,
): Promise<{ bytes: Buffer; read: number }> {
  const bytes = Buffer.alloc(length);
  let read = 0;
  while (read < length) {
    const { bytesRead } = await file.read(bytes, read, length - read, position + read);
    if (bytesRead === 0) break;
    read += bytesRead;
  }
  return { bytes, read };
}

/** Counts the bytes of an image; SQLite counts the rows, in the same state. */
export function imageReader({ pages, pageSize }: HeldState): DumpReader {
  let bytes = 0;
  return {
    write: (chunk) => void (bytes += chunk.length),
    end: () => ({ tables: [], ended: bytes === pages * pageSize, uncounted: true }),
    progress: () => ({ rows: 0, bytes }),
  };
}
