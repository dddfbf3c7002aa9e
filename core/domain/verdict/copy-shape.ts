import { manifestFile } from '../layout/places.ts';
import { backupPathOf, isBeside } from '../layout/records.ts';
import type { BackupFound } from './history.ts';
import { partsListed } from './verdict.ts';

/**
 * How a backup lies in a vault, as a listing shows it. A backup and its copy are equal byte for byte and so have the
 * same shape; comparing shapes needs no reading. `parts`: the digest of the parts that its manifest names, if known.
 */
export function shapeOf(found: Pick<BackupFound, 'objects'>, parts: string = partsListed(found)): string {
  const documents = found.objects.flatMap(({ key, bytes }) => {
    const path = backupPathOf(key)?.path ?? '';
    return path === manifestFile || isBeside(path) ? [`${path} ${bytes}`] : [];
  });
  return [...documents.sort(), parts].join('\n');
}
