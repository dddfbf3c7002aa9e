import { catalogSchema } from '../../contract/manifest/catalog.ts';
import type { Manifest, ManifestPart } from '../../contract/manifest/manifest.ts';
import { BackupError } from '../../domain/errors.ts';
import type { CatalogTaker } from '../../domain/packed/catalog-text.ts';
import { packedCatalog } from '../../domain/packed/catalog.ts';
import type { CatalogEntry, PackedCatalog } from '../../domain/packed/catalog.ts';
import type { ByteStream, Catalog, OpenedPart, PartOfOthers } from '../../ports.ts';
import { parseJson } from '../json.ts';
import { partPlace } from './reading.ts';
import type { PartOpening } from './reading.ts';
import { readWhole } from './read-again.ts';

/** It is held in memory: a thousand tables take half a megabyte, a million files 150. */
const largestCatalog = 256 * 1024 ** 2;
/** Loaded only for catalogs of folders; a cold start doesn't need it. */
const catalogTexts = () => import('../../domain/packed/catalog-text.ts');

type OpenablePart = Omit<PartOfOthers, 'open'> & { open(): OpenedPart };

/** The part that holds the catalog, which restored databases are compared with. */
export function catalogPart(catalog: Catalog | Iterable<CatalogEntry>, largest = largestCatalog): OpenablePart {
  async function* content(): ByteStream {
    let bytes = 0;
    const pieces = isListed(catalog) ? (await catalogTexts()).catalogText(catalog) : [JSON.stringify(catalog)];
    for (const piece of pieces) {
      const text = Buffer.from(piece);
      bytes += text.length;
      if (bytes > largest) throw tooLarge();
      yield text;
    }
  }
  const open = () => ({ content: content(), notes: async () => ({ heard: [] }) });
  return { role: 'catalog', file: 'catalog.json', compress: true, isList: true, open };
}

/** A catalog that nobody could read again must not be stored. */
function tooLarge(): BackupError {
  const what = 'the catalog has so many objects that it is larger than any that is read again';
  return new BackupError('source-unsupported', what, { hint: 'make several sources of it' });
}

function isListed(catalog: Catalog | Iterable<CatalogEntry>): catalog is Iterable<CatalogEntry> {
  return Symbol.iterator in catalog;
}

/** The catalog of a backup. Throws `part-corrupt`, and `key-missing` if it can't be decrypted. */
export async function readCatalog(opening: PartOpening, manifest: Manifest, signal: AbortSignal): Promise<Catalog> {
  const { part, name } = catalogIn(opening, manifest);
  const collect = (content: ByteStream) => Array.fromAsync(content);
  const chunks = await readWhole(opening, { backup: manifest, part }, collect, () => {}, signal);
  const { data, error: cause } = catalogSchema.safeParse(parseJson(Buffer.concat(chunks)));
  if (data === undefined) throw new BackupError('part-corrupt', `${name} is no catalog`, { cause });
  return data;
}

/** The same, for a catalog with any number of objects. */
export async function readPackedCatalog(
  opening: PartOpening,
  manifest: Manifest,
  signal: AbortSignal,
): Promise<PackedCatalog> {
  let catalog = packedCatalog();
  function begin(): CatalogTaker {
    catalog = packedCatalog();
    return catalog.add;
  }
  await tellCatalog(opening, manifest, begin, signal);
  return catalog;
}

/**
 * Passes the whole catalog on in its order and keeps nothing; calls `begin` again when it has to read again. Throws
 * `part-corrupt`, also for what a taker throws.
 */
export async function tellCatalog(
  opening: PartOpening,
  manifest: Manifest,
  begin: () => CatalogTaker,
  signal: AbortSignal,
): Promise<void> {
  const { part, name } = catalogIn(opening, manifest);
  const orNone = (work: () => void): void => {
    try {
      work();
    } catch (cause) {
      throw new BackupError('part-corrupt', `${name} is no catalog`, { cause });
    }
  };
  async function parsed(content: ByteStream): Promise<void> {
    const parser = (await catalogTexts()).catalogParser(begin());
    for await (const chunk of content) orNone(() => parser.write(chunk));
    orNone(() => parser.end());
  }
  await readWhole(opening, { backup: manifest, part }, parsed, () => {}, signal);
}

function catalogIn(opening: PartOpening, manifest: Manifest): { part: ManifestPart; name: string } {
  const part = manifest.parts.find(({ role }) => role === 'catalog');
  if (part === undefined)
    throw new BackupError('manifest-invalid', `the manifest of ${manifest.source} ${manifest.id} names no catalog`);
  const name = partPlace(opening.vault, manifest, part);
  if (part.bytes > largestCatalog)
    throw new BackupError('part-corrupt', `${name} is no catalog: the manifest says that it holds ${part.bytes} bytes`);
  return { part, name };
}
