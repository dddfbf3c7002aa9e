import { link, lstat } from 'node:fs/promises';
import { BackupError } from '../../domain/errors.ts';
import type { ObjectKey } from '../../domain/keys.ts';
import type { Bytes } from '../../domain/units.ts';
import { absent, answered, codeOf } from './errors.ts';
import { inFolder, pathOf, requireVault, type FolderPlace } from './place.ts';

/** For a step that is not stopped half way. */
const unstopped = new AbortController().signal;
/** A file system without hard links, one that has given a file as many as it can, two of them that meet here. */
const cannot = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV'];

/** Gives an object's file a second name: a hard link, which the system counts. Throws `object-missing`, `object-exists`. */
export async function shareFile(
  place: FolderPlace,
  { from, to, bytes }: { from: ObjectKey; to: ObjectKey; bytes: Bytes },
  signal: AbortSignal,
): Promise<boolean> {
  const what = `write ${place.root}/${to}`;
  await answered(what, requireVault(place), signal);
  const path = await answered(what, pathOf(place, from, { make: false }).catch(absent), signal);
  const linked = inFolder(place, to, async (target) => {
    const file = path === undefined ? undefined : await lstat(path).catch(absent);
    if (path === undefined || file === undefined || !file.isFile())
      throw new BackupError('object-missing', `${what}: there is no object ${from} any more`);
    return file.size === bytes && linkTo(path, target, file.ino);
  });
  return answered(what, linked, unstopped);
}

/** False where no link can be made there. */
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
