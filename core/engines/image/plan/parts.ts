import type { Json, OpenedPart, PlannedPart } from '../../../ports.ts';
import type { Descriptor } from '../documents.ts';
import { blobReader, partNameOf } from '../facts.ts';
import type { ImagePlace } from '../place.ts';
import type { BlobName, ImageShelf } from '../shelf.ts';
import type { WholeImage } from './image.ts';

/** What it takes to make a part. `tables`: how often each platform has it as a layer. `text`: all of it. */
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
    // a part of no byte is a file with something in it, too: vaults need not know objects of nothing
    compress: size === 0 || !isCompressed(mediaType),
    estimatedBytes: size,
    hasRows: true,
    recipe: recipe as unknown as Json,
  };
}

/** What a part of ours is made by. */
export function recipeOf({ recipe }: Pick<PlannedPart, 'recipe'>): BlobRecipe {
  return recipe as unknown as BlobRecipe;
}

/** Layers mostly are: `…tar.gzip`, `…tar+gzip`, `…tar+zstd`; an encrypted one gains nothing either. */
function isCompressed(mediaType: string): boolean {
  return /(gzip|zstd|encrypted)$/.test(mediaType);
}

/** Makes a part again from where it is, checked by its digest. */
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

/** A layer that its publisher keeps to itself, as those of Windows were: no registry has to have it. */
export function isForeign({ urls = [] }: Descriptor): boolean {
  return urls.length > 0;
}
