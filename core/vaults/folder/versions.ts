import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, mkdir, open, readdir, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { BackupError } from '../../domain/errors.ts';
import type { Bytes } from '../../domain/units.ts';
import { codeOf } from './errors.ts';
import { syncFolder, type FolderPlace } from './place.ts';
import { linkNew } from './write.ts';

/** Older versions that stay for those who are just listing them. */
const keptVersions = 8;
/** Small objects alone have versions. */
const largestVersioned: Bytes = 64 * 1024 * 1024;

/** An object's current version, and the file that holds it. */
export type Current = { path: string; version: string };

/** The file that is the object now; `replaceVersion` says how versions are kept. ENOENT when there is no object. */
export async function currentFile(place: FolderPlace, key: string, anchor: string): Promise<string> {
  return (await exists(versionsFolder(place, key))) ? (await currentVersion(place, key, anchor)).path : anchor;
}

/** The object's current version. ENOENT when there is no object. */
export async function currentVersion(place: FolderPlace, key: string, anchor: string): Promise<Current> {
  const tag = await tagOf(anchor);
  const highest = Math.max(0, ...(await numbersOf(versionsFolder(place, key), tag)));
  return { path: highest === 0 ? anchor : versionFile(place, key, tag, highest), version: `${tag}.${highest}` };
}

/** The version that a written file will be when it becomes an object's anchor. */
export async function firstVersion(path: string): Promise<string> {
  return `${await tagOf(path)}.0`;
}

/**
 * Makes the written file `path` the next version after `version`; undefined when that is not, or no longer, the current
 * one. A compare-and-swap without locks, which a killed process would leave behind:
 * - The file at the object's own path, its anchor, is made once by link(2) and never written again. Later versions are
 *   files
 * `<anchor's digest>.<number>` in a hidden folder of the object; the highest number is the current one.
 * - Replacing version n is to link(2) number n + 1, which one writer can; then to look again whether the anchor is the
 *   same and
 * nothing higher is there, since a slow writer could link a number that has been used and tidied away.
 * - Removing the anchor removes the object at once; versions of an anchor that is gone mean nothing.
 */
export async function replaceVersion(
  place: FolderPlace,
  key: string,
  anchor: string,
  version: string,
  path: string,
): Promise<string | undefined> {
  const [tag, number] = parse(version);
  if ((await currentVersion(place, key, anchor)).version !== version) return undefined;
  const next = versionFile(place, key, tag, number + 1);
  await makeFolder(dirname(next));
  if (!(await linkNew(path, next))) return undefined;
  const now = await currentVersion(place, key, anchor).catch((error) =>
    codeOf(error) === 'ENOENT' ? undefined : fail(error),
  );
  if (now?.version !== `${tag}.${number + 1}`) {
    if (now === undefined || parse(now.version)[0] !== tag) await rm(next, { force: true });
    return undefined;
  }
  await tidy(place, key, tag, number + 1 - keptVersions);
  return now.version;
}

/**
 * The digest that this anchor's versions are named after; undefined when there is nothing to name. Ask before the
 * anchor is removed.
 */
export async function versionsOf(place: FolderPlace, key: string, anchor: string): Promise<string | undefined> {
  return (await exists(versionsFolder(place, key))) ? tagOf(anchor) : undefined;
}

/** Removes an anchor's versions up to this number, and their folder when it is empty. */
export async function tidy(place: FolderPlace, key: string, tag: string, upTo: number): Promise<void> {
  const numbers = (await numbersOf(versionsFolder(place, key), tag)).filter((number) => number <= upTo);
  for (const number of numbers) await rm(versionFile(place, key, tag, number), { force: true });
  if (upTo === Infinity) await rmdir(versionsFolder(place, key)).catch(() => undefined);
}

/** Changes with every anchor: two with the same bytes, written at the same instant, would be the same object. */
async function tagOf(anchor: string): Promise<string> {
  const handle = await open(anchor, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const { size, mtimeNs } = await handle.stat({ bigint: true });
    if (size > largestVersioned)
      throw new BackupError('object-too-large', `${anchor} is too large for a small object: ${size} bytes`);
    return createHash('sha256')
      .update(`${mtimeNs} `)
      .update(await handle.readFile())
      .digest('hex')
      .slice(0, 32);
  } finally {
    await handle.close();
  }
}

async function numbersOf(folder: string, tag: string): Promise<number[]> {
  const names = await readdir(folder).catch((error) => (codeOf(error) === 'ENOENT' ? [] : fail(error)));
  return names.filter((name) => name.startsWith(`${tag}.`)).map((name) => parse(name)[1]);
}

async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder, { mode: 0o700 }).catch((error) => (codeOf(error) === 'EEXIST' ? undefined : fail(error)));
  await syncFolder(dirname(folder));
}

function parse(version: string): [tag: string, number: number] {
  const [tag = '', number = ''] = version.split('.');
  return [tag, Number(number)];
}

function versionsFolder(place: FolderPlace, key: string): string {
  return join(place.versions, createHash('sha256').update(key).digest('hex'));
}

function versionFile(place: FolderPlace, key: string, tag: string, number: number): string {
  return join(versionsFolder(place, key), `${tag}.${number}`);
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    (error) => (codeOf(error) === 'ENOENT' ? false : fail(error)),
  );
}

function fail(error: unknown): never {
  throw error;
}
