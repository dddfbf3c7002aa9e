import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { Alias, Key } from 'aws-cdk-lib/aws-kms';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectLockRetention, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import type { CloudConfig } from '../../core/contract/cloud/cloud.ts';
import { acknowledge } from '../acknowledge.ts';

export type VaultBucketProps = {
  /** Name of the bucket. */
  readonly bucketName: string;
  /** The configuration's settings for it. */
  readonly cloud: Pick<CloudConfig, 'bucket' | 'encryption' | 'objectLock' | 'noncurrent' | 'stack'>;
  /** ARN of an existing key. @default - a key is made, unless S3's own are to be used */
  readonly kmsKeyArn?: string | undefined;
};

/** The tag by which rotation releases an object that it could not delete (docs/rotation.md). */
const released = { 'nightjar-tier': 'released' };
const dayMs = 86_400_000;
/**
 * If the first deployment fails half way, what it made is removed, so that the next one finds the name free; after that
 * it stays for good.
 */
const keep = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE;

/** The vault's bucket and its encryption key: made here and kept for good, or existing ones. */
export class VaultBucket extends Construct {
  readonly bucket: IBucket;
  readonly key: IKey | undefined;

  constructor(scope: Construct, id: string, { bucketName, cloud, kmsKeyArn }: VaultBucketProps) {
    super(scope, id);
    const given = kmsKeyArn === undefined ? undefined : Key.fromKeyArn(this, 'Key', kmsKeyArn);
    if (cloud.bucket === 'existing') {
      this.key = given;
      this.bucket = Bucket.fromBucketName(this, 'Bucket', bucketName);
      return;
    }
    this.key = given ?? (cloud.encryption === 'key' ? newKey(this, cloud.stack) : undefined);
    this.bucket = newBucket(this, bucketName, cloud, this.key) as IBucket;
  }
}

function newKey(scope: Construct, stack: string): Key {
  const key = new Key(scope, 'Key', {
    description: `Backups of ${stack}. Without this key no backup can be read.`,
    enableKeyRotation: true,
    removalPolicy: keep,
  });
  new Alias(scope, 'Alias', { aliasName: `alias/nightjar/${stack}`, targetKey: key });
  return key;
}

function newBucket(
  scope: Construct,
  bucketName: string,
  { objectLock, noncurrent }: VaultBucketProps['cloud'],
  key: IKey | undefined,
): Bucket {
  const days = objectLock && Duration.days(objectLock.days);
  const bucket = new Bucket(scope, 'Bucket', {
    bucketName,
    versioned: true,
    enforceSSL: true,
    minimumTLSVersion: 1.2,
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
    ...(key === undefined
      ? { encryption: BucketEncryption.S3_MANAGED }
      : { encryption: BucketEncryption.KMS, encryptionKey: key, bucketKeyEnabled: true }),
    ...(days && {
      objectLockEnabled: true,
      objectLockDefaultRetention:
        objectLock.mode === 'compliance' ? ObjectLockRetention.compliance(days) : ObjectLockRetention.governance(days),
    }),
    removalPolicy: keep,
    lifecycleRules: [
      { id: 'released', tagFilters: released, expiration: Duration.days(1) },
      {
        id: 'noncurrent',
        noncurrentVersionExpiration: Duration.days(Math.ceil(noncurrent / dayMs)),
        expiredObjectDeleteMarker: true,
      },
      // longer than any run, and longer than rotation's grace for leftovers
      { id: 'unfinished', abortIncompleteMultipartUploadAfter: Duration.days(7) },
    ],
  });
  acknowledge(bucket, {
    'AwsSolutions-S1':
      'Access logs would need a second bucket that grows for ever; who needs them turns on data events of ' +
      'CloudTrail for this one.',
  });
  return bucket;
}
