import { bytesTogether, historyOf } from '../../domain/verdict/history.ts';
import type { BackupFound, ListedObject } from '../../domain/verdict/history.ts';
import { firstOfPack } from '../../domain/layout/packs.ts';
import { backupPrefix, manifestKey, partKey, signatureKey } from '../../domain/layout/places.ts';
import type { BackupId, ObjectKey, SourceName } from '../../domain/keys.ts';
import { BackupError, isBackupError, messageOf } from '../../domain/errors.ts';
import { releasedTags, tierTags } from '../../domain/retention/tiers.ts';
import { pinKey } from '../../domain/layout/records.ts';
import type { Bytes } from '../../domain/units.ts';
import type { Lock, Vault } from '../../vault.ts';
import { mapConcurrently } from '../../pipeline/concurrency.ts';

/**
 * The result of removing a backup. `hidden`: it is no backup any more, but older versions still hold its bytes;
 * `pinned`: somebody has just pinned it; `failed`: see `failures`. `foreign` objects were left alone.
 */
export type Removal = {
  id: BackupId;
  state: 'gone' | 'hidden' | 'pinned' | 'failed';
  bytes: Bytes;
  foreign: number;
  failures: unknown[];
  lock?: Lock;
};

const deletesAtOnce = 8;

/**
 * Removes one backup: its manifest first, then the parts it names, its signature and the records beside it. Looks for a
 * pin before, and again once the manifest is gone: if somebody pinned it in between, the manifest is put back. Never
 * throws.
 */
export async function removeBackup(
  vault: Vault,
  source: SourceName,
  id: BackupId,
  parts: readonly string[],
  signal: AbortSignal,
): Promise<Removal> {
  const done: Done = { bytes: 0, hidden: false, foreign: 0, failures: [] };
  const ended = await removing(vault, source, id, parts, done, signal).catch(
    (error: unknown) => void done.failures.push(error),
  );
  const { hidden, ...counts } = done;
  return { id, state: ended ?? (done.failures.length > 0 ? 'failed' : hidden ? 'hidden' : 'gone'), ...counts };
}

/** What was removed so far, and what could not be. */
type Done = Omit<Removal, 'id' | 'state' | 'lock'> & { hidden: boolean };

/** Returns the final state if it is known before the parts are removed. */
async function removing(
  vault: Vault,
  source: SourceName,
  id: BackupId,
  parts: readonly string[],
  done: Done,
  signal: AbortSignal,
): Promise<'gone' | 'pinned' | 'failed' | undefined> {
  const prefix = backupPrefix(source, id);
  const manifest = manifestKey(source, id);
  const [now] = historyOf(source, await Array.fromAsync(vault.list(prefix, signal))).backups;
  if (now === undefined) return 'gone';
  if (now.pinned) return 'pinned';
  done.foreign = now.foreign.length;
  const kept = await vault.read(manifest, signal).catch(unlessMissing);
  if (kept === undefined) return 'gone';
  const named = keysOfParts(source, id, parts);
  if (!(await remove(vault, now.objects.find(({ key }) => key === manifest)!, done, signal))) return 'failed';
  if (await isPinnedNow(vault, source, id, named, signal)) {
    await putBack(vault, manifest, kept.body, signal);
    done.bytes = 0;
    return 'pinned';
  }
  const beside = (key: ObjectKey) => key === signatureKey(source, id) || key.startsWith(`${prefix}proofs/`);
  const others = now.objects.filter(({ key }) => named.has(key) || beside(key));
  await mapConcurrently(
    deletesAtOnce,
    others,
    async (object, stop) => {
      if (!(await remove(vault, object, done, stop))) await release(object.key, vault, stop);
    },
    signal,
  );
  return undefined;
}

async function remove(vault: Vault, { key, bytes }: ListedObject, done: Done, signal: AbortSignal): Promise<boolean> {
  try {
    const { state, shared = false } = await vault.delete(key, signal);
    done.hidden ||= state === 'hidden';
    done.bytes += shared ? 0 : bytes;
    return true;
  } catch (error) {
    done.failures.push(error);
    return false;
  }
}

/** Whether there is a pin and every part: if parts are missing, another rotation is already removing them. */
async function isPinnedNow(
  vault: Vault,
  source: SourceName,
  id: BackupId,
  parts: ReadonlySet<ObjectKey>,
  signal: AbortSignal,
): Promise<boolean> {
  const listed = await Array.fromAsync(vault.list(backupPrefix(source, id), signal));
  const keys = new Set(listed.map(({ key }) => key));
  return keys.has(pinKey(source, id)) && parts.isSubsetOf(keys);
}

function unlessMissing(error: unknown): undefined {
  if (!isBackupError(error, 'object-missing')) throw error;
}

/** If somebody else has already put the same manifest back, that is enough. */
async function putBack(vault: Vault, manifest: ObjectKey, body: Uint8Array, signal: AbortSignal): Promise<void> {
  try {
    await vault.putIfAbsent(manifest, body, tierTags([]), signal);
  } catch (cause) {
    if (isBackupError(cause, 'object-exists')) return;
    const what = `${vault.place}/${manifest} was pinned while it was removed, and could not be put back`;
    const hint = 'its parts are still there: put the manifest back by hand, from an older version or another copy';
    throw new BackupError(isBackupError(cause) ? cause.code : 'internal', `${what}: ${messageOf(cause)}`, {
      hint,
      cause,
    });
  }
}

/**
 * How many bytes the removal of this backup would free: its manifest, its signature, and the parts it names, without
 * bytes that one of `others` shares, and without packs, which only the sweep removes.
 */
export function removableBytes(
  source: SourceName,
  { id, objects }: Pick<BackupFound, 'id' | 'objects'>,
  parts: readonly string[],
  others: readonly Pick<BackupFound, 'objects'>[] = [],
): Bytes {
  const named = keysOfParts(source, id, parts).add(manifestKey(source, id)).add(signatureKey(source, id));
  const needed = new Set(others.flatMap((other) => other.objects.flatMap(({ file }) => file ?? [])));
  const isFreed = (file: string): boolean => !needed.has(file) && firstOfPack(file as ObjectKey) === undefined;
  return bytesTogether(objects.filter(({ key, file = '' }) => named.has(key) && isFreed(file)));
}

function keysOfParts(source: SourceName, id: BackupId, parts: readonly string[]): Set<ObjectKey> {
  return new Set(parts.map((file) => partKey(source, id, file)));
}

/** Leaves what could not be deleted to the bucket's lifecycle rule, if it can be tagged. */
async function release(key: ObjectKey, vault: Vault, signal: AbortSignal): Promise<void> {
  await vault.retag(key, releasedTags, signal).catch(() => undefined);
}
