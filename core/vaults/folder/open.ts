import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { BackupError } from '../../domain/errors.ts';
import type { Bytes } from '../../domain/units.ts';

/** Only small objects are read whole. */
const largestSmall: Bytes = 64 * 1024 * 1024;

/** Opens a regular file: for a link or a folder, throws the system's ELOOP or EISDIR. */
export async function openFile(path: string): Promise<FileHandle> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  throw Object.assign(new Error(`EISDIR: ${path} is not a file`), { code: 'EISDIR' });
}

/** A small file's bytes, and when they were written. Throws `object-too-large`. */
export async function readSmall(path: string): Promise<{ body: Buffer; mtimeNs: bigint }> {
  const handle = await openFile(path);
  try {
    const { size, mtimeNs } = await handle.stat({ bigint: true });
    if (size > largestSmall)
      throw new BackupError('object-too-large', `${path} is too large for a small object: ${size} bytes`);
    return { body: await handle.readFile(), mtimeNs };
  } finally {
    await handle.close();
  }
}
