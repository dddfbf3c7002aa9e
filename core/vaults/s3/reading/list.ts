import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { BackupError, isBackupError } from '../../../domain/errors.ts';
import { objectKey, type ObjectKey } from '../../../domain/keys.ts';
import type { Listed } from '../../../vault.ts';
import { requirePage } from './listing.ts';
import { call, type S3Place } from '../request.ts';

/**
 * Every object whose key starts with `prefix`, on all pages. Objects whose names can't be keys of ours belong to
 * somebody else.
 */
export async function* listBucket(place: S3Place, prefix: string, signal: AbortSignal): AsyncIterable<Listed> {
  const what = `list ${place.name}/${prefix}`;
  let token: string | undefined;
  do {
    const next = token === undefined ? {} : { ContinuationToken: token };
    const command = new ListObjectsV2Command({ Bucket: place.bucket, Prefix: place.prefix + prefix, ...next });
    const page = await call(what, (options) => place.client.send(command, options), signal);
    requirePage(
      { bucket: page.Name, prefix: page.Prefix, truncated: page.IsTruncated },
      place,
      place.prefix + prefix,
      what,
    );
    for (const { Key, Size, LastModified } of page.Contents ?? []) {
      if (Key === undefined || Size === undefined || LastModified === undefined)
        throw new BackupError('vault-failed', `${what}: the store names an object without its name, size or time`);
      const key = keyOf(Key.slice(place.prefix.length));
      if (key !== undefined) yield { key, bytes: Size, modified: LastModified };
    }
    if (page.IsTruncated === true && (page.NextContinuationToken ?? token) === token) {
      throw new BackupError('vault-failed', `${what}: the store says there is more, and not where`);
    }
    token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
  } while (token !== undefined);
}

/** The key for a name in the bucket; undefined if it can't be one of ours. */
export function keyOf(text: string | undefined): ObjectKey | undefined {
  try {
    return text === undefined ? undefined : objectKey(text);
  } catch (error) {
    if (isBackupError(error, 'input-invalid')) return undefined;
    throw error;
  }
}
