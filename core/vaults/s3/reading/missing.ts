import { BackupError, isBackupError } from '../../../domain/errors.ts';
import type { ObjectKey } from '../../../domain/keys.ts';
import { listBucket } from './list.ts';
import type { S3Place } from '../request.ts';

/**
 * Asks for an object. S3 answers "forbidden" instead of "not found" to a caller that may not list the whole bucket (S3
 * API reference, GetObject, permissions), including a role that may list only below a prefix: then a listing decides.
 * Throws `object-missing` if the object doesn't exist.
 */
export async function missingUnlessHidden<T>(
  place: S3Place,
  key: ObjectKey,
  ask: () => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!isBackupError(error, 'vault-denied') || (await mayBeThere(place, key, signal))) throw error;
    throw new BackupError('object-missing', `${place.name}/${key} is not there`, { cause: error });
  }
}

/** Whether a listing shows the object, or is refused, too. */
async function mayBeThere(place: S3Place, key: ObjectKey, signal: AbortSignal): Promise<boolean> {
  try {
    for await (const found of listBucket(place, key, signal)) if (found.key === key) return true;
    return false;
  } catch {
    return true;
  }
}
