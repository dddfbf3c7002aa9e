import { CreateBucketCommand, PutBucketVersioningCommand, S3Client } from '@aws-sdk/client-s3';
import type { S3Server } from '../server.ts';

type Access = Pick<S3Server, 'endpoint' | 'region' | 'accessKeyId' | 'secretAccessKey'> & { sessionToken?: string };

/** The stock SDK's client for a server of ours. */
export function s3Client({ endpoint, region, accessKeyId, secretAccessKey, sessionToken }: Access): S3Client {
  const credentials = { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) };
  return new S3Client({ endpoint, region, credentials, forcePathStyle: true });
}

/** Makes a bucket; one with Object Lock is versioned too. */
export async function createBucket(
  access: Access,
  name: string,
  { versioned = false, objectLock = false } = {},
): Promise<void> {
  const client = s3Client(access);
  try {
    await client.send(
      new CreateBucketCommand({ Bucket: name, ...(objectLock && { ObjectLockEnabledForBucket: true }) }),
    );
    const versioning = { Bucket: name, VersioningConfiguration: { Status: 'Enabled' } } as const;
    if (versioned && !objectLock) await client.send(new PutBucketVersioningCommand(versioning));
  } finally {
    client.destroy();
  }
}
