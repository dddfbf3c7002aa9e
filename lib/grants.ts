import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { sourceSegment } from '../core/domain/keys.ts';
import type { SourceName } from '../core/domain/keys.ts';

/** A vault as policies name it. */
export type VaultPlace = { bucket: IBucket; /** With its slash at the end, or empty. */ prefix: string };

const segmentOf = (source: SourceName): string => sourceSegment(source);

/** What the backup of a source does in the vault: writes below its own place, and deletes nothing. */
export function backupStatements({ bucket, prefix }: VaultPlace, source: SourceName): PolicyStatement[] {
  const own = `${prefix}${segmentOf(source)}/`;
  return [
    listing(bucket, [`${own}*`]),
    allow('ReadLeaseAndManifests', ['s3:GetObject'], [`${own}lease.json`, `${own}*/manifest.json`].map((key) => bucket.arnForObjects(key))),
    allow('WriteBackups', ['s3:PutObject', 's3:PutObjectTagging', 's3:AbortMultipartUpload'], [bucket.arnForObjects(`${own}*`)]),
  ];
}

/** What a restore does: reads the backups of one source, and leaves beside them whether they were proven. */
export function restoreStatements({ bucket, prefix }: VaultPlace, source: SourceName): PolicyStatement[] {
  const own = `${prefix}${segmentOf(source)}/`;
  return [
    listing(bucket, [`${own}*`]),
    allow('ReadBackups', ['s3:GetObject'], [bucket.arnForObjects(`${own}*`)]),
    allow('WriteProofs', ['s3:PutObject'], [bucket.arnForObjects(`${own}*/proofs/*`)]),
  ];
}

/** What rotation does: reads manifests and tags, deletes and tags below the prefix. It has no right to delete versions. */
export function rotateStatements({ bucket, prefix }: VaultPlace): PolicyStatement[] {
  const keys = (...names: string[]): string[] => names.map((name) => bucket.arnForObjects(`${prefix}${name}`));
  return [
    allow('ListBackups', ['s3:ListBucket', 's3:ListBucketMultipartUploads'], [bucket.bucketArn], { StringLike: { 's3:prefix': [`${prefix}*`] } }),
    allow('ReadManifests', ['s3:GetObject', 's3:GetObjectRetention', 's3:GetObjectLegalHold'], keys('*/manifest.json')),
    allow('SweepUnderLease', ['s3:GetObject', 's3:PutObject'], keys('*/lease.json')),
    allow('Rotate', ['s3:GetObjectTagging', 's3:PutObjectTagging', 's3:DeleteObject', 's3:AbortMultipartUpload'], keys('*')),
  ];
}

/** What a check does: lists, reads manifests alone, and remembers what it has told. */
export function checkStatements({ bucket, prefix }: VaultPlace): PolicyStatement[] {
  return [
    listing(bucket, [`${prefix}*`]),
    allow('ReadManifests', ['s3:GetObject'], [bucket.arnForObjects(`${prefix}*/manifest.json`)]),
    allow('RememberAlerts', ['s3:GetObject', 's3:PutObject'], [bucket.arnForObjects(`${prefix}alerts.json`)]),
  ];
}

/** Use of a key, through S3 (or another service) alone. */
export function keyStatement(sid: string, keyArns: string[], actions: readonly ('kms:Decrypt' | 'kms:GenerateDataKey')[], viaService: string): PolicyStatement {
  return allow(sid, actions, keyArns, { StringEquals: { 'kms:ViaService': viaService } });
}

export function allow(sid: string, actions: readonly string[], resources: string[], conditions?: Record<string, object>): PolicyStatement {
  return new PolicyStatement({ sid, actions: [...actions], resources, ...(conditions && { conditions }) });
}

function listing(bucket: IBucket, prefixes: string[]): PolicyStatement {
  return allow('ListBackups', ['s3:ListBucket'], [bucket.bucketArn], { StringLike: { 's3:prefix': prefixes } });
}
