import { createHash } from 'node:crypto';
import { BackupError } from '../../domain/errors.ts';
import type { Bytes } from '../../domain/units.ts';
import type { ByteStream } from '../../ports.ts';
import type { ImageDocument } from './documents.ts';

/** What is needed to ask for a blob. */
export type BlobName = { digest: string; size: Bytes };

/** Where one image is read from: a registry, or an OCI layout. Everything it returns is checked by its digest. */
export type ImageShelf = {
  /** For messages. */
  place: string;
  /** What is read, for our manifests. */
  product: { product: string; version: string };
  /** The document that identifies the image; undefined if there is none. */
  top(signal: AbortSignal): Promise<ImageDocument | undefined>;
  /** A document that another one names. Throws `source-changed` if it does not exist. */
  document(named: BlobName, signal: AbortSignal): Promise<ImageDocument>;
  /** Whether a blob exists. */
  holds(named: BlobName, signal: AbortSignal): Promise<boolean>;
  /** Throws `source-changed` if it does not exist, and `dump-cut` at its end if it does not match its digest. */
  blob(named: BlobName, signal: AbortSignal): ByteStream;
};

/** Passes a blob on, and throws `dump-cut` unless it has this size and digest; stops as soon as it is too long. */
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

/** The error for something that existed when the image was planned and is gone. */
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
