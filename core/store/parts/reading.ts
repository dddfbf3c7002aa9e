import type { Manifest, ManifestPart } from '../../contract/manifest/manifest.ts';
import { BackupError } from '../../domain/errors.ts';
import type { BackupId, ObjectKey, SourceName } from '../../domain/keys.ts';
import { partKey } from '../../domain/layout/places.ts';
import { checked } from '../../pipeline/sum.ts';
import { decompress } from '../../pipeline/zstd.ts';
import type { ByteStream } from '../../ports.ts';
import type { Vault } from '../../vault.ts';

/** The backup that a part is of. */
export type BackupName = Pick<Manifest, 'source' | 'id'>;

/** A part's content as it was dumped, checked against the manifest: throws `part-corrupt` at the latest at its end. */
export function openPart(vault: Vault, backup: BackupName, part: ManifestPart, signal: AbortSignal): ByteStream {
  const name = partPlace(vault, backup, part);
  const stored = checked(
    readStored(vault, backup, part, signal),
    { bytes: part.storedBytes, sha256: part.sha256 },
    name,
  );
  return part.file.endsWith('.zst') ? sized(decompress(stored, name), part.bytes, name) : stored;
}

/** A part's bytes as they lie in the vault, unchecked. */
export function readStored(vault: Vault, backup: BackupName, part: ManifestPart, signal: AbortSignal): ByteStream {
  return vault.get(keyOfPart(backup, part), signal);
}

/** Where a part lies, for messages. */
export function partPlace({ place }: Pick<Vault, 'place'>, backup: BackupName, part: ManifestPart): string {
  return `${place}/${keyOfPart(backup, part)}`;
}

function keyOfPart({ source, id }: BackupName, { file }: ManifestPart): ObjectKey {
  return partKey(source as SourceName, id as BackupId, file);
}

/** Ends as soon as there is too much: a few bytes of zstd can stand for any number of others. */
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
      `${name} is damaged: it holds ${seen > bytes ? 'more than' : `${seen} of`} the ${bytes} bytes that the manifest names`,
    );
}
