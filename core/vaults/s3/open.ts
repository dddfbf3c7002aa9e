import type { OpenVault } from '../descriptor.ts';
import { s3Client } from './client.ts';
import type { S3ClientOptions } from './client.ts';
import { s3Vault } from './s3.ts';
import type { S3VaultOptions } from './s3.ts';

/** A bucket as a vault. Without `credentials`, the SDK looks where AWS programs look. */
export function openBucket(bucket: Omit<S3VaultOptions, 'client'> & Partial<S3ClientOptions>): OpenVault {
  const client = s3Client(bucket);
  return { vault: s3Vault({ ...bucket, client }), close: () => client.destroy() };
}
