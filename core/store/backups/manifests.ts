import { unsignedHint, vaultOption, word } from '../../domain/messages/text.ts';
import type { Manifest } from '../../contract/manifest/manifest.ts';
import { BackupError, isBackupError } from '../../domain/errors.ts';
import { backupOfManifestKey, manifestKey, signatureKey, sourceSegment } from '../../domain/layout/places.ts';
import type { BackupId, SourceName } from '../../domain/keys.ts';
import { tierTags } from '../../domain/retention/tiers.ts';
import type { Lock, Vault } from '../../vault.ts';
import { digestOf, manifestDocument, parseManifest } from './manifest-document.ts';
import { whyUntrusted } from './signature.ts';
import type { Sign, Trust } from './signature.ts';

/** The ids of a source's complete backups, oldest first. */
export async function backupIds(vault: Vault, source: SourceName, signal: AbortSignal): Promise<BackupId[]> {
  const ids: BackupId[] = [];
  for await (const { key } of vault.list(`${sourceSegment(source)}/`, signal)) {
    const found = backupOfManifestKey(key);
    if (found?.source === source) ids.push(found.id);
  }
  return ids.sort();
}

/** `sha256`: of the stored document. */
export type ManifestFound = { manifest: Manifest; sha256: string; lock: Lock | undefined; stays: boolean };

/**
 * Reads one manifest, with its lock and whether a delete would only hide it. If it can't be understood or lacks its
 * required signature, it is read once more, because it may have changed on its way or have just been removed. Throws
 * `backup-missing`, `manifest-unsigned`, `manifest-invalid`.
 */
export async function readManifest(
  trust: Trust,
  source: SourceName,
  id: BackupId,
  signal: AbortSignal,
): Promise<ManifestFound> {
  const first = await readOnce(trust, source, id, signal);
  const read = 'manifest' in first ? first : await readOnce(trust, source, id, signal);
  if ('manifest' in read) return read;
  const place = `${trust.vault.place}/${manifestKey(source, id)}`;
  if ('untrusted' in read)
    throw new BackupError('manifest-unsigned', `${place} ${read.untrusted}`, { hint: unsignedHint });
  throw new BackupError('manifest-invalid', `${place} can't be read: ${read.why}`, {
    hint:
      'was it written by a newer Nightjar, or changed by hand? Other backups, and other copies of this one, are ' +
      'not affected',
  });
}

/** The signature is checked before anything in the manifest is read. */
async function readOnce(
  trust: Trust,
  source: SourceName,
  id: BackupId,
  signal: AbortSignal,
): Promise<ManifestFound | { why: string } | { untrusted: string }> {
  const { vault } = trust;
  try {
    const { body, lock, stays } = await vault.read(manifestKey(source, id), signal);
    const untrusted = await whyUntrusted(trust, { source, id }, body, signal);
    if (untrusted !== undefined) return { untrusted };
    const parsed = parseManifest(body);
    if ('why' in parsed) return parsed;
    const { manifest } = parsed;
    if (manifest.source !== source || manifest.id !== id)
      return { why: `it is the manifest of ${manifest.source} ${manifest.id}` };
    return { manifest, sha256: digestOf(body), lock, stays: stays === true };
  } catch (error) {
    if (isBackupError(error, 'object-missing')) throw missingBackup(vault, source, `none with the id ${id}`);
    if (isBackupError(error, 'object-too-large')) return { why: error.message };
    throw error;
  }
}

/**
 * Makes a backup exist. The signature, if there is one, is written first, so that no manifest ever lacks it. Throws
 * `object-exists` if there is a backup of this name.
 */
export async function writeManifest(
  vault: Vault,
  manifest: Manifest,
  sign: Sign | undefined,
  signal: AbortSignal,
): Promise<void> {
  const [source, id, tags] = [manifest.source as SourceName, manifest.id as BackupId, tierTags(manifest.tiers)];
  const document = manifestDocument(manifest);
  if (sign !== undefined) await vault.putIfAbsent(signatureKey(source, id), await sign(document, signal), tags, signal);
  await vault.putIfAbsent(manifestKey(source, id), document, tags, signal);
}

/** SHA-256 of the document that `writeManifest` would write. */
export function manifestDigest(manifest: Manifest): string {
  return digestOf(manifestDocument(manifest));
}

/** The error for a backup that does not exist. */
export function missingBackup(
  { place, name }: Pick<Vault, 'place' | 'name'>,
  source: SourceName,
  what: string,
  hint = `see what there is: nightjar list ${word(source)}${vaultOption(name)}`,
): BackupError {
  return new BackupError('backup-missing', `no backup of ${source} in ${place}: ${what}`, { hint });
}
