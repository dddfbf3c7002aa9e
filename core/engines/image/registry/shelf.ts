import { imageName } from '../../../domain/tools/image-reference.ts';
import type { ImageReference } from '../../../domain/tools/image-reference.ts';
import type { ByteStream } from '../../../ports.ts';
import { readDocument } from '../documents.ts';
import type { ImageDocument } from '../documents.ts';
import { checkedBlob, goneError } from '../shelf.ts';
import type { BlobName, ImageShelf } from '../shelf.ts';
import type { RepositoryClient } from './client.ts';

/** An image in a registry. */
export function registryShelf(client: RepositoryClient, reference: ImageReference): ImageShelf {
  const place = imageName(reference);

  async function found(name: string, signal: AbortSignal): Promise<ImageDocument | undefined> {
    const document = await client.document(name, signal);
    return document && readDocument(document, name === reference.tag ? place : `${place}: ${name}`);
  }
  async function* blob(named: BlobName, signal: AbortSignal): ByteStream {
    const content = await client.blob(named, signal);
    if (content === undefined) throw goneError(place, named.digest);
    yield* checkedBlob(content, named, place);
  }

  return {
    place,
    product: { product: 'OCI registry', version: '2' },
    top: (signal) => found(reference.digest ?? reference.tag ?? '', signal),
    async document({ digest }, signal) {
      const document = await found(digest, signal);
      if (document === undefined) throw goneError(place, digest);
      return document;
    },
    holds: (named, signal) => client.hasBlob(named, signal),
    blob,
  };
}
