import { lstat, rm, rmdir, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { abortError, BackupError } from '../../domain/errors.ts';
import type { ObjectKey } from '../../domain/keys.ts';
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
import { withGrace } from '../waiting.ts';

/**
 * For the last step of a write, which is not stopped half way: whoever asks us to stop must learn what became of it.
 */
const unstopped = new AbortController().signal;
/**
 * A short write is done to its end when somebody asks us to stop, for a few seconds, so that a backup whose parts are
 * all there gets its manifest.
 */
const grace = {
  graceMs: 5_000,
  limitMs: 600_000,
  late: new BackupError('vault-unreachable', 'the folder did not answer for 10 minutes'),
};

/**
 * A folder as a vault: an object is a file of the same path, mode 0600, durable (fsync) before anybody can see it. What
 * is being written is hidden in `.nightjar/incoming`; leftovers of killed runs there are removed by a later write, a
 * day on. Reads and lists throw `vault-unreachable` unless `.nightjar` is there, so that a disk that is not mounted
 * never reads as an empty vault; the first write makes it, and the folder itself, but none above it.
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
    // those of dead runs are hidden files, which a later write sweeps
    async *unfinished(prefix, signal) {
      await answered(`list ${place.root}/${prefix}`, requireVault(place), signal);
    },
    abandon: async () => undefined,
    free: (signal) => answered(`look at ${place.root}`, freeSpace(place), signal),
  };
}

async function put(place: FolderPlace, key: ObjectKey, body: ByteStream, signal: AbortSignal): Promise<Stored> {
  const what = `write ${place.root}/${key}`;
  const { path, bytes } = await incoming(place, key, body, signal);
  try {
    const made = await answered(
      what,
      inFolder(place, key, (target) => linkNew(path, target)),
      unstopped,
    );
    if (made) return { bytes };
  } finally {
    await rm(path, { force: true });
  }
  throw thereAlready(what);
}

async function putIfAbsent(
  place: FolderPlace,
  key: ObjectKey,
  body: Uint8Array,
  signal: AbortSignal,
): Promise<{ version: string }> {
  const what = `write ${place.root}/${key}`;
  const { path } = await incoming(place, key, once(body), signal);
  try {
    const made = await answered(
      what,
      inFolder(place, key, (target) => makeObject(place, key, path, target)),
      unstopped,
    );
    if (made) return { version: versionOf(body) };
  } finally {
    await rm(path, { force: true });
  }
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
  const { path } = await incoming(place, key, once(body), signal);
  try {
    const replaced = replaceObject(place, key, version, path).catch(absent);
    if ((await answered(what, replaced, unstopped)) === true) return { version: versionOf(body) };
  } finally {
    await rm(path, { force: true });
  }
  throw new BackupError('object-exists', `${what}: somebody else has written or removed it`);
}

async function replaceObject(place: FolderPlace, key: ObjectKey, version: string, path: string): Promise<boolean> {
  const target = await pathOf(place, key, { make: false });
  await bringForward(place, key, target);
  return replaceFile(place, target, version, path);
}

/** What an older Nightjar remembers of an object that is no more is not the new one's. */
async function makeObject(place: FolderPlace, key: ObjectKey, path: string, target: string): Promise<boolean> {
  if ((await lstat(target).catch(absent)) === undefined) await forgetStates(place, key);
  return linkNew(path, target);
}

async function remove(place: FolderPlace, key: ObjectKey): Promise<Deleted> {
  await requireVault(place);
  const path = await pathOf(place, key, { make: false }).catch(absent);
  if (path === undefined) return { state: 'gone' };
  const names = (await lstat(path).catch(absent))?.nlink ?? 0;
  await unlink(path).catch(absent);
  await syncFolder(dirname(path)).catch(absent);
  await forgetStates(place, key);
  for (let folder = dirname(path); folder !== place.root; folder = dirname(folder)) {
    if (
      !(await rmdir(folder).then(
        () => true,
        () => false,
      ))
    )
      break;
  }
  return { state: 'gone', ...(names > 1 && { shared: true as const }) };
}

/** A folder has no tags; that an object is missing is told all the same. */
async function requireObject(place: FolderPlace, key: ObjectKey, signal: AbortSignal): Promise<undefined> {
  const what = `look at ${place.root}/${key}`;
  await answered(what, requireVault(place), signal);
  const found = pathOf(place, key, { make: false }).then(lstat).catch(absent);
  if ((await answered(what, found, signal)) === undefined)
    throw new BackupError('object-missing', `${what}: there is no such object`);
}

async function incoming(place: FolderPlace, key: ObjectKey, body: ByteStream, signal: AbortSignal) {
  const what = `write ${place.root}/${key}`;
  if (signal.aborted) throw abortError(signal);
  await answered(what, prepareVault(place), signal);
  await answered(what, pathOf(place, key, { make: false }).catch(absent), signal);
  const written = await writeIncoming(place, what, body, signal);
  try {
    await answered(what, sweepIncoming(place, written.path), signal);
    return written;
  } catch (error) {
    await rm(written.path, { force: true }).catch(() => undefined);
    throw error;
  }
}

async function* once(body: Uint8Array): ByteStream {
  yield body;
}
