import { catalogSchema } from '../../contract/manifest/catalog.ts';
import type { Manifest } from '../../contract/manifest/manifest.ts';
import { BackupError } from '../../domain/errors.ts';
import { formatCount } from '../../domain/units.ts';
import type { ByteStream, Catalog, OpenedPart, PlannedPart } from '../../ports.ts';
import { parseJson } from '../json.ts';
import { partPlace } from './reading.ts';
import type { PartOpening } from './reading.ts';
import { readWhole } from './read-again.ts';

/** It is held in memory; a thousand tables take half a megabyte. */
const largestCatalog = 256 * 1024 ** 2;

/** The part that holds the catalog: what a restored database is compared with. */
export function catalogPart(
  catalog: Catalog,
  largest = largestCatalog,
): Pick<PlannedPart, 'role' | 'file' | 'compress'> & { open(): OpenedPart } {
  async function* content(): ByteStream {
    const text = Buffer.from(JSON.stringify(catalog));
    if (text.length > largest) throw tooLarge(catalog);
    yield text;
  }
  const open = () => ({ content: content(), notes: async () => ({ heard: [] }) });
  return { role: 'catalog', file: 'catalog.json', compress: true, open };
}

/** Nobody could read it again: such a backup must not be made. */
function tooLarge(catalog: Catalog): BackupError {
  const names = Object.values(catalog).reduce((sum, kind) => sum + Object.keys(kind).length, 0);
  const what = `the catalog of ${formatCount(names)} objects is larger than any that is read again`;
  return new BackupError('source-unsupported', what, { hint: 'make several sources of it' });
}

/** What stands in a backup's catalog part. Throws `part-corrupt`, and `key-missing` where it can't be opened. */
export async function readCatalog(opening: PartOpening, manifest: Manifest, signal: AbortSignal): Promise<Catalog> {
  const part = manifest.parts.find(({ role }) => role === 'catalog');
  if (part === undefined)
    throw new BackupError('manifest-invalid', `the manifest of ${manifest.source} ${manifest.id} names no catalog`);
  const name = partPlace(opening.vault, manifest, part);
  if (part.bytes > largestCatalog)
    throw new BackupError('part-corrupt', `${name} is no catalog: the manifest says that it holds ${part.bytes} bytes`);
  const collect = (content: ByteStream) => Array.fromAsync(content);
  const chunks = await readWhole(opening, { backup: manifest, part }, collect, () => {}, signal);
  const { data, error: cause } = catalogSchema.safeParse(parseJson(Buffer.concat(chunks)));
  if (data === undefined) throw new BackupError('part-corrupt', `${name} is no catalog`, { cause });
  return data;
}
