import { open, rm, statfs } from 'node:fs/promises';
import { BackupError } from '../../../domain/errors.ts';
import { formatBytes } from '../../../domain/units.ts';
import type { Bytes } from '../../../domain/units.ts';
import type { ByteStream } from '../../../ports.ts';

/** Only whoever restores may read it: it takes the rights of the file that it replaces, if it replaces one. */
const ownerAlone = 0o600;

/** Writes a new file, and has the disk confirm it; nothing is left of one that breaks off. */
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

/** Has the disk confirm what a folder's files are called. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Throws `machine-failed` where a folder is not there, or has no room for so much. */
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
