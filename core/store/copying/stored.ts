import type { Manifest, ManifestPart } from '../../contract/manifest/manifest.ts';
import { BackupError, isBackupError } from '../../domain/errors.ts';
import type { BackupId, SourceName } from '../../domain/keys.ts';
import { backupPrefix, manifestKey, partKey } from '../../domain/layout/places.ts';
import { isBeside } from '../../domain/layout/records.ts';
import type { ByteStream } from '../../ports.ts';
import type { Vault } from '../../vault.ts';
import { parseManifest } from '../backups/manifest-document.ts';
import { missingBackup, readManifest } from '../backups/manifests.ts';
import type { Trust } from '../backups/signature.ts';
import { afterReadingAgain } from '../parts/read-again.ts';
import { openStored } from '../parts/reading.ts';
import type { PartOpening } from '../parts/reading.ts';

/**
 * An object that belongs to a manifest but is no part, such as its signature. `path` is relative to the backup's place.
 */
export type BesideManifest = { path: string; body: Uint8Array };

/** A backup in its stored form, to be copied to another vault without decrypting or decompressing anything. */
export type StoredBackup = {
  /** The vault that it comes from. */
  place: string;
  manifest: Manifest;
  /** The bytes of its manifest. */
  document: Uint8Array;
  beside: readonly BesideManifest[];
  /** A part's stored bytes, checked against the manifest. Throws `part-corrupt` at their end. */
  open(part: ManifestPart, signal: AbortSignal): ByteStream;
  /** The error to throw after a failed reading: it tells a damaged part from a bad transfer. */
  judge(error: unknown, part: ManifestPart, signal: AbortSignal): Promise<unknown>;
};

/** Reads everything of a backup except its parts. Throws as `readManifest` does. */
export async function storedBackup(
  trust: Trust & Pick<PartOpening, 'damaged'>,
  source: SourceName,
  id: BackupId,
  signal: AbortSignal,
): Promise<StoredBackup> {
  const { vault } = trust;
  const opening: PartOpening = { ...trust, identitiesOf: async () => [] };
  const { manifest } = await readManifest(trust, source, id, signal);
  const document = await documentOf(vault, manifest, signal);
  const prefix = backupPrefix(source, id);
  const listed = await Array.fromAsync(vault.list(prefix, signal));
  const paths = listed.map(({ key }) => key.slice(prefix.length)).filter(isBeside);
  const beside: BesideManifest[] = [];
  for (const path of paths) beside.push({ path, body: (await vault.read(partKey(source, id, path), signal)).body });
  return {
    place: vault.place,
    manifest,
    document,
    beside,
    open: (part, stop) => openStored(vault, manifest, part, stop),
    judge: (error, part, stop) => afterReadingAgain(opening, error, { backup: manifest, part, sealed: true }, stop),
  };
}

/** The exact bytes of a manifest that was just read and judged. */
async function documentOf(vault: Vault, manifest: Manifest, signal: AbortSignal): Promise<Uint8Array> {
  const [source, id] = [manifest.source as SourceName, manifest.id as BackupId];
  const { body } = await vault.read(manifestKey(source, id), signal).catch((error: unknown) => {
    throw isBackupError(error, 'object-missing')
      ? missingBackup(vault, source, `${id} was removed a moment ago`)
      : error;
  });
  const read = parseManifest(body);
  if ('manifest' in read && JSON.stringify(read.manifest) === JSON.stringify(manifest)) return body;
  throw new BackupError('vault-failed', `${vault.place}/${manifestKey(source, id)} reads differently each time`, {
    hint: 'something on the way from the vault changes data: memory, disk, proxy or network',
  });
}
