import { AbortMultipartUploadCommand, ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import { BackupError } from '../../domain/errors.ts';
import type { UnfinishedUpload } from '../../vault.ts';
import { nameOf } from './errors.ts';
import { keyOf } from './reading/list.ts';
import { requirePage } from './reading/listing.ts';
import { call, objectAt, type S3Place } from './request.ts';

/** Every multipart upload below `prefix` that has begun and not ended, on all pages. */
export async function* listUnfinished(
  place: S3Place,
  prefix: string,
  signal: AbortSignal,
): AsyncIterable<UnfinishedUpload> {
  const what = `list unfinished uploads of ${place.name}/${prefix}`;
  let marker: { KeyMarker?: string; UploadIdMarker?: string } | undefined = {};
  while (marker !== undefined) {
    const command: ListMultipartUploadsCommand = new ListMultipartUploadsCommand({
      Bucket: place.bucket,
      Prefix: place.prefix + prefix,
      ...marker,
    });
    const page = await call(what, (options) => place.client.send(command, options), signal);
    // not every store repeats the prefix here
    requirePage(
      { bucket: page.Bucket, prefix: page.Prefix ?? place.prefix + prefix, truncated: page.IsTruncated },
      place,
      place.prefix + prefix,
      what,
    );
    for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
      const key = keyOf(Key?.slice(place.prefix.length));
      if (key !== undefined && UploadId !== undefined && Initiated !== undefined)
        yield { key, upload: UploadId, begun: Initiated };
    }
    const { NextKeyMarker: after, NextUploadIdMarker: upload } = page;
    if (
      page.IsTruncated === true &&
      (after === undefined || (after === marker.KeyMarker && upload === marker.UploadIdMarker))
    ) {
      throw new BackupError('vault-failed', `${what}: the store says there is more, and not where`);
    }
    marker =
      page.IsTruncated === true
        ? { KeyMarker: after!, ...(upload !== undefined && { UploadIdMarker: upload }) }
        : undefined;
  }
}

/** Ends an upload; one that has already ended is no error. */
export async function abandonUpload(
  place: S3Place,
  { key, upload }: UnfinishedUpload,
  signal: AbortSignal,
): Promise<void> {
  const command = new AbortMultipartUploadCommand({ ...objectAt(place, key), UploadId: upload });
  try {
    await call(
      `end an unfinished upload of ${place.name}/${key}`,
      (options) => place.client.send(command, options),
      signal,
    );
  } catch (error) {
    if (nameOf(error) !== 'NoSuchUpload') throw error;
  }
}
