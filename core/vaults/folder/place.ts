import { lstat, mkdir, open, stat, statfs } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { BackupError } from '../../domain/errors.ts';
import type { Bytes } from '../../domain/units.ts';
import { holdsBackup, linked } from './backups.ts';
import { absent, codeOf } from './errors.ts';
import { requireMounts } from './mounts.ts';

/** Our own folder in the vault's root: it marks the vault, and holds what is not (yet) an object. */
const hiddenName = '.nightjar';

/** The places of a folder vault. */
export type FolderPlace = {
  root: string;
  /** For unfinished writes, which have no name of their own yet. */
  incoming: string;
  /** Where an older Nightjar kept newer states of objects; see `older.ts`. */
  versions: string;
};

/** The places below a vault's root. */
export function folderPlace(root: string): FolderPlace {
  const full = resolve(root);
  return { root: full, incoming: join(full, hiddenName, 'incoming'), versions: join(full, hiddenName, 'versions') };
}

/**
 * Whether a name directly below the root belongs to no object: our own folder, and what file systems put at the top of
 * a disk.
 */
export function isHidden(name: string): boolean {
  return (
    name.toLowerCase() === hiddenName ||
    name === 'lost+found' ||
    name === '.snapshot' ||
    name === '.snapshots' ||
    name === '.zfs'
  );
}

/**
 * Throws `vault-unreachable` unless the root is a vault: its disk may not be mounted, which must not look like an empty
 * vault. The mark is the hidden folder that the first write makes; a copy made without it is recognised by its backups.
 */
export async function requireVault(place: FolderPlace): Promise<void> {
  const { root } = place;
  if ((await isMarked(place)) || (await holdsBackup(root))) return;
  await requireNoFile(root);
  const what = (await isFolder(root)) ? 'holds no backups yet, or its disk is not mounted' : 'is not there';
  throw new BackupError('vault-unreachable', `the folder ${root} ${what}`, {
    hint: 'mount the disk; in a new vault, the first backup makes what is missing: nightjar backup',
  });
}

/**
 * Makes the root a vault if it is none. Its last folder may be missing, but not those above, and not a disk that
 * /etc/fstab mounts there: a backup must not silently go to the disk below a mount point.
 */
export async function prepareVault(place: FolderPlace): Promise<void> {
  if (await isMarked(place)) return;
  const above = dirname(place.root);
  if (!(await isFolder(above))) {
    throw new BackupError('vault-unreachable', `the folder ${above}, which is to hold ${place.root}, is not there`, {
      hint: 'mount the disk, or make the folder',
    });
  }
  await requireNoFile(place.root);
  await requireMounts(place.root);
  for (const folder of [place.root, dirname(place.incoming), place.incoming]) await makeFolder(folder);
}

/**
 * The path of an object; with `make`, makes its folders. Refuses symbolic links below the root, so that no key leads
 * outside. For a folder that is missing or is no folder, throws the system's ENOENT or ENOTDIR.
 */
export async function pathOf(place: FolderPlace, key: string, { make = false } = {}): Promise<string> {
  const segments = key.split('/');
  const [first, last] = [segments[0]!, segments.pop()!];
  if (isHidden(first)) {
    throw new BackupError('input-invalid', `"${key}" is kept for the vault itself in ${place.root}`);
  }
  let folder = place.root;
  for (const segment of segments) {
    folder = join(folder, segment);
    if (make) await makeFolder(folder);
    const found = await lstat(folder);
    if (found.isSymbolicLink()) throw linked(folder);
    if (!found.isDirectory()) throw notAFolder(folder);
  }
  return join(folder, last);
}

/**
 * Does something in an object's folder. Makes the folder, and makes it again if another process removes it as empty.
 */
export async function inFolder<T>(place: FolderPlace, key: string, act: (path: string) => Promise<T>): Promise<T> {
  for (let attempts = 1; ; attempts += 1) {
    try {
      const path = await pathOf(place, key, { make: true });
      const result = await act(path);
      await syncFolder(dirname(path)).catch(absent);
      return result;
    } catch (error) {
      if (codeOf(error) !== 'ENOENT' || attempts === 10) throw error;
    }
  }
}

/** The free space on a vault's disk. */
export async function freeSpace({ root }: FolderPlace): Promise<Bytes> {
  const { bavail, bsize } = await statfs(root);
  return bavail * bsize;
}

/** Makes a folder durably, if it does not exist. */
async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { mode: 0o700 });
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return;
    throw error;
  }
  await syncFolder(dirname(folder));
}

/** Makes the entries of a folder durable. Some network file systems can't, and need not. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } catch (error) {
    if (!['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'EBADF'].includes(codeOf(error) ?? '')) throw error;
  } finally {
    await handle.close();
  }
}

async function isFolder(path: string): Promise<boolean> {
  return (await lstat(`${path}/.`).catch(absent))?.isDirectory() === true;
}

/**
 * Whether the hidden folders are there. Throws `vault-failed` for a link in the place of one: leftovers are removed
 * there, and whoever can write in the vault must not choose where.
 */
async function isMarked({ incoming }: FolderPlace): Promise<boolean> {
  for (const folder of [dirname(incoming), incoming]) {
    if ((await lstat(folder).catch(absent))?.isSymbolicLink() !== true) continue;
    throw new BackupError(
      'vault-failed',
      `${folder} is a symbolic link: what is written and removed there would be written and removed elsewhere`,
      { hint: 'remove the link: the next backup makes the folder; and look who could write in the vault' },
    );
  }
  return isFolder(incoming);
}

/** A mistyped path may name a file. */
async function requireNoFile(root: string): Promise<void> {
  const found = await stat(root).catch(absent);
  if (found === undefined || found.isDirectory()) return;
  throw new BackupError('vault-unreachable', `the vault ${root} is a file, not a folder`, {
    hint: 'correct the path of the vault in the configuration, or move the file away',
  });
}

function notAFolder(path: string): Error {
  return Object.assign(new Error(`ENOTDIR: ${path} is not a folder`), { code: 'ENOTDIR' });
}
