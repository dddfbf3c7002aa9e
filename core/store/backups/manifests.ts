import { word } from '../../domain/messages/text.ts';
import type { Manifest } from '../../contract/manifest/manifest.ts';
import { BackupError, isBackupError } from '../../domain/errors.ts';
import { backupOfManifestKey, manifestKey, sourceSegment } from '../../domain/layout/places.ts';
import type { BackupId, SourceName } from '../../domain/keys.ts';
import { tierTags } from '../../domain/retention/tiers.ts';
import type { Lock, Vault } from '../../vault.ts';
import { manifestDocument, parseManifest } from './manifest-document.ts';

/** The ids of a source's complete backups, oldest first. */
export async function backupIds(vault: Vault, source: SourceName, signal: AbortSignal): Promise<BackupId[]> {
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
  vault: Vault,
  source: SourceName,
  id: BackupId,
  signal: AbortSignal,
): Promise<ManifestFound> {
  const first = await readOnce(vault, source, id, signal);
  const read = 'why' in first ? await readOnce(vault, source, id, signal) : first;
  if (!('why' in read)) return read;
  throw new BackupError('manifest-invalid', `${vault.place}/${manifestKey(source, id)} can't be read: ${read.why}`, {
    hint: 'was it written by a newer Nightjar, or changed by hand? Other backups, and other copies of this one, are not affected',
  });
}

async function readOnce(
  vault: Vault,
  source: SourceName,
  id: BackupId,
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
    if (isBackupError(error, 'object-missing')) throw missingBackup(vault, source, `none with the id ${id}`);
    if (isBackupError(error, 'object-too-large')) return { why: error.message };
    throw error;
  }
}

/** Makes a backup exist. Throws `object-exists` where there is one of this name. */
export async function writeManifest(vault: Vault, manifest: Manifest, signal: AbortSignal): Promise<void> {
  const key = manifestKey(manifest.source as SourceName, manifest.id as BackupId);
  await vault.putIfAbsent(key, manifestDocument(manifest), tierTags(manifest.tiers), signal);
}

/** What to say where there is no such backup. */
export function missingBackup(
  { place }: Pick<Vault, 'place'>,
  source: SourceName,
  what: string,
  hint = `see what there is: nightjar list ${word(source)}`,
): BackupError {
  return new BackupError('backup-missing', `no backup of ${source} in ${place}: ${what}`, { hint });
}
