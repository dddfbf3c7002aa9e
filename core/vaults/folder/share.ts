import type { Stats } from 'node:fs';
import { link, lstat } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import { BackupError } from '../../domain/errors.ts';
import type { SharedObject } from '../../vault.ts';
import { absent, answered, codeOf } from './errors.ts';
import { inFolder, pathOf, requireVault, type FolderPlace } from './place.ts';

/** For a step that is never interrupted. */
const unstopped = new AbortController().signal;
/** A file system without hard links, a file with as many links as possible, two file systems in one vault. */
const cannot = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV'];

/**
 * Gives the files of objects second names: hard links. Makes each folder durable once. Throws `object-missing`,
 * `object-exists`.
 */
export async function shareFiles(
  place: FolderPlace,
  objects: readonly SharedObject[],
  signal: AbortSignal,
): Promise<boolean> {
  for (const [folder, within] of Map.groupBy(objects, ({ to }) => posix.dirname(to))) {
    const what = `write ${place.root}/${folder}`;
    await answered(what, requireVault(place), signal);
    const linked = inFolder(place, within[0]!.to, async (path) => {
      for (const one of within)
        if (!(await shareFile(place, one, join(dirname(path), posix.basename(one.to))))) return false;
      return true;
    });
    if (!(await answered(what, linked, unstopped))) return false;
    if (signal.aborted) return false;
  }
  return true;
}

async function shareFile(place: FolderPlace, { from, to, bytes }: SharedObject, target: string): Promise<boolean> {
  const found = await fileOf(place, from).catch(absent);
  if (found === undefined || !found.file.isFile())
    throw new BackupError('object-missing', `write ${place.root}/${to}: there is no object ${from} any more`);
  return found.file.size === bytes && linkTo(found.path, target, found.file.ino);
}

async function fileOf(place: FolderPlace, key: string): Promise<{ path: string; file: Stats }> {
  const path = await pathOf(place, key);
  return { path, file: await lstat(path) };
}

/** False if no link can be made there. */
async function linkTo(path: string, target: string, inode: number): Promise<boolean> {
  try {
    await link(path, target);
    return true;
  } catch (error) {
    const code = codeOf(error) ?? '';
    if (cannot.includes(code)) return false;
    if (code !== 'EEXIST') throw error;
    // an NFS server's answer may get lost and the call be sent twice
    if ((await lstat(target).catch(absent))?.ino === inode) return true;
    throw new BackupError('object-exists', `write ${target}: it is there already`);
  }
}
