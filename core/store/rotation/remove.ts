import { historyOf } from '../../domain/verdict/history.ts';
import type { BackupFound } from '../../domain/verdict/history.ts';
import { backupPrefix, manifestKey, partKey } from '../../domain/layout/places.ts';
import type { BackupId, ObjectKey, SourceName } from '../../domain/keys.ts';
import { releasedTags } from '../../domain/retention/tiers.ts';
import type { Bytes } from '../../domain/units.ts';
import type { Lock, Vault } from '../../vault.ts';
import { mapConcurrently } from '../../pipeline/concurrency.ts';

/**
 * What became of a backup that was to be removed. `gone`; `hidden`: it is no backup any more, and older versions still
 * hold its bytes; `pinned`: somebody has pinned it just now; `failed`: see `failures`. `foreign` objects were left
 * alone.
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
 * Removes one backup: its manifest first, then the parts that it names, then the records beside it. Looks once more
 * before, for a pin. Never throws.
 */
export async function removeBackup(
  vault: Vault,
  source: SourceName,
  id: BackupId,
  parts: readonly string[],
  signal: AbortSignal,
): Promise<Removal> {
  const failures: unknown[] = [];
  let bytes = 0;
  let hidden = false;
  let foreign = 0;
  async function remove(key: ObjectKey, size: Bytes, stop: AbortSignal): Promise<boolean> {
    try {
      hidden = (await vault.delete(key, stop)).state === 'hidden' || hidden;
      bytes += size;
      return true;
    } catch (error) {
      failures.push(error);
      return false;
    }
  }
  try {
    const [now] = historyOf(source, await Array.fromAsync(vault.list(backupPrefix(source, id), signal))).backups;
    if (now === undefined) return { id, state: 'gone', bytes: 0, foreign: 0, failures };
    if (now.pinned) return { id, state: 'pinned', bytes: 0, foreign: 0, failures };
    foreign = now.foreign.length;
    const manifest = manifestKey(source, id);
    const named = keysOfParts(source, id, parts);
    const isRecord = (key: ObjectKey): boolean => key.startsWith(`${backupPrefix(source, id)}proofs/`);
    if (!(await remove(manifest, now.objects.find(({ key }) => key === manifest)?.bytes ?? 0, signal)))
      return { id, state: 'failed', bytes, foreign, failures };
    await mapConcurrently(
      deletesAtOnce,
      now.objects.filter(({ key }) => named.has(key) || isRecord(key)),
      async ({ key, bytes: size }, stop) => {
        if (!(await remove(key, size, stop))) await release(key, vault, stop);
      },
      signal,
    );
  } catch (error) {
    failures.push(error);
  }
  return { id, state: failures.length > 0 ? 'failed' : hidden ? 'hidden' : 'gone', bytes, foreign, failures };
}

/** How much a removal of this backup would free: its manifest, and the parts that it names. */
export function removableBytes(
  source: SourceName,
  { id, objects }: Pick<BackupFound, 'id' | 'objects'>,
  parts: readonly string[],
): Bytes {
  const named = keysOfParts(source, id, parts).add(manifestKey(source, id));
  return objects.reduce((sum, { key, bytes }) => sum + (named.has(key) ? bytes : 0), 0);
}

function keysOfParts(source: SourceName, id: BackupId, parts: readonly string[]): Set<ObjectKey> {
  return new Set(parts.map((file) => partKey(source, id, file)));
}

/** Hands what could not be deleted over to the bucket's lifecycle rule, as far as it can be tagged. */
async function release(key: ObjectKey, vault: Vault, signal: AbortSignal): Promise<void> {
  await vault.retag(key, releasedTags, signal).catch(() => undefined);
}
