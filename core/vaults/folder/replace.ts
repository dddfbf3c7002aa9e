import { createHash } from 'node:crypto';
import { lstat, mkdir, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { absent, codeOf } from './errors.ts';
import { readSmall } from './open.ts';
import { syncFolder, type FolderPlace } from './place.ts';

/** Each attempt ends with a claim of ours, or with another writer's progress. */
const attempts = 100;

/** A small object's version: the digest of its bytes. Neither `touch` nor copying the folder changes it. */
export function versionOf(body: Uint8Array): string {
  return createHash('sha256').update(body).digest('hex');
}

/** The version of the object at this path; undefined if there is none. */
export async function versionAt(path: string): Promise<string | undefined> {
  const found = await readSmall(path).catch(absent);
  return found === undefined ? undefined : versionOf(found.body);
}

/**
 * Moves the written file `path` to `target` if that still has `version`; false if it does not. A compare-and-swap
 * without locks, because a killed process would leave a lock behind:
 * - A claim is a folder named after the version to replace. It holds the next version under a unique name. rename(2)
 *   gives a folder this name only if no non-empty folder has it, so only one writer gets the claim.
 * - A claim counts if the object still has that version once the claim is there. From then on, that version can only be
 *   replaced by moving the claim's file to the object's path, once. So whoever finds a claim may do that for a writer
 *   that died, and it does no harm if that writer wakes up.
 * - A writer that finds the object changed after its claim withdraws the claim by moving its file out again.
 * A delete needs no claim: of a delete and a replacement at the same moment, either may come last.
 */
export async function replaceFile(
  { incoming }: FolderPlace,
  target: string,
  version: string,
  path: string,
): Promise<boolean> {
  const claim = join(incoming, versionOf(Buffer.from(`${target}\n${version}`)));
  const mine = join(claim, basename(path));
  const prepared = `${path}.claim`;
  await mkdir(prepared, { mode: 0o700 });
  try {
    await rename(path, join(prepared, basename(path)));
    if (!(await takeClaim(prepared, claim, mine, { target, version }))) return false;
    if ((await versionAt(target)) !== version && (await moved(mine, path))) return false;
    await publish(mine, target);
    return true;
  } finally {
    await rm(prepared, { recursive: true, force: true });
    await rm(mine, { force: true });
    await rmdir(claim).catch(() => undefined);
  }
}

/** Gives the prepared folder the claim's name; false if the object has another version meanwhile. */
async function takeClaim(
  prepared: string,
  claim: string,
  mine: string,
  { target, version }: { target: string; version: string },
): Promise<boolean> {
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    if (await named(prepared, claim, mine)) return true;
    const others = (await readdir(claim).catch(absent)) ?? [];
    if ((await versionAt(target)) !== version) return false;
    for (const other of others) await publish(join(claim, other), target);
    await rmdir(claim).catch(() => undefined);
  }
  return false;
}

async function named(prepared: string, claim: string, mine: string): Promise<boolean> {
  try {
    await rename(prepared, claim);
    return true;
  } catch (error) {
    const code = codeOf(error) ?? '';
    if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(code)) throw error;
    // An NFS server's answer may get lost and the call be sent twice: then the claim is there, and it is ours.
    return code === 'ENOENT' && exists(mine);
  }
}

/** Moves a claimed file to the object's path, unless somebody already has. */
async function publish(file: string, target: string): Promise<void> {
  await rename(file, target).catch(absent);
  await syncFolder(dirname(target));
}

/** Whether the file was moved, and nobody has moved it on since. */
async function moved(from: string, to: string): Promise<boolean> {
  await rename(from, to).catch(absent);
  return exists(to);
}

async function exists(path: string): Promise<boolean> {
  return (await lstat(path).catch(absent)) !== undefined;
}
