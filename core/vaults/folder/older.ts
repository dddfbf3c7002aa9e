import { createHash, randomUUID } from 'node:crypto';
import { link, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { BackupError } from '../../domain/errors.ts';
import type { ObjectKey } from '../../domain/keys.ts';
import { absent } from './errors.ts';
import { readSmall } from './open.ts';
import type { FolderPlace } from './place.ts';
import { replaceFile, versionAt, versionOf } from './replace.ts';

/**
 * The file that holds an object now. Until November 2026 an object's own file kept its first content, and newer states
 * were files `<digest of the first content and its mtime>.<number>` in a folder of `.nightjar/versions`. Copying and
 * `touch` change the mtime, so states that match no file are accepted if all are of one file. Throws ENOENT if there is
 * no object, and `vault-failed` if there are states of several files and none matches this one.
 */
export async function currentFile(place: FolderPlace, key: ObjectKey, target: string): Promise<string> {
  const found = (await readdir(folderOf(place, key)).catch(absent)) ?? [];
  const states = found.filter((name) => /^[0-9a-f]{32}\.\d+$/.test(name));
  if (states.length === 0) return target;
  const { body, mtimeNs } = await readSmall(target);
  const own = createHash('sha256').update(`${mtimeNs} `).update(body).digest('hex').slice(0, 32);
  const first = states[0]!.split('.')[0]!;
  const tag = states.some((state) => state.startsWith(`${own}.`)) ? own : first;
  if (tag !== own && states.some((state) => !state.startsWith(`${tag}.`))) throw ambiguous(place, key);
  const numbers = states.filter((state) => state.startsWith(`${tag}.`)).map((state) => Number(state.split('.')[1]));
  return join(folderOf(place, key), `${tag}.${Math.max(...numbers)}`);
}

/** Whether an older Nightjar has left any such states. */
export async function hasStates({ versions }: FolderPlace): Promise<boolean> {
  return (await readdir(versions).catch(absent)) !== undefined;
}

/**
 * Puts the current content into the object's own file and removes the older states. Throws ENOENT if there is no
 * object.
 */
export async function bringForward(place: FolderPlace, key: ObjectKey, target: string): Promise<void> {
  for (;;) {
    // Read before the states are looked for: while there are any, it is the first content or the newest.
    const version = versionOf((await readSmall(target)).body);
    const newest = await currentFile(place, key, target);
    if (newest === target) return;
    const copy = join(place.incoming, randomUUID());
    await link(newest, copy);
    try {
      if ((await versionAt(copy)) === version || (await replaceFile(place, target, version, copy)))
        await forgetStates(place, key);
    } finally {
      await rm(copy, { force: true });
    }
  }
}

/** Removes all states of an object that was deleted or brought forward. */
export async function forgetStates(place: FolderPlace, key: ObjectKey): Promise<void> {
  const aside = join(place.incoming, randomUUID());
  await rename(folderOf(place, key), aside).catch(absent);
  await rm(aside, { recursive: true, force: true });
}

function folderOf(place: FolderPlace, key: ObjectKey): string {
  return join(place.versions, createHash('sha256').update(key).digest('hex'));
}

function ambiguous(place: FolderPlace, key: ObjectKey): BackupError {
  const folder = folderOf(place, key);
  return new BackupError(
    'vault-failed',
    `${join(place.root, key)} was written by an older Nightjar, and which of its states is the newest can't be known`,
    {
      hint: `if the file is right, remove its states: rm -r ${folder}; else put the newest of them in its place first`,
    },
  );
}
