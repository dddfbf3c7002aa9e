import { createGunzip } from 'node:zlib';
import { BackupError, isBackupError, messageOf } from '../../domain/errors.ts';
import type { ByteStream } from '../../ports.ts';
import { headOfStream } from './head.ts';
import { decompress, through } from '../zstd.ts';

const gzipMark = Buffer.from([0x1f, 0x8b]);
const zstdMark = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);

/**
 * The content of a file, by its first bytes: gzip and zstd are unpacked, anything else passes unchanged. Throws
 * `dump-cut` for a truncated or damaged file, and `input-invalid` for an empty one.
 */
export async function* unpacked(file: ByteStream, name: string): ByteStream {
  const { head, content } = await headOfStream(file, zstdMark.length);
  if (head.length === 0) throw new BackupError('input-invalid', `${name} is empty`);
  try {
    if (head.subarray(0, gzipMark.length).equals(gzipMark)) yield* through(content, createGunzip());
    else if (head.equals(zstdMark)) yield* decompress(content, name);
    else yield* content;
  } catch (cause) {
    if (!isUnpacking(cause)) throw cause;
    throw new BackupError(
      'dump-cut',
      `${name} was cut off, or is damaged: it can't be unpacked (${messageOf(cause)})`,
      {
        hint: 'is it whole? gzip -t or zstd -t says so; look for another copy of it',
        cause,
      },
    );
  }
}

function isUnpacking(error: unknown): boolean {
  return isBackupError(error, 'part-corrupt') || String((error as { code?: unknown } | null)?.code).startsWith('Z_');
}
