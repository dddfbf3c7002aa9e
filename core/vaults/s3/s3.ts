import { DeleteObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { isBackupError } from '../../domain/errors.ts';
import type { ObjectKey } from '../../domain/keys.ts';
import type { Deleted, Vault } from '../../vault.ts';
import type { Checksums } from './client.ts';
import { putAlone } from './claims/unconditional.ts';
import { putNew, putOver } from './upload/conditional.ts';
import { getObject, readObject } from './reading/get.ts';
import { listBucket } from './reading/list.ts';
import { missingUnlessHidden } from './reading/missing.ts';
import { lengthenLock, mayLock } from './lock.ts';
import type { LockMode } from './lock.ts';
import { hold } from './hold.ts';
import { overwrite } from './upload/overwrite.ts';
import { putStream } from './upload/put.ts';
import { call, objectAt, type S3Place } from './request.ts';
import { retag, tagsOf } from './tags.ts';
import { abandonUpload, listUnfinished } from './unfinished.ts';

export type S3VaultOptions = {
  /** Made by `s3Client`, with the same `checksums`. */
  client: S3Client;
  bucket: string;
  /** Below which everything lies; may be empty. */
  prefix: string;
  /** Encrypts with this KMS key; otherwise the bucket's default applies. */
  kmsKey?: string | undefined;
  /** @default when-supported */
  checksums?: Checksums | undefined;
  /** False for stores that have no object tags. @default true */
  tags?: boolean | undefined;
  /** False for stores that ignore conditions: claims then keep writers apart. @default true */
  conditionalWrites?: boolean | undefined;
  /** For such stores: how long a request without an answer may still be carried out. @default 60000 */
  settleMs?: number;
  /** For a bucket with Object Lock: how many days rotation locks backups for, by tier. */
  objectLock?: ({ mode: LockMode } & NonNullable<Vault['locks']>['days']) | undefined;
};

/**
 * A bucket as a vault. Needs the rights to put, get and list objects, to abort multipart uploads, to tag objects and to
 * read their tags (`s3:PutObjectTagging`, `s3:GetObjectTagging`). Needs the rights to delete objects and to list
 * multipart uploads only where objects are to be deleted. The store must honour `If-None-Match` and `If-Match` on
 * PutObject, unless `conditionalWrites` is false; a store that ignores them on CompleteMultipartUpload may overwrite
 * what is there.
 */
export function s3Vault({
  client,
  bucket,
  prefix,
  kmsKey,
  checksums = 'when-supported',
  tags = true,
  conditionalWrites = true,
  settleMs = 60_000,
  objectLock,
}: S3VaultOptions): Vault {
  const folder = prefix.replace(/^\/+|\/+$/g, '');
  const name = folder === '' ? `s3://${bucket}` : `s3://${bucket}/${folder}`;
  const place: S3Place = {
    client,
    bucket,
    prefix: folder === '' ? '' : `${folder}/`,
    name,
    checksums,
    tags,
    kmsKey,
    claims: conditionalWrites ? undefined : { settleMs },
    spare: [],
    replaced: new Map(),
  };
  return {
    place: name,
    ...(objectLock && { locks: locksOf(place, objectLock) }),
    put: (key, body, given, signal) => putStream(place, key, body, given, signal),
    ...(conditionalWrites ? conditional(place) : unconditional(place)),
    read: (key, signal) => missingUnlessHidden(place, key, () => readObject(place, key, signal), signal),
    get: (key, signal) => getObject(place, key, signal),
    list: (start, signal) => listBucket(place, start, signal),
    delete: (key, signal) => remove(place, key, signal),
    tags: async (key, signal) =>
      place.tags ? missingUnlessHidden(place, key, () => tagsOf(place, key, signal), signal) : undefined,
    retag: async (key, given, signal) =>
      place.tags ? missingUnlessHidden(place, key, () => retag(place, key, given, signal), signal) : undefined,
    mayLock: (signal) => mayLock(place, signal),
    hold: (key, on, signal) => missingUnlessHidden(place, key, () => hold(place, key, on, signal), signal),
    unfinished: (start, signal) => listUnfinished(place, start, signal),
    abandon: (upload, signal) => abandonUpload(place, upload, signal),
    overwrite: (key, body, signal) => overwrite(place, key, body, signal),
  };
}

function locksOf(
  place: S3Place,
  { mode, ...days }: NonNullable<S3VaultOptions['objectLock']>,
): NonNullable<Vault['locks']> {
  return { days, lengthen: (key, until, signal) => lengthenLock(place, key, { mode, until }, signal) };
}

function conditional(place: S3Place): Pick<Vault, 'putIfAbsent' | 'putIfUnchanged'> {
  return {
    putIfAbsent: (key, body, given, signal) => putNew(place, key, body, given, signal),
    putIfUnchanged: (key, body, version, signal) => putOver(place, key, body, version, signal),
  };
}

function unconditional(place: S3Place): Pick<Vault, 'putIfAbsent' | 'putIfUnchanged' | 'weaker'> {
  return {
    weaker:
      'the store has no conditional writes: claims keep two runs apart as long as its listings are never late, and a run ' +
      'that is killed while it writes keeps others out for 35 minutes (docs/stores.md)',
    putIfAbsent: (key, body, given, signal) => putAlone(place, key, body, { tags: given }, signal),
    putIfUnchanged: (key, body, version, signal) => putAlone(place, key, body, { version }, signal),
  };
}

/**
 * Without a version in the request, a versioned bucket adds a delete marker and says so: no right to delete versions is
 * needed.
 */
async function remove(place: S3Place, key: ObjectKey, signal: AbortSignal): Promise<Deleted> {
  const command = new DeleteObjectCommand(objectAt(place, key));
  try {
    const { DeleteMarker } = await call(
      `delete ${place.name}/${key}`,
      (options) => place.client.send(command, options),
      signal,
    );
    return { state: DeleteMarker === true ? 'hidden' : 'gone' };
  } catch (error) {
    if (!isBackupError(error, 'object-missing')) throw error;
    return { state: 'gone' };
  }
}
