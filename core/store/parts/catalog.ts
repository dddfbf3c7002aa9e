import { catalogSchema } from '../../contract/manifest/catalog.ts';
import type { Manifest } from '../../contract/manifest/manifest.ts';
import { BackupError } from '../../domain/errors.ts';
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
): Pick<PlannedPart, 'role' | 'file' | 'compress'> & { open(): OpenedPart } {
  async function* content(): ByteStream {
    yield Buffer.from(JSON.stringify(catalog));
  }
  const open = () => ({ content: content(), notes: async () => ({ heard: [] }) });
  return { role: 'catalog', file: 'catalog.json', compress: true, open };
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
