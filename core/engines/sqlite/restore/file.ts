import { open, rm, statfs } from 'node:fs/promises';
import { BackupError } from '../../../domain/errors.ts';
import { formatBytes } from '../../../domain/units.ts';
import type { Bytes } from '../../../domain/units.ts';
import type { ByteStream } from '../../../ports.ts';

/** Only the restoring user may read it; it gets the mode of the file that it replaces, if any. */
const ownerAlone = 0o600;

/** Writes a new file and waits until it is on the disk; leaves nothing after a failure. */
export async function writeFileWhole(path: string, content: ByteStream): Promise<void> {
  const file = await open(path, 'wx', ownerAlone);
  try {
    for await (const chunk of content) await file.writeFile(chunk);
    await file.sync();
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await file.close();
  }
}

/** Waits until the names in a folder are on the disk. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Throws `machine-failed` if a folder does not exist, or has too little space. */
export async function requireRoom(folder: string, bytes: Bytes): Promise<void> {
  const { bavail, bsize } = await statfs(folder).catch((cause: unknown) => {
    throw new BackupError('machine-failed', `the folder ${folder} can't be used: ${(cause as Error).message}`, {
      hint: 'make the folder, or name another file with --to',
      cause,
    });
  });
  if (bavail * bsize >= bytes) return;
  throw new BackupError(
    'machine-failed',
    `${folder} has ${formatBytes(bavail * bsize)} free, and the file needs ${formatBytes(bytes)}`,
    { hint: 'free some space there, or name another place' },
  );
}
