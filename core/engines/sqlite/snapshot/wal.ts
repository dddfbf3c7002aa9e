import type { FileHandle } from 'node:fs/promises';
import { BackupError } from '../../../domain/errors.ts';
import type { WalState } from '../program/questions.ts';

const headerBytes = 32;
const frameHeaderBytes = 24;
const magic = 0x377f0682;
const framesAtOnce = 256;

/**
 * The pages of a state that are in the log of a database in WAL mode (https://sqlite.org/fileformat2.html#walformat).
 * Throws `source-changed` if the log is not the one that the state was read with: checks every frame's salts, and the
 * sum over all of them.
 */
export async function pagesInLog(
  log: FileHandle,
  { frames, salts, sums }: WalState,
  pageSize: number,
): Promise<Map<number, number>> {
  const header = await readFully(log, 0, headerBytes);
  const isBig = header.readUInt32BE(0) === magic + 1;
  if ((header.readUInt32BE(0) & ~1) >>> 0 !== magic || header.toString('hex', 16, 24) !== salts) throw changed();
  const frameBytes = frameHeaderBytes + pageSize;
  const found = new Map<number, number>();
  let sum: [number, number] = [0, 0];
  sum = summed(header.subarray(0, 24), sum, isBig);
  for (let first = 0; first < frames; first += framesAtOnce) {
    const count = Math.min(framesAtOnce, frames - first);
    const bytes = await readFully(log, headerBytes + first * frameBytes, count * frameBytes);
    for (let at = 0; at < count; at += 1) {
      const frame = bytes.subarray(at * frameBytes, (at + 1) * frameBytes);
      if (frame.toString('hex', 8, 16) !== salts) throw changed();
      sum = summed(frame.subarray(frameHeaderBytes), summed(frame.subarray(0, 8), sum, isBig), isBig);
      found.set(frame.readUInt32BE(0), headerBytes + (first + at) * frameBytes + frameHeaderBytes);
    }
  }
  if (sum.join(':') !== sums) throw changed();
  return found;
}

/** The running checksum of the log. */
function summed(bytes: Buffer, [first, second]: [number, number], isBig: boolean): [number, number] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < bytes.length; at += 8) {
    first = (first + view.getUint32(at, !isBig) + second) >>> 0;
    second = (second + view.getUint32(at + 4, !isBig) + first) >>> 0;
  }
  return [first, second];
}

/** So many bytes at a position, or `source-changed`. */
export async function readFully(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  for (let at = 0; at < length; ) {
    const { bytesRead } = await file.read(bytes, at, length - at, position + at);
    if (bytesRead === 0) throw changed();
    at += bytesRead;
  }
  return bytes;
}

/** The error if somebody has written to the files without SQLite. */
export function changed(): BackupError {
  return new BackupError('source-changed', 'the file, or its log, was changed by something that is not SQLite', {
    hint: 'was it replaced or copied over during the backup? run it again',
  });
}
