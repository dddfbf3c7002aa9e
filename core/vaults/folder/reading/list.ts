import type { Dirent } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isBackupError } from '../../../domain/errors.ts';
import { objectKey, type ObjectKey } from '../../../domain/keys.ts';
import type { Listed } from '../../../vault.ts';
import { requireNoBackupBehind } from '../backups.ts';
import { mapConcurrently } from '../../../pipeline/concurrency.ts';
import { answered, codeOf } from '../errors.ts';
import { currentFile, hasStates } from '../older.ts';
import { isHidden, requireVault, type FolderPlace } from '../place.ts';

const looksAtOnce = 16;

/**
 * Every object whose key starts with `prefix`. Skips files whose names can't be keys, and symbolic links unless backups
 * lie behind them: they belong to somebody else.
 */
export async function* listFolder(place: FolderPlace, prefix: string, signal: AbortSignal): AsyncIterable<Listed> {
  const what = `list ${join(place.root, prefix)}`;
  await answered(what, requireVault(place), signal);
  const hasOlder = await answered(what, hasStates(place), signal);
  yield* walk('');
  await answered(what, requireVault(place), signal);

  async function* walk(folder: string): AsyncIterable<Listed> {
    const keys: ObjectKey[] = [];
    for (const entry of await answered(what, entriesOf(join(place.root, folder)), signal)) {
      const path = folder + entry.name;
      if (folder === '' && isHidden(entry.name)) continue;
      if (entry.isSymbolicLink() && overlaps(`${path}/`, prefix))
        await answered(what, requireNoBackupBehind(place.root, path, prefix), signal);
      if (entry.isDirectory() && overlaps(`${path}/`, prefix)) yield* walk(`${path}/`);
      const key = entry.isFile() && path.startsWith(prefix) ? keyOf(path) : undefined;
      if (key !== undefined) keys.push(key);
    }
    const looked = mapConcurrently(looksAtOnce, keys, (key) => describe(place, key, hasOlder), signal);
    yield* (await answered(what, looked, signal)).flatMap((found) => found ?? []);
  }
}

async function describe(place: FolderPlace, key: ObjectKey, hasOlder: boolean): Promise<Listed | undefined> {
  const target = join(place.root, key);
  for (let attempt = 0; attempt < 5; attempt += 1) {
    try {
      const current = hasOlder ? await currentFile(place, key, target) : target;
      const { size, mtime, nlink, dev, ino } = await lstat(current);
      return { key, bytes: size, modified: mtime, ...(nlink > 1 && { file: `${dev}:${ino}` }) };
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error;
    }
  }
  return undefined;
}

/** A folder's entries; empty if it was removed meanwhile. */
async function entriesOf(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}

/** Whether something below `folder` can start with `prefix`. */
function overlaps(folder: string, prefix: string): boolean {
  return folder.startsWith(prefix) || prefix.startsWith(folder);
}

function keyOf(path: string): ObjectKey | undefined {
  try {
    return objectKey(path);
  } catch (error) {
    if (isBackupError(error, 'input-invalid')) return undefined;
    throw error;
  }
}
