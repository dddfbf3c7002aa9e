import { pipeline } from 'node:stream/promises';
import type { Transform } from 'node:stream';
import { constants, createZstdCompress, createZstdDecompress } from 'node:zlib';
import { BackupError } from '../domain/errors.ts';
import type { ByteStream } from '../ports.ts';
import { readOnce } from './memory/spent.ts';

/** Large enough that passing blocks to zlib's threads costs nothing beside compressing them. */
const blockBytes = 256 * 1024;
const blocksInTurn = 4;

/**
 * Levels chosen for speed look for repetitions in the last 128 kB only: up to a third less work than with zstd's own
 * window, for 1 % more bytes at level 1 and fewer at level 3 (docs/performance.md). Higher levels are chosen for small
 * backups and keep zstd's window.
 */
const fastLevel = 3;
const fastWindow = { [constants.ZSTD_c_windowLog]: 17 };

/**
 * One zstd frame with a checksum of its content, which pg_dump's own zstd lacks. Compresses in the thread pool, while
 * the next blocks are filled.
 */
export async function* compress(content: ByteStream, level: number): ByteStream {
  const params = {
    [constants.ZSTD_c_compressionLevel]: level,
    [constants.ZSTD_c_checksumFlag]: 1,
    ...(level <= fastLevel ? fastWindow : {}),
  };
  const zstd = createZstdCompress({ chunkSize: blockBytes, params });
  const fed = feed(content, zstd).catch((error: unknown) => void zstd.destroy(error as Error));
  try {
    yield* zstd;
    await fed;
  } finally {
    zstd.destroy();
  }
}

/** The content of zstd frames. Throws `part-corrupt` for bytes that are not whole frames; `name` is for the message. */
export async function* decompress(stored: ByteStream, name: string): ByteStream {
  try {
    for await (const chunk of through(stored, createZstdDecompress({ chunkSize: blockBytes }))) yield readOnce(chunk);
  } catch (cause) {
    if (!isZstdError(cause)) throw cause;
    throw new BackupError('part-corrupt', `${name} is damaged: it can't be decompressed (${cause.message})`, { cause });
  }
}

/**
 * Joins small chunks into blocks, because each chunk costs a trip to a thread, however small. Blocks are reused once
 * they are compressed, because memory used once is work for the garbage collector.
 */
async function feed(content: ByteStream, zstd: Transform): Promise<void> {
  const blocks = Array.from({ length: blocksInTurn }, () => ({
    bytes: Buffer.allocUnsafeSlow(blockBytes),
    compressed: Promise.resolve(),
  }));
  let turn = 0;
  let filled = 0;
  for await (const chunk of content) {
    for (let from = 0; from < chunk.length; ) {
      const block = blocks[turn]!;
      if (filled === 0) await block.compressed;
      if (zstd.destroyed) return;
      const taken = Math.min(chunk.length - from, blockBytes - filled);
      block.bytes.set(chunk.subarray(from, from + taken), filled);
      from += taken;
      filled += taken;
      if (filled < blockBytes) continue;
      block.compressed = written(zstd, block.bytes);
      turn = (turn + 1) % blocksInTurn;
      filled = 0;
    }
  }
  zstd.end(blocks[turn]!.bytes.subarray(0, filled));
}

/** Resolves once the bytes are compressed, or never will be: errors reach the reader. */
function written(zstd: Transform, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => zstd.write(bytes, () => resolve()));
}

/** Everything that a transform makes of a stream. */
export async function* through(content: ByteStream, transform: Transform): ByteStream {
  const fed = pipeline(content, transform);
  fed.catch(() => {}); // seen below, or by the reader of the transform
  try {
    yield* transform;
    await fed;
  } finally {
    transform.destroy();
  }
}

function isZstdError(error: unknown): error is Error & { code: string } {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && (code.startsWith('ZSTD_') || code.startsWith('Z_'));
}
