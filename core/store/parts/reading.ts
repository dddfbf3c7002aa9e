import type { Manifest, ManifestPart } from '../../contract/manifest/manifest.ts';
import { encryptedEnding } from '../../contract/manifest/part-name.ts';
import { BackupError } from '../../domain/errors.ts';
import type { BackupId, ObjectKey, SourceName } from '../../domain/keys.ts';
import { partKey } from '../../domain/layout/places.ts';
import { checked } from '../../pipeline/sum.ts';
import { decompress } from '../../pipeline/zstd.ts';
import type { ByteStream } from '../../ports.ts';
import type { Vault } from '../../vault.ts';

/** The identities that decrypt a source's backups. Throws `key-missing`. */
export type IdentitiesOf = (source: SourceName, signal: AbortSignal) => Promise<readonly string[]>;

/**
 * What is needed to read the content of parts. `damaged` collects the keys of parts that two readings found damaged.
 */
export type PartOpening = { vault: Vault; identitiesOf: IdentitiesOf; damaged?: Set<ObjectKey> };

/** The backup that a part belongs to. */
export type BackupName = Pick<Manifest, 'source' | 'id'>;

/**
 * A part's content as it was dumped, checked against the manifest: throws `part-corrupt` by its end at the latest, and
 * `key-missing` if it can't be decrypted.
 */
export function openPart(
  { vault, identitiesOf }: PartOpening,
  backup: BackupName,
  part: ManifestPart,
  signal: AbortSignal,
): ByteStream {
  const name = partPlace(vault, backup, part);
  const stored = openStored(vault, backup, part, signal);
  if (!part.file.endsWith(encryptedEnding)) return unpacked(stored, part, part.file, name);
  async function* opened(): ByteStream {
    const identities = await identitiesOf(backup.source as SourceName, signal);
    const { decrypted } = await import('../../pipeline/age/age.ts');
    yield* unpacked(decrypted(stored, identities, name), part, part.file.slice(0, -encryptedEnding.length), name);
  }
  return opened();
}

function unpacked(content: ByteStream, { bytes }: ManifestPart, file: string, name: string): ByteStream {
  return file.endsWith('.zst') ? sized(decompress(content, name), bytes, name) : content;
}

/** A part's stored bytes, checked against the manifest, neither decrypted nor decompressed. Throws `part-corrupt`. */
export function openStored(vault: Vault, backup: BackupName, part: ManifestPart, signal: AbortSignal): ByteStream {
  const { storedBytes: bytes, sha256 } = part;
  return checked(readStored(vault, backup, part, signal), { bytes, sha256 }, partPlace(vault, backup, part));
}

/** A part's stored bytes, unchecked. */
export function readStored(vault: Vault, backup: BackupName, part: ManifestPart, signal: AbortSignal): ByteStream {
  return vault.get(keyOfPart(backup, part), signal);
}

/** The place of a part, for messages. */
export function partPlace({ place }: Pick<Vault, 'place'>, backup: BackupName, part: ManifestPart): string {
  return `${place}/${keyOfPart(backup, part)}`;
}

/** The key of a part. */
export function keyOfPart({ source, id }: BackupName, { file }: ManifestPart): ObjectKey {
  return partKey(source as SourceName, id as BackupId, file);
}

/** Throws as soon as there are too many bytes: a few bytes of zstd can expand to any number. */
async function* sized(content: ByteStream, bytes: number, name: string): ByteStream {
  let seen = 0;
  for await (const chunk of content) {
    seen += chunk.length;
    if (seen > bytes) break;
    yield chunk;
  }
  if (seen !== bytes)
    throw new BackupError(
      'part-corrupt',
      `${name} is damaged: it holds ${seen > bytes ? 'more than' : `${seen} of`} the ${bytes} bytes that the ` +
        'manifest names',
    );
}
