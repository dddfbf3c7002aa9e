import { isPartName } from '../../contract/manifest/part-name.ts';
import { isBackupError } from '../../domain/errors.ts';
import type { BackupId, ObjectKey, SourceName } from '../../domain/keys.ts';
import { backupPrefix, manifestKey, signatureKey } from '../../domain/layout/places.ts';
import { backupPathOf } from '../../domain/layout/records.ts';
import { mapConcurrently } from '../../pipeline/concurrency.ts';
import type { Vault } from '../../vault.ts';

const holdsAtOnce = 8;

/**
 * Sets or removes a legal hold on every object of a backup, the manifest first; false if the vault has no locks.
 * Objects that are gone meanwhile are skipped. Throws `vault-denied` if we may not.
 */
export async function holdBackup(
  vault: Vault,
  source: SourceName,
  id: BackupId,
  on: boolean,
  signal: AbortSignal,
): Promise<boolean> {
  const { hold } = vault;
  const manifest = manifestKey(source, id);
  if (hold === undefined || !(await hold(manifest, on, signal))) return false;
  const listed = await Array.fromAsync(vault.list(backupPrefix(source, id), signal), ({ key }) => key);
  const isHeld = (key: ObjectKey) => key === signatureKey(source, id) || isPartName(backupPathOf(key)?.path ?? '');
  await mapConcurrently(
    holdsAtOnce,
    listed.filter(isHeld),
    async (key, stop) => {
      await hold(key, on, stop).catch((error: unknown) => {
        if (!isBackupError(error, 'object-missing')) throw error;
      });
    },
    signal,
  );
  return true;
}
