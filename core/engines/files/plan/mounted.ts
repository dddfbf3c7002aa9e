import { readFile } from 'node:fs/promises';
import { BackupError } from '../../../domain/errors.ts';
import { missingMount } from '../../../domain/tools/mounts.ts';

/** The files that list what should be mounted and what is, in the form of fstab(5). */
const ofSystem = { fstab: '/etc/fstab', mounts: '/proc/self/mounts' };

/**
 * Throws `source-unreachable` if /etc/fstab has a disk or share at or above a folder in which nothing was found, and it
 * is not mounted now. For other folders nobody asks: a mount point may have another name there than here.
 */
export async function requireMounted(folder: string, { fstab, mounts } = ofSystem): Promise<void> {
  const [wanted, there] = await Promise.all([fstab, mounts].map((file) => readFile(file, 'utf8').catch(() => '')));
  const missing = missingMount(folder, wanted!, there!);
  if (missing === undefined) return;
  throw new BackupError('source-unreachable', `${folder} is empty, and ${missing} is not mounted`, {
    hint: `run: mount ${missing}`,
  });
}
