import { PutObjectRetentionCommand } from '@aws-sdk/client-s3';
import type { ObjectKey } from '../../domain/keys.ts';
import { call, objectAt, type S3Place } from './request.ts';

/** How locks are lengthened: `governance`, which a special right lifts, or `compliance`, which nobody does. */
export type LockMode = 'governance' | 'compliance';

/** Locks what lies there now until a moment. A store refuses to make a lock shorter without the right to do so. */
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
