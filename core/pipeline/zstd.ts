import { pipeline } from 'node:stream/promises';
import type { Transform } from 'node:stream';
import { constants, createZstdCompress, createZstdDecompress } from 'node:zlib';
import { BackupError } from '../domain/errors.ts';
import type { ByteStream } from '../ports.ts';

/** Large enough that handing blocks to zlib's threads costs nothing beside compressing them. */
const blockBytes = 256 * 1024;

/** One zstd frame with a checksum of its content, which pg_dump's own zstd has not. Compresses in the thread pool, one block while the next is filled. */
export function compress(content: ByteStream, level: number): ByteStream {
  const options = {
    chunkSize: blockBytes,
    writableHighWaterMark: 2 * blockBytes,
    params: { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_checksumFlag]: 1 },
  };
  return through(gathered(content), createZstdCompress(options));
}

/** The content of zstd frames. Throws `part-corrupt` for bytes that are not whole frames; `name` is for the message. */
export async function* decompress(stored: ByteStream, name: string): ByteStream {
  try {
    yield* through(stored, createZstdDecompress({ chunkSize: blockBytes }));
  } catch (cause) {
    if (!isZstdError(cause)) throw cause;
    throw new BackupError('part-corrupt', `${name} is damaged: it can't be decompressed (${cause.message})`, { cause });
  }
}

/**
 * Joins small chunks into blocks: a chunk costs a trip to a thread, however small. Two blocks take turns, for memory that is used once is a
 * garbage collector's work: with a high-water mark of two, the compressor takes the next block only when one at most is waiting in it.
 */
async function* gathered(content: ByteStream): ByteStream {
  const blocks = [Buffer.allocUnsafeSlow(blockBytes), Buffer.allocUnsafeSlow(blockBytes)];
  let turn = 0;
  let filled = 0;
  for await (const chunk of content) {
    for (let from = 0; from < chunk.length; ) {
      const taken = Math.min(chunk.length - from, blockBytes - filled);
      blocks[turn]!.set(chunk.subarray(from, from + taken), filled);
      from += taken;
      filled += taken;
      if (filled < blockBytes) continue;
      yield blocks[turn]!;
      turn = 1 - turn;
      filled = 0;
    }
  }
  if (filled > 0) yield blocks[turn]!.subarray(0, filled);
}

async function* through(content: ByteStream, transform: Transform): ByteStream {
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
