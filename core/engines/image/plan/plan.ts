import type { Manifest } from '../../../contract/manifest/manifest.ts';
import { BackupError, messageOf } from '../../../domain/errors.ts';
import type { Confirmed, Plan, Sharing } from '../../../ports.ts';
import { shortDigest } from '../documents.ts';
import type { ImageDocument } from '../documents.ts';
import { catalogOf, emptyTable } from '../facts.ts';
import type { ImagePlace } from '../place.ts';
import type { ImageShelf } from '../shelf.ts';
import { readImage } from './image.ts';
import type { WholeImage } from './image.ts';
import { isForeign, partsOf } from './parts.ts';
import { rowsTogether, takeOverBlobs } from './take-over.ts';

/** What is planned: an image at a place, its name for others, and its wanted platforms. */
export type PlannedImage = {
  shelf: ImageShelf;
  place: ImagePlace;
  name: string;
  platforms: readonly string[];
  /** The backup to compare with, for a proof. */
  like: Manifest | undefined;
  sharing?: Sharing | undefined;
};

/** Reads what an image consists of. From here on everything is named by digest, so nothing has to be held. */
export async function planImage(
  { shelf, place, name, platforms, like, sharing }: PlannedImage,
  signal: AbortSignal,
): Promise<Plan> {
  const top = await shelf.top(signal);
  if (top === undefined) throw missingError(shelf.place);
  const image = await readImage(shelf, top, platforms, signal);
  const foreign = await foreignLayers(image, shelf, signal);
  const isProof = like !== undefined;
  const parts = partsOf(image, place, (digest) => foreign.has(digest));
  const { shared, rows, anew } = takeOverBlobs(parts, sharing?.before);
  return {
    database: name,
    server: shelf.product,
    client: { program: 'node', version: process.versions.node },
    parts: anew,
    ...(shared.length > 0 && { shared }),
    catalog: catalogOf(image.index, image.platforms),
    warnings: isProof || image.index?.text === undefined ? [] : [madeAnew(top, image.index)],
    async confirm(seen, _, stop): Promise<Confirmed> {
      const known = new Map(rowsTogether(seen, rows).map((one) => [one.table, one]));
      const exceptions = [...foreign.values()].filter((one) => !like?.exceptions?.includes(one));
      return {
        tables: image.platforms.map(({ table }) => known.get(table) ?? emptyTable(table)),
        warnings: isProof ? [] : await movedMeanwhile(shelf, top, stop),
        exceptions,
      };
    },
    close: async () => undefined,
  };
}

/** Layers that name their publisher's place and are not in the registry, because nobody else may distribute them. */
async function foreignLayers(
  { platforms }: WholeImage,
  shelf: ImageShelf,
  signal: AbortSignal,
): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const { table, layers } of platforms)
    for (const layer of layers.filter(isForeign)) {
      if (found.has(layer.digest) || (await shelf.holds(layer, signal))) continue;
      const host = URL.parse(layer.urls?.[0] ?? '')?.host ?? 'its publisher';
      found.set(
        layer.digest,
        `layer ${layer.digest} of ${table} is in no registry, ${host} keeps it: it is not in the backup`,
      );
    }
  return found;
}

/** A tag may be moved to another image at any time: the backup is of the one that it named first, complete. */
async function movedMeanwhile(shelf: ImageShelf, top: ImageDocument, signal: AbortSignal): Promise<string[]> {
  try {
    const now = await shelf.top(signal);
    if (now?.digest === top.digest) return [];
    const what = now === undefined ? 'is not there any more' : `is another image by now (${shortDigest(now.digest)})`;
    return [
      `${shelf.place} ${what}: this backup is of the one it named when the run began (${shortDigest(top.digest)})`,
    ];
  } catch (error) {
    // everything is stored and was checked, so failing to ask once more makes it no worse
    if (signal.aborted) throw error;
    return [`whether ${shelf.place} names another image by now could not be seen: ${messageOf(error)}`];
  }
}

function madeAnew(top: ImageDocument, index: { digest: string }): string {
  return (
    `of ${shortDigest(top.digest)} some platforms are kept: they are named by an index of their own, ` +
    `${index.digest}; each has the digest that it had`
  );
}

function missingError(place: string): BackupError {
  return new BackupError('source-unreachable', `there is no image ${place}`, {
    hint: 'look at ref; a registry also says so of what the login may not see',
  });
}
