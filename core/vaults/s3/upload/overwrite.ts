import { PutObjectCommand } from '@aws-sdk/client-s3';
import { isBackupError } from '../../../domain/errors.ts';
import type { ObjectKey } from '../../../domain/keys.ts';
import { attributes, call, finishing, guard, objectAt, type S3Place } from '../request.ts';

/**
 * Overwrites an object without a condition. A refusal most likely comes from a policy. A bucket that keeps versions
 * returns the id of the new one, `null` if versioning is suspended.
 */
export async function overwrite(
  place: S3Place,
  key: ObjectKey,
  body: Uint8Array,
  signal: AbortSignal,
): Promise<'refused' | 'kept' | 'lost'> {
  const what = `write over ${place.name}/${key}`;
  const command = new PutObjectCommand({
    ...objectAt(place, key),
    Body: body,
    ...attributes(place, {}),
    ...guard(place, body),
  });
  const send = (own: AbortSignal) => call(what, (options) => place.client.send(command, options), own, body.length);
  try {
    const { VersionId: version = 'null' } = await finishing(what, send, signal);
    return version === 'null' ? 'lost' : 'kept';
  } catch (error) {
    if (isBackupError(error, 'vault-denied')) return 'refused';
    throw error;
  }
}
