import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { abortError, BackupError, isBackupError, messageOf } from '../../../domain/errors.ts';
import type { ObjectKey } from '../../../domain/keys.ts';
import { partsInFlight } from '../../../domain/parts/multipart.ts';
import type { Stored, Tags } from '../../../vault.ts';
import { crc32c, crc32cHeader, joinCrc32c } from './crc32c.ts';
import type { UploadBlock } from './blocks.ts';
import { requireNothing } from '../claims/unconditional.ts';
import { refused, whereNothingLies } from './conditional.ts';
import { nameOf, statusOf } from '../errors.ts';
import { attributes, call, finishing, guard, objectAt, type S3Place } from '../request.ts';
import { confirmStored, isStored, type ExpectedObject } from './stored.ts';

/** A multipart upload that has begun. */
export type Upload = {
  /** Sends a part; waits only while too many are under way. Later failures go to the `onFailure` of `startUpload`. */
  add(block: UploadBlock): Promise<void>;
  /** Makes the object of the parts, once all have arrived. */
  complete(): Promise<Stored>;
  /**
   * Removes everything that was sent. Returns the error to throw: the given one, or one that also says what was left.
   */
  abandon(error: unknown): Promise<unknown>;
};

const abandonMs = 20_000;
/** AWS says that assembling thousands of parts may take minutes. */
const assembleMs = 600_000;

/** Begins an upload. The signal ends it; `onFailure` is called once, for the first part that could not be sent. */
export async function startUpload(
  place: S3Place,
  key: ObjectKey,
  tags: Tags,
  onFailure: (error: unknown) => void,
  signal: AbortSignal,
): Promise<Upload> {
  const what = `write ${place.name}/${key}`;
  const checked = place.checksums === 'when-supported';
  const id = await begin();
  const target = { ...objectAt(place, key), UploadId: id };
  const parts: ExpectedObject['parts'] = [];
  const sizes: number[] = [];
  const onTheirWay = new Set<Promise<void>>();
  return { add, complete, abandon };

  /** Never interrupted: an upload whose id nobody knows can't be removed. */
  async function begin(): Promise<string> {
    const checksum = checked ? { ChecksumAlgorithm: 'CRC32C' as const, ChecksumType: 'FULL_OBJECT' as const } : {};
    const command = new CreateMultipartUploadCommand({
      ...objectAt(place, key),
      ...attributes(place, tags),
      ...checksum,
    });
    const send = (own: AbortSignal) => call(what, (options) => place.client.send(command, options), own);
    const { UploadId } = await finishing(what, send, signal);
    if (UploadId === undefined)
      throw new BackupError('vault-failed', `${what}: the store began an upload without a name for it`);
    return UploadId;
  }

  async function add(block: UploadBlock): Promise<void> {
    while (onTheirWay.size >= partsInFlight(block.bytes.length)) await Promise.race(onTheirWay);
    if (signal.aborted) throw abortError(signal);
    const sending = send(block)
      .catch(onFailure)
      .finally(() => onTheirWay.delete(sending));
    onTheirWay.add(sending);
  }

  async function send({ index, bytes, release }: UploadBlock): Promise<void> {
    const crc = checked ? crc32c(bytes) : 0;
    const command = new UploadPartCommand({
      ...target,
      PartNumber: index + 1,
      Body: bytes,
      ...guard(place, bytes, crc),
    });
    const { ETag, ChecksumCRC32C } = await call(
      what,
      (options) => place.client.send(command, options),
      signal,
      bytes.length,
    );
    if (ETag === undefined)
      throw new BackupError('vault-failed', `${what}: the store took part ${index + 1} without a tag for it`);
    if (checked && ChecksumCRC32C !== undefined && ChecksumCRC32C !== crc32cHeader(crc)) {
      const sums = `the store reports checksum ${ChecksumCRC32C} of part ${index + 1}, sent was ${crc32cHeader(crc)}`;
      throw new BackupError('vault-failed', `${what}: ${sums}`);
    }
    parts[index] = { crc, etag: ETag };
    sizes[index] = bytes.length;
    release();
  }

  async function complete(): Promise<Stored> {
    await Promise.all(onTheirWay);
    if (signal.aborted) throw abortError(signal);
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    const crc = parts.reduce((sum, part, index) => joinCrc32c(sum, part.crc, sizes[index]!), 0);
    await finishing(what, (own) => assemble({ bytes, crc, parts }, own), signal, assembleMs);
    return { bytes };
  }

  async function assemble(expected: ExpectedObject, own: AbortSignal): Promise<void> {
    const whole = checked
      ? {
          ChecksumType: 'FULL_OBJECT' as const,
          ChecksumCRC32C: crc32cHeader(expected.crc),
          MpuObjectSize: expected.bytes,
        }
      : {};
    const Parts = parts.map(({ etag, crc }, index) => ({
      PartNumber: index + 1,
      ETag: etag,
      ...(checked ? { ChecksumCRC32C: crc32cHeader(crc) } : {}),
    }));
    const input = { ...target, MultipartUpload: { Parts }, ...whole };
    const complete = (condition: object): Promise<unknown> =>
      call(
        what,
        (options) => place.client.send(new CompleteMultipartUploadCommand({ ...input, ...condition }), options),
        own,
      );
    try {
      if (place.claims !== undefined) await requireNothing(place, key, own);
      await complete(place.claims === undefined ? whereNothingLies : {}).catch((error: unknown) => {
        // a store without this condition can't promise that nothing is overwritten (docs/vault-trust.md)
        if (nameOf(error) !== 'NotImplemented') throw error;
        return complete({});
      });
    } catch (error) {
      // The store may have done it and its answer got lost: then a second attempt finds no upload, or the object.
      const repeated = nameOf(error) === 'NoSuchUpload' || statusOf(error) === 412;
      const unknown = repeated || isBackupError(error, 'vault-unreachable', 'aborted');
      const isOurs =
        unknown && (await isStored(place, key, expected, AbortSignal.timeout(abandonMs)).catch(() => false));
      if (isOurs) return;
      throw statusOf(error) === 412 ? refused(what, error, whereNothingLies) : error;
    }
    await confirmStored(place, key, expected, tags, own);
  }

  async function abandon(error: unknown): Promise<unknown> {
    await Promise.all(onTheirWay);
    const command = new AbortMultipartUploadCommand(target);
    try {
      await call(what, (options) => place.client.send(command, options), AbortSignal.timeout(abandonMs));
    } catch (left) {
      if (nameOf(left) !== 'NoSuchUpload') return withLeftover(error, left);
    }
    return error;
  }

  function withLeftover(error: unknown, left: unknown): BackupError {
    const words = `${messageOf(error)}; besides, the parts sent so far could not be removed: ${messageOf(left)}`;
    const hint =
      "a lifecycle rule that ends incomplete uploads removes them; the store's list of multipart uploads shows them";
    const known = isBackupError(error) ? error : undefined;
    return new BackupError(known?.code ?? 'vault-failed', words, { hint: known?.hint ?? hint, cause: error });
  }
}
