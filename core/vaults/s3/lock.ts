import { GetObjectLockConfigurationCommand, PutObjectRetentionCommand } from '@aws-sdk/client-s3';
import { isBackupError } from '../../domain/errors.ts';
import type { ObjectKey } from '../../domain/keys.ts';
import { hasNoLocks } from './hold.ts';
import { call, objectAt, type S3Place } from './request.ts';

/** The mode of locks: `governance`, which a special right overrides, or `compliance`, which nobody can. */
export type LockMode = 'governance' | 'compliance';

/** Locks the current version until a moment. A store refuses to shorten a lock without the right to do so. */
export async function lengthenLock(
  place: S3Place,
  key: ObjectKey,
  { mode, until }: { mode: LockMode; until: Date },
  signal: AbortSignal,
): Promise<void> {
  const command = new PutObjectRetentionCommand({
    ...objectAt(place, key),
    Retention: { Mode: mode === 'compliance' ? 'COMPLIANCE' : 'GOVERNANCE', RetainUntilDate: until },
  });
  await call(`lock ${place.name}/${key}`, (options) => place.client.send(command, options), signal);
}

/** Whether the bucket has Object Lock, so that objects may be locked; true if we may not know. */
export async function mayLock({ client, bucket, name }: S3Place, signal: AbortSignal): Promise<boolean> {
  const command = new GetObjectLockConfigurationCommand({ Bucket: bucket });
  try {
    const what = `ask whether ${name} has Object Lock`;
    const { ObjectLockConfiguration: found } = await call(what, (options) => client.send(command, options), signal);
    return found?.ObjectLockEnabled === 'Enabled';
  } catch (error) {
    if (isBackupError(error, 'vault-denied')) return true;
    if (hasNoLocks(error)) return false;
    throw error;
  }
}
