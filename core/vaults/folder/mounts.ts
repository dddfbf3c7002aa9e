import { readFile } from 'node:fs/promises';
import { BackupError } from '../../domain/errors.ts';
import { missingMount } from '../../domain/tools/mounts.ts';
import { codeOf } from './errors.ts';

/** The files that list what should be mounted and what is, in the form of fstab(5). */
const ofSystem = { fstab: '/etc/fstab', mounts: '/proc/self/mounts' };

/**
 * Throws `vault-unreachable` if /etc/fstab, where it exists, has a disk or share at or above `folder` that is not
 * mounted now.
 */
export async function requireMounts(folder: string, { fstab, mounts } = ofSystem): Promise<void> {
  const missing = missingMount(folder, await textOf(fstab), await textOf(mounts));
  if (missing === undefined) return;
  throw new BackupError('vault-unreachable', `${missing} is not mounted, and ${folder} is there`, {
    hint: `run: mount ${missing}`,
  });
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'EACCES') return '';
    throw error;
  }
}
