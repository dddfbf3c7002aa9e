import { PutObjectCommand } from '@aws-sdk/client-s3';
import type { ObjectKey } from '../../../domain/keys.ts';
import type { ByteStream } from '../../../ports.ts';
import type { Stored, Tags } from '../../../vault.ts';
import { crc32c } from './crc32c.ts';
import { requireNothing } from '../claims/unconditional.ts';
import { refused, settled, whereNothingLies, written } from './conditional.ts';
import { inBlocks } from './blocks.ts';
import { startUpload, type Upload } from './multipart.ts';
import { attributes, call, finishing, guard, objectAt, type S3Place } from '../request.ts';
import { confirmStored } from './stored.ts';
import { interruptible } from '../../../pipeline/waiting.ts';

/**
 * Stores a stream where no object is: in one request if it fits in one part, else as a multipart upload. A failure
 * leaves neither object nor upload. Throws `object-exists`.
 */
export async function putStream(
  place: S3Place,
  key: ObjectKey,
  body: ByteStream,
  tags: Tags,
  signal: AbortSignal,
): Promise<Stored> {
  const failure = new AbortController();
  const stop = AbortSignal.any([signal, failure.signal]);
  let upload: Upload | undefined;
  try {
    if (place.claims !== undefined) await requireNothing(place, key, stop);
    for await (const block of inBlocks(interruptible(body, stop), place.spare)) {
      if (block.index === 0 && block.last)
        return await putWhole(place, key, block.bytes, tags, signal).finally(block.release);
      upload ??= await startUpload(place, key, tags, (error) => failure.abort(error), stop);
      await upload.add(block);
    }
    return await upload!.complete();
  } catch (error) {
    failure.abort(error);
    throw upload === undefined ? error : await upload.abandon(error);
  }
}

async function putWhole(
  place: S3Place,
  key: ObjectKey,
  body: Buffer,
  tags: Tags,
  signal: AbortSignal,
): Promise<Stored> {
  const what = `write ${place.name}/${key}`;
  const crc = crc32c(body);
  const command = new PutObjectCommand({
    ...objectAt(place, key),
    Body: body,
    ...attributes(place, tags),
    ...guard(place, body, crc),
    ...(place.claims === undefined && whereNothingLies),
  });
  const write = async (own: AbortSignal) => {
    await settled<unknown>(
      () => call(what, (options) => place.client.send(command, options), own, body.length),
      () => written(place, key, body),
      (error) => refused(what, error, whereNothingLies),
      own,
    );
    await confirmStored(place, key, { bytes: body.length, crc, parts: [] }, tags, own);
  };
  await finishing(what, write, signal);
  return { bytes: body.length };
}
