import type { Manifest } from '../contract/manifest/manifest.ts';
import { BackupError, isBackupError } from '../domain/errors.ts';
import { backupOfManifestKey, manifestKey, sourceSegment } from '../domain/keys.ts';
import type { BackupId, SourceName } from '../domain/keys.ts';
import type { Lock, Vault } from '../ports.ts';
import { parseManifest } from './manifest-document.ts';

/** The ids of a source's complete backups, oldest first. */
export async function backupIds(source: SourceName, vault: Vault, signal: AbortSignal): Promise<BackupId[]> {
  const ids: BackupId[] = [];
  for await (const { key } of vault.list(`${sourceSegment(source)}/`, signal)) {
    const found = backupOfManifestKey(key);
    if (found?.source === source) ids.push(found.id);
  }
  return ids.sort();
}

export type ManifestFound = { manifest: Manifest; lock: Lock | undefined; stays: boolean };

/**
 * One manifest, what keeps it from being deleted for good, and whether a delete would only hide it. What can't be
 * understood is read once more, for it may have changed on its way. Throws `backup-missing`, `manifest-invalid`.
 */
export async function readManifest(
  source: SourceName,
  id: BackupId,
  vault: Vault,
  signal: AbortSignal,
): Promise<ManifestFound> {
  const first = await readOnce(source, id, vault, signal);
  const read = 'why' in first ? await readOnce(source, id, vault, signal) : first;
  if (!('why' in read)) return read;
  throw new BackupError('manifest-invalid', `${vault.place}/${manifestKey(source, id)} can't be read: ${read.why}`, {
    hint: 'was it written by a newer Nightjar, or changed by hand? Other backups, and other copies of this one, are not affected',
  });
}

async function readOnce(
  source: SourceName,
  id: BackupId,
  vault: Vault,
  signal: AbortSignal,
): Promise<ManifestFound | { why: string }> {
  try {
    const { body, lock, stays } = await vault.read(manifestKey(source, id), signal);
    const parsed = parseManifest(body);
    if ('why' in parsed) return parsed;
    const { manifest } = parsed;
    if (manifest.source !== source || manifest.id !== id)
      return { why: `it is the manifest of ${manifest.source} ${manifest.id}` };
    return { manifest, lock, stays: stays === true };
  } catch (error) {
    if (isBackupError(error, 'object-missing')) throw missingBackup(source, `none with the id ${id}`, vault);
    if (isBackupError(error, 'object-too-large')) return { why: error.message };
    throw error;
  }
}

/** What to say where there is no such backup. */
export function missingBackup(
  source: SourceName,
  what: string,
  vault: Vault,
  hint = `see what there is: nightjar list ${source}`,
): BackupError {
  return new BackupError('backup-missing', `no backup of ${source} in ${vault.place}: ${what}`, { hint });
}
