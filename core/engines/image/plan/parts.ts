import type { Json, OpenedPart, PlannedPart } from '../../../ports.ts';
import type { Descriptor } from '../documents.ts';
import { blobReader, partNameOf } from '../facts.ts';
import type { ImagePlace } from '../place.ts';
import type { BlobName, ImageShelf } from '../shelf.ts';
import type { WholeImage } from './image.ts';

/**
 * What is needed to make a part. `tables`: how often each platform has it as a layer. `text`: its whole content, if
 * known.
 */
type BlobRecipe = BlobName & {
  place: ImagePlace;
  kind: 'blob' | 'document';
  tables: Record<string, number>;
  text?: string;
};

type WantedBlob = BlobName & { mediaType: string; ending: string; kind: BlobRecipe['kind']; text?: string | undefined };

/** One part for each digest, in the order in which a restore needs them. */
export function partsOf({ index, platforms }: WholeImage, place: ImagePlace, isLeftOut: (digest: string) => boolean) {
  const tables = new Map<string, Record<string, number>>();
  for (const { table, layers } of platforms)
    for (const { digest } of layers) {
      const counts = tables.get(digest) ?? {};
      tables.set(digest, { ...counts, [table]: (counts[table] ?? 0) + 1 });
    }
  const all: WantedBlob[] = [
    ...platforms.flatMap(({ layers }) => layers.map((one) => ({ ...one, ending: 'layer', kind: 'blob' as const }))),
    ...platforms.map(({ config }) => ({ ...config, ending: 'config', kind: 'blob' as const })),
    ...platforms.map((one) => ({ ...one, ending: 'manifest', kind: 'document' as const })),
    ...(index === undefined ? [] : [{ ...index, ending: 'index', kind: 'document' as const }]),
  ];
  const unlike = new Map<string, WantedBlob>();
  for (const one of all) if (!unlike.has(one.digest) && !isLeftOut(one.digest)) unlike.set(one.digest, one);
  return [...unlike.values()].map((one, number) => partOf(one, number, place, tables.get(one.digest) ?? {}));
}

function partOf(
  { digest, size, mediaType, ending, kind, text }: WantedBlob,
  number: number,
  place: ImagePlace,
  tables: Record<string, number>,
): PlannedPart {
  const recipe: BlobRecipe = { digest, size, place, kind, tables, ...(text !== undefined && { text }) };
  return {
    role: 'data',
    file: partNameOf(number, digest, ending),
    // compressing an empty part gives it content, because some vaults can't store empty objects
    compress: size === 0 || !isCompressed(mediaType),
    estimatedBytes: size,
    hasRows: true,
    recipe: recipe as unknown as Json,
  };
}

/** The recipe of one of our parts. */
export function recipeOf({ recipe }: Pick<PlannedPart, 'recipe'>): BlobRecipe {
  return recipe as unknown as BlobRecipe;
}

/** Layers usually are: `…tar.gzip`, `…tar+gzip`, `…tar+zstd`; encrypted ones gain nothing either. */
function isCompressed(mediaType: string): boolean {
  return /(gzip|zstd|encrypted)$/.test(mediaType);
}

/** Makes a part again from its place, checked by its digest. */
export function openBlobPart(
  { recipe }: PlannedPart,
  shelfAt: (place: ImagePlace) => ImageShelf,
  signal: AbortSignal,
): OpenedPart {
  const { place, kind, tables, text, ...named } = recipeOf({ recipe });
  async function* content() {
    if (text !== undefined) yield Buffer.from(text);
    else if (kind === 'document') yield (await shelfAt(place).document(named, signal)).bytes;
    else yield* shelfAt(place).blob(named, signal);
  }
  return {
    content: content(),
    reader: blobReader(named, tables),
    mayBeEmpty: true,
    notes: async () => ({ heard: [] }),
  };
}

/** A layer that only its publisher may distribute, as those of Windows were: no registry has to have it. */
export function isForeign({ urls = [] }: Descriptor): boolean {
  return urls.length > 0;
}
