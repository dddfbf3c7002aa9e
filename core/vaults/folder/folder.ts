import { lstat, rm, rmdir, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { abortError, BackupError } from '../../domain/errors.ts';
import type { ObjectKey } from '../../domain/keys.ts';
import type { Bytes } from '../../domain/units.ts';
import type { ByteStream } from '../../ports.ts';
import type { Deleted, Stored, Vault } from '../../vault.ts';
import { absent, answered } from './errors.ts';
import { listFolder } from './reading/list.ts';
import { bringForward, forgetStates } from './older.ts';
import { folderPlace, freeSpace, inFolder, pathOf, prepareVault, requireVault } from './place.ts';
import { syncFolder, type FolderPlace } from './place.ts';
import { readFolder, readVersion } from './reading/read.ts';
import { replaceFile, versionOf } from './replace.ts';
import { shareFiles } from './share.ts';
import { linkNew, sweepIncoming, writeIncoming } from './write.ts';
import { withGrace } from '../../pipeline/waiting.ts';

/** For the last step of a write, which is never interrupted: the caller must learn its outcome. */
const unstopped = new AbortController().signal;
/**
 * After an abort, a short write may still finish for a few seconds, so that a backup whose parts are all stored gets
 * its manifest.
 */
const grace = {
  graceMs: 5_000,
  limitMs: 600_000,
  late: new BackupError('vault-unreachable', 'the folder did not answer for 10 minutes'),
};

/**
 * A folder as a vault. An object is a file of the same path, mode 0600, durable (fsync) before anybody can see it.
 * Unfinished writes are hidden in `.nightjar/incoming`; a later write removes what killed runs left there, after a day.
 * Reading and listing throw `vault-unreachable` unless `.nightjar` exists, so that an unmounted disk never looks like
 * an empty vault. The first write makes it, and the folder itself, but none above it.
 */
export function folderVault(root: string): Vault {
  const place = folderPlace(root);
  return {
    place: place.root,
    put: (key, body, _tags, signal) => put(place, key, body, signal),
    share: (objects, signal) => shareFiles(place, objects, signal),
    putIfAbsent: (key, body, _tags, signal) => withGrace(grace, (own) => putIfAbsent(place, key, body, own), signal),
    putIfUnchanged: (key, body, version, signal) => putIfUnchanged(place, key, body, version, signal),
    read: (key, signal) => readVersion(place, key, signal),
    get: (key, signal) => readFolder(place, key, signal),
    list: (prefix, signal) => listFolder(place, prefix, signal),
    delete: (key, signal) => answered(`delete ${place.root}/${key}`, remove(place, key), signal),
    tags: (key, signal) => requireObject(place, key, signal),
    retag: (key, _tags, signal) => requireObject(place, key, signal),
    // dead runs leave only hidden files, which a later write sweeps
    async *unfinished(prefix, signal) {
      await answered(`list ${place.root}/${prefix}`, requireVault(place), signal);
    },
    abandon: async () => undefined,
    free: (signal) => answered(`look at ${place.root}`, freeSpace(place), signal),
  };
}

async function put(place: FolderPlace, key: ObjectKey, body: ByteStream, signal: AbortSignal): Promise<Stored> {
  const what = `write ${place.root}/${key}`;
  await prepare(place, what, signal);
  const link = (path: string) => inFolder(place, key, (target) => linkNew(path, target));
  const { isDone, bytes } = await written(place, key, { what, body, step: link }, signal);
  if (isDone) return { bytes };
  throw thereAlready(what);
}

async function putIfAbsent(
  place: FolderPlace,
  key: ObjectKey,
  body: Uint8Array,
  signal: AbortSignal,
): Promise<{ version: string }> {
  const what = `write ${place.root}/${key}`;
  await prepare(place, what, signal);
  const make = (path: string) => inFolder(place, key, (target) => makeObject(place, key, path, target));
  const { isDone } = await written(place, key, { what, body: once(body), step: make }, signal);
  if (isDone) return { version: versionOf(body) };
  throw thereAlready(what);
}

function thereAlready(what: string): BackupError {
  return new BackupError('object-exists', `${what}: it is there already`);
}

async function putIfUnchanged(
  place: FolderPlace,
  key: ObjectKey,
  body: Uint8Array,
  version: string,
  signal: AbortSignal,
): Promise<{ version: string }> {
  const what = `replace ${place.root}/${key}`;
  await answered(what, requireVault(place), signal);
  await prepare(place, what, signal);
  const replace = (path: string) => replaceObject(place, key, version, path).catch(absent);
  const { isDone } = await written(place, key, { what, body: once(body), step: replace }, signal);
  if (isDone) return { version: versionOf(body) };
  throw new BackupError('object-exists', `${what}: somebody else has written or removed it`);
}

async function replaceObject(place: FolderPlace, key: ObjectKey, version: string, path: string): Promise<boolean> {
  const target = await pathOf(place, key);
  await bringForward(place, key, target);
  return replaceFile(place, target, version, path);
}

/** States that an older Nightjar kept of a deleted object must not become those of the new one. */
async function makeObject(place: FolderPlace, key: ObjectKey, path: string, target: string): Promise<boolean> {
  if ((await lstat(target).catch(absent)) === undefined) await forgetStates(place, key);
  return linkNew(path, target);
}

async function remove(place: FolderPlace, key: ObjectKey): Promise<Deleted> {
  await requireVault(place);
  const path = await pathOf(place, key).catch(absent);
  if (path === undefined) return { state: 'gone' };
  const names = (await lstat(path).catch(absent))?.nlink ?? 0;
  await unlink(path).catch(absent);
  await syncFolder(dirname(path)).catch(absent);
  await forgetStates(place, key);
  await removeEmpty(dirname(path), place.root).catch(() => undefined);
  return { state: 'gone', ...(names > 1 && { shared: true as const }) };
}

/** Removes a folder and those above it, up to the root; throws at the first that is not empty. */
async function removeEmpty(folder: string, root: string): Promise<void> {
  if (folder === root) return;
  await rmdir(folder);
  await removeEmpty(dirname(folder), root);
}

/** A folder has no tags, but a missing object is still an error. */
async function requireObject(place: FolderPlace, key: ObjectKey, signal: AbortSignal): Promise<undefined> {
  const what = `look at ${place.root}/${key}`;
  await answered(what, requireVault(place), signal);
  const found = pathOf(place, key).then(lstat).catch(absent);
  if ((await answered(what, found, signal)) === undefined)
    throw new BackupError('object-missing', `${what}: there is no such object`);
}

/** Makes no folders once the signal is aborted. */
async function prepare(place: FolderPlace, what: string, signal: AbortSignal): Promise<void> {
  if (signal.aborted) throw abortError(signal);
  await answered(what, prepareVault(place), signal);
}

/** Writes a body into a hidden file, and lets `step` put it in its place; that step is never interrupted. */
async function written(
  place: FolderPlace,
  key: ObjectKey,
  { what, body, step }: { what: string; body: ByteStream; step: (path: string) => Promise<boolean | undefined> },
  signal: AbortSignal,
): Promise<{ isDone: boolean; bytes: Bytes }> {
  await answered(what, pathOf(place, key).catch(absent), signal);
  const { path, bytes } = await writeIncoming(place, what, body, signal);
  try {
    await answered(what, sweepIncoming(place, path), signal);
    return { isDone: (await answered(what, step(path), unstopped)) === true, bytes };
  } finally {
    // if it stays, it is swept a day later
    await rm(path).catch(() => undefined);
  }
}

async function* once(body: Uint8Array): ByteStream {
  yield body;
}
