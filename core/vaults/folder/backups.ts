import { lstat, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { BackupError } from '../../domain/errors.ts';
import { isBackupId } from '../../domain/keys.ts';
import { sourceOfSegment } from '../../domain/layout/places.ts';
import { absent } from './errors.ts';

/** Whether there is a manifest where a backup has its own. */
export async function holdsBackup(root: string): Promise<boolean> {
  for (const source of (await foldersIn(root)).filter((name) => sourceOfSegment(name) !== undefined)) {
    for (const id of (await foldersIn(join(root, source))).filter(isBackupId)) {
      if ((await lstat(join(root, source, id, 'manifest.json')).catch(absent))?.isFile() === true) return true;
    }
  }
  return false;
}

/**
 * Throws `vault-failed` for a symbolic link in the place of a source, a backup or a manifest, unless no backup lies
 * behind it. A link that leads nowhere may lead to a disk that is not mounted.
 */
export async function requireNoBackupBehind(root: string, path: string, prefix: string): Promise<void> {
  const [source = '', id, file, ...rest] = path.split('/');
  if (
    id === undefined
      ? await isOther(root, source, prefix)
      : !isBackupId(id) || (file ?? 'manifest.json') !== 'manifest.json' || rest.length > 0
  )
    return;
  throw linked(join(root, path));
}

/** Whether a link directly below the root leads to something that is no source, and is not asked for as one. */
async function isOther(root: string, name: string, prefix: string): Promise<boolean> {
  if (sourceOfSegment(name) === undefined) return true;
  const behind = await stat(join(root, name)).catch(absent);
  if (behind === undefined || prefix.startsWith(`${name}/`)) return false;
  return !behind.isDirectory() || !(await readdir(join(root, name))).some(isBackupId);
}

/** The error for a link: it is not followed, and must not look empty either. */
export function linked(path: string): BackupError {
  return new BackupError(
    'vault-failed',
    `${path} is a symbolic link, which a vault does not follow: backups behind it would be left out`,
    {
      hint: 'move the folder here, mount it here (mount --bind), or make the other place a vault of its own',
    },
  );
}

async function foldersIn(folder: string): Promise<string[]> {
  const entries = (await readdir(folder, { withFileTypes: true }).catch(absent)) ?? [];
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}
