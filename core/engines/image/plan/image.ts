import { BackupError } from '../../../domain/errors.ts';
import { formatBytes } from '../../../domain/units.ts';
import { mapConcurrently } from '../../../pipeline/concurrency.ts';
import { digestOf, jsonOf, largestDocument } from '../documents.ts';
import type { Descriptor, ImageDocument, IndexContent, ManifestContent } from '../documents.ts';
import type { StoredDocument } from '../facts.ts';
import { chosenOf, isMeant, namesOf, platformInConfig } from '../platforms.ts';
import type { ImageShelf } from '../shelf.ts';

/** An image of one platform. */
export type PlatformImage = StoredDocument & { table: string; config: Descriptor; layers: Descriptor[] };

/**
 * An image as it is stored. `index`: names its platforms, if it has several; `text`: set if it was made anew because
 * some platforms are left out.
 */
export type WholeImage = {
  index: (StoredDocument & { text?: string }) | undefined;
  platforms: PlatformImage[];
};

const looksAtOnce = 4;
/** All manifests of an index together: a larger size from a registry is not believed. */
const largestDocuments = 64 * 1024 ** 2;

/** Reads every document of an image, each by its digest: a tag may name another image later. */
export async function readImage(
  shelf: ImageShelf,
  top: ImageDocument,
  wanted: readonly string[],
  signal: AbortSignal,
): Promise<WholeImage> {
  if (top.kind === 'manifest') return { index: undefined, platforms: [await onlyPlatform(shelf, top, wanted, signal)] };
  const index = wanted.length === 0 ? { content: top.content } : withoutOthers(top.content, wanted, shelf.place);
  const bytes = index.content.manifests.reduce((sum, { size }) => sum + size, 0);
  if (bytes > largestDocuments) throw tooLarge(shelf.place, bytes);
  const names = namesOf(index.content);
  const platforms = await mapConcurrently(
    looksAtOnce,
    [...names],
    ([named, table], stop) => platformOf(shelf, named, table, stop),
    signal,
  );
  return {
    index: { ...storedIndex(top, index.text), ...(index.text !== undefined && { text: index.text }) },
    platforms,
  };
}

function storedIndex({ digest, bytes, mediaType }: ImageDocument, text: string | undefined): StoredDocument {
  if (text === undefined) return { digest, size: bytes.length, mediaType };
  const own = Buffer.from(text);
  return { digest: digestOf(own), size: own.length, mediaType };
}

async function platformOf(
  shelf: ImageShelf,
  named: Descriptor,
  table: string,
  signal: AbortSignal,
): Promise<PlatformImage> {
  const document = await shelf.document(named, signal);
  if (document.kind === 'manifest') return platformImage(document, table);
  throw new BackupError('source-unsupported', `${shelf.place} has an index within its index (${named.digest})`, {
    hint: 'name that one as ref, by its digest, in a source of its own',
  });
}

function platformImage(
  { digest, bytes, mediaType, content }: ImageDocument & { content: ManifestContent },
  table: string,
): PlatformImage {
  return { digest, size: bytes.length, mediaType, table, config: content.config, layers: content.layers };
}

/** An image without an index names its platform in its configuration. */
async function onlyPlatform(
  shelf: ImageShelf,
  document: ImageDocument & { content: ManifestContent },
  wanted: readonly string[],
  signal: AbortSignal,
): Promise<PlatformImage> {
  const { config } = document.content;
  const isReadable = config.mediaType.endsWith('json') && config.size <= largestDocument;
  const chunks = isReadable ? await Array.fromAsync(shelf.blob(config, signal)) : [];
  const platform = platformInConfig(jsonOf(Buffer.concat(chunks)));
  const missing = wanted.filter((one) => !isMeant(platform, one));
  if (missing.length > 0) throw missingError(shelf.place, missing, platform === undefined ? [] : [platform]);
  return platformImage(document, platform ?? 'image');
}

/** An index that names only the wanted platforms, otherwise unchanged. */
function withoutOthers(content: IndexContent, wanted: readonly string[], place: string) {
  const { chosen, missing, offered } = chosenOf(content, wanted);
  if (missing.length > 0) throw missingError(place, missing, offered);
  if (chosen.length === content.manifests.length) return { content };
  const own = { ...content, manifests: chosen };
  return { content: own, text: JSON.stringify(own) };
}

function missingError(place: string, missing: readonly string[], offered: readonly string[]): BackupError {
  const has = offered.length === 0 ? 'it does not say for which it is' : `it has ${offered.join(', ')}`;
  return new BackupError('source-unsupported', `${place} has no image for ${missing.join(', ')}: ${has}`, {
    hint: 'correct platforms; without them, everything is kept that is there',
  });
}

function tooLarge(place: string, bytes: number): BackupError {
  return new BackupError('source-unsupported', `${place} names manifests of ${formatBytes(bytes)} in all`, {
    hint: 'no image has so many: name some platforms',
  });
}
