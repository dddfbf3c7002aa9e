import { createHash } from 'node:crypto';
import { BackupError } from '../../domain/errors.ts';
import type { Bytes } from '../../domain/units.ts';
import type { ByteStream } from '../../ports.ts';
import type { ImageDocument } from './documents.ts';

/** A blob, as far as it has to be known to be asked for. */
export type BlobName = { digest: string; size: Bytes };

/** Where one image is read from: a registry, or an OCI layout. What it gives is checked by its digest. */
export type ImageShelf = {
  /** For messages. */
  place: string;
  /** What is read, for manifests of ours. */
  product: { product: string; version: string };
  /** The document that the image is known by; undefined where there is none. */
  top(signal: AbortSignal): Promise<ImageDocument | undefined>;
  /** One that another document names. Throws `source-changed` where it is not there. */
  document(named: BlobName, signal: AbortSignal): Promise<ImageDocument>;
  /** Whether a blob is there. */
  holds(named: BlobName, signal: AbortSignal): Promise<boolean>;
  /** Throws `source-changed` where it is not there, and `dump-cut` at its end unless it is what its digest says. */
  blob(named: BlobName, signal: AbortSignal): ByteStream;
};

/** Lets a blob pass, and throws `dump-cut` unless it has this size and digest; ends as soon as there is too much. */
export async function* checkedBlob(content: ByteStream, { digest, size }: BlobName, place: string): ByteStream {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of content) {
    bytes += chunk.length;
    if (bytes > size) break;
    hash.update(chunk);
    yield chunk;
  }
  if (bytes !== size)
    throw notWhole(
      place,
      digest,
      bytes > size ? `is larger than ${size} bytes` : `ends after ${bytes} of ${size} bytes`,
    );
  if (`sha256:${hash.digest('hex')}` !== digest) throw notWhole(place, digest, 'has another digest');
}

/** Something that was there when the image was looked at is not there any more. */
export function goneError(place: string, digest: string): BackupError {
  return new BackupError('source-changed', `${place} names ${digest}, and it is not there`, {
    hint: 'was it removed meanwhile, or has the registry lost it? run it again; a good copy can be pushed once more',
  });
}

function notWhole(place: string, digest: string, what: string): BackupError {
  return new BackupError('dump-cut', `${place}: ${digest} ${what}`, {
    hint: 'nothing of it is kept. Run it again; if it stays so, the registry has lost content: push the image once more',
  });
}
