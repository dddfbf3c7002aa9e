import type { ManifestPart } from '../../contract/manifest/manifest.ts';
import { BackupError, isBackupError } from '../../domain/errors.ts';
import type { BackupId, ObjectKey, SourceName } from '../../domain/keys.ts';
import { manifestKey, signatureKey } from '../../domain/layout/places.ts';
import { vaultOption, word } from '../../domain/messages/text.ts';
import type { Vault } from '../../vault.ts';
import { readManifest } from '../backups/manifests.ts';
import type { Trust } from '../backups/signature.ts';
import { keyOfPart } from '../parts/reading.ts';
import { requireSame } from './receive.ts';
import type { StoredBackup } from './stored.ts';

/**
 * Deletes what is damaged of a backup here, so that it can be copied again from another vault: these parts, and the
 * manifest and signature if they can't be trusted. Each part is first read in the other vault to its end: nothing is
 * deleted without a good copy. Throws `part-corrupt` if the other one is damaged, too, and `vault-failed` if we may
 * delete nothing here.
 */
export async function discardDamaged(
  trust: Trust,
  stored: StoredBackup,
  parts: readonly ManifestPart[],
  { confirm }: { confirm(): Promise<void> },
  signal: AbortSignal,
): Promise<void> {
  const { vault } = trust;
  const { manifest } = stored;
  const documents = await unbelieved(trust, stored, signal);
  for (const part of parts)
    try {
      for await (const _ of stored.open(part, signal)) continue;
    } catch (error) {
      throw await stored.judge(error, part, signal);
    }
  await confirm();
  for (const key of documents) await remove(vault, key, stored, signal);
  for (const part of parts) await remove(vault, keyOfPart(manifest, part), stored, signal);
}

/**
 * The keys of the manifest and its signature, if what lies there is not ours or has changed since. Throws
 * `object-exists` if it is the good manifest of a different backup: then nobody knows which of the two is damaged.
 */
async function unbelieved(trust: Trust, stored: StoredBackup, signal: AbortSignal): Promise<ObjectKey[]> {
  const { manifest, document } = stored;
  const [source, id] = [manifest.source as SourceName, manifest.id as BackupId];
  try {
    await readManifest(trust, source, id, signal);
    await requireSame(trust.vault, manifestKey(source, id), document, stored, signal);
    return [];
  } catch (error) {
    if (!isBackupError(error, 'manifest-invalid', 'manifest-unsigned')) throw error;
    return [manifestKey(source, id), signatureKey(source, id)];
  }
}

async function remove(
  vault: Vault,
  key: ObjectKey,
  { manifest: { source, id } }: StoredBackup,
  signal: AbortSignal,
): Promise<void> {
  await vault.delete(key, signal).catch((cause: unknown) => {
    if (!isBackupError(cause, 'vault-denied')) throw cause;
    const what = `${vault.place}/${key} is damaged, and these credentials may not remove it`;
    const command = `nightjar remove ${word(source)} ${id}${vaultOption(vault.name)}`;
    throw new BackupError('vault-failed', what, {
      hint: `with credentials that may: nightjar copy ${word(source)}, or ${command} and then nightjar copy`,
      cause,
    });
  });
}
