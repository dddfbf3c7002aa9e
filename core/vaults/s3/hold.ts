import { PutObjectLegalHoldCommand } from '@aws-sdk/client-s3';
import { isBackupError } from '../../domain/errors.ts';
import type { ObjectKey } from '../../domain/keys.ts';
import { nameOf, statusOf } from './errors.ts';
import { call, objectAt, type S3Place } from './request.ts';

/** What stores answer if a bucket has no Object Lock, or they have none at all (seen: moto, Ceph; read: AWS, MinIO). */
const lockless = ['InvalidRequest', 'ObjectLockConfigurationNotFoundError', 'NotImplemented', 'MethodNotAllowed'];

/** Sets or removes a legal hold on the current version; false if the bucket has no locks. */
export async function hold(place: S3Place, key: ObjectKey, on: boolean, signal: AbortSignal): Promise<boolean> {
  const command = new PutObjectLegalHoldCommand({
    ...objectAt(place, key),
    LegalHold: { Status: on ? 'ON' : 'OFF' },
  });
  const what = `${on ? 'put a legal hold on' : 'take the legal hold off'} ${place.name}/${key}`;
  try {
    await call(what, (options) => place.client.send(command, options), signal);
    return true;
  } catch (error) {
    if (hasNoLocks(error)) return false;
    throw error;
  }
}

/** Whether this is the answer of a bucket without Object Lock. */
export function hasNoLocks(error: unknown): boolean {
  return isBackupError(error) && (lockless.includes(nameOf(error)) || statusOf(error) === 501);
}
