import {
  DeleteBucketCommand,
  DeleteObjectsCommand,
  ListObjectVersionsCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { messageOf } from '../../core/domain/errors.ts';
import { elements } from '../real/cloud/policy/signed.ts';
import type { Account } from './account.ts';

/** The key that a bucket encrypts with; undefined where there is no such bucket. */
export async function keyOfBucket(bucket: string, { call }: Account): Promise<string | undefined> {
  try {
    const answer = await call({ service: 's3', method: 'GET', path: `/${bucket}`, query: { encryption: '' } });
    return elements(answer, 'KMSMasterKeyID')[0];
  } catch (error) {
    if (/NoSuchBucket/.test(messageOf(error))) return undefined;
    throw error;
  }
}

/** Has KMS delete a key after the shortest time that there is: a week. */
export async function removeKey(arn: string, { call }: Account): Promise<void> {
  const KeyId = arn.split('/').at(-1)!;
  const kms = (action: string, body: object): Promise<string> => {
    const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': `TrentService.${action}` };
    return call({ service: 'kms', headers, body: JSON.stringify(body) });
  };
  if (/"PendingDeletion"/.test(await kms('DescribeKey', { KeyId }))) return;
  await kms('ScheduleKeyDeletion', { KeyId, PendingWindowInDays: 7 });
}

/** Removes a bucket with every version of every object in it; does nothing where there is none. */
export async function removeBucket(
  Bucket: string,
  { region, endpoint }: Pick<Account, 'region' | 'endpoint'>,
  abortSignal: AbortSignal,
): Promise<void> {
  const s3 = new S3Client({ region, ...(endpoint !== undefined && { endpoint, forcePathStyle: true }) });
  try {
    for (;;) {
      const listed = await s3.send(new ListObjectVersionsCommand({ Bucket }), { abortSignal });
      const all = [...(listed.Versions ?? []), ...(listed.DeleteMarkers ?? [])];
      if (all.length === 0) break;
      const Objects = all.map(({ Key, VersionId }) => ({ Key: Key!, VersionId: VersionId! }));
      const { Errors: [refused] = [] } = await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }), {
        abortSignal,
      });
      if (refused !== undefined) throw new Error(`${refused.Key} could not be deleted: ${refused.Message}`);
    }
    await s3.send(new DeleteBucketCommand({ Bucket }), { abortSignal });
  } catch (error) {
    if (!(error instanceof S3ServiceException && error.name === 'NoSuchBucket')) throw error;
  } finally {
    s3.destroy();
  }
}
