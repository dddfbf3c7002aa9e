import { readFile } from 'node:fs/promises';
import { BackupError } from '../../domain/errors.ts';
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

/** The mount point of `fstab`, at or above `folder`, that is not in `mounts`. */
export function missingMount(folder: string, fstab: string, mounts: string): string | undefined {
  const mounted = new Set(mountPoints(mounts));
  const above = mountPoints(fstab).filter((point) => folder === point || folder.startsWith(`${point}/`));
  return above.find((point) => point !== '/' && !mounted.has(point));
}

/** The second field of every line, with escapes decoded. */
function mountPoints(table: string): string[] {
  const lines = table.split('\n').filter((line) => !line.trimStart().startsWith('#'));
  const points = lines.map((line) => line.trim().split(/\s+/)[1] ?? '').filter((point) => point.startsWith('/'));
  const decoded = points.map((point) =>
    point.replace(/\\(\d{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8))),
  );
  return decoded.map((point) => point.replace(/(?<=.)\/+$/, ''));
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'EACCES') return '';
    throw error;
  }
}
