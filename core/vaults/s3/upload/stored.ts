import { createHash } from 'node:crypto';
import { DeleteObjectCommand, HeadObjectCommand } from '@aws-sdk/client-s3';
import { BackupError, messageOf } from '../../../domain/errors.ts';
import type { ObjectKey } from '../../../domain/keys.ts';
import type { Bytes } from '../../../domain/units.ts';
import type { Tags } from '../../../vault.ts';
import { crc32c, crc32cBytes, crc32cHeader } from './crc32c.ts';
import { call, objectAt, type S3Place } from '../request.ts';
import { retag } from '../tags.ts';

/** What an object must be in the store. `parts` is empty for one sent in one request. */
export type ExpectedObject = { bytes: Bytes; crc: number; parts: { crc: number; etag: string }[] };

type Held = { bytes: Bytes; crc: string | undefined; etag: string | undefined; tags: number | undefined };

/**
 * Asks the store what it holds and compares: if it is not what was sent, deletes the object and throws `vault-failed`.
 * Sets the object's tags if they are missing: older gateways lose those of multipart uploads (Ceph 18 does).
 */
export async function confirmStored(
  place: S3Place,
  key: ObjectKey,
  expected: ExpectedObject,
  tags: Tags,
  signal: AbortSignal,
): Promise<void> {
  const held = await heldBy(place, key, signal);
  const wrong = difference(held, expected);
  if (wrong === undefined) {
    if (place.tags && held.tags !== undefined && held.tags < Object.keys(tags).length)
      await retag(place, key, tags, signal);
    return;
  }
  const left = await remove(place, key, signal);
  throw new BackupError('vault-failed', `${place.name}/${key}: ${wrong}; ${left}`, {
    hint: 'run again; if it recurs, the store is broken, or does not know CRC-32C: then set checksums: when-required',
  });
}

/**
 * Whether the store holds exactly this, by its checksum or by the digest of its parts. An equal size alone proves
 * nothing.
 */
export async function isStored(
  place: S3Place,
  key: ObjectKey,
  expected: ExpectedObject,
  signal: AbortSignal,
): Promise<boolean> {
  const held = await heldBy(place, key, signal);
  return difference(held, expected) === undefined && (held.crc !== undefined || held.etag === etagOf(expected.parts));
}

async function heldBy(place: S3Place, key: ObjectKey, signal: AbortSignal): Promise<Held> {
  const checksum = place.checksums === 'when-supported' ? { ChecksumMode: 'ENABLED' as const } : {};
  const command = new HeadObjectCommand({ ...objectAt(place, key), ...checksum });
  const head = await call(`check ${place.name}/${key}`, (options) => place.client.send(command, options), signal);
  return { bytes: head.ContentLength ?? -1, crc: head.ChecksumCRC32C, etag: head.ETag, tags: head.TagCount };
}

function difference(held: Held, { bytes, crc, parts }: ExpectedObject): string | undefined {
  if (held.bytes !== bytes) return `the store holds ${held.bytes} of ${bytes} bytes`;
  if (held.crc === undefined || held.crc === crc32cHeader(crc) || held.crc === compositeOf(parts)) return undefined;
  return `the store reports checksum ${held.crc}, sent was ${crc32cHeader(crc)}`;
}

/** Stores without full-object checksums report the CRC-32C of the parts' CRC-32Cs, and the number of parts. */
function compositeOf(parts: ExpectedObject['parts']): string {
  return `${crc32cHeader(crc32c(Buffer.concat(parts.map((part) => crc32cBytes(part.crc)))))}-${parts.length}`;
}

/** The entity tag of a multipart object: the MD5 of the parts' own, and the number of parts. */
function etagOf(parts: ExpectedObject['parts']): string {
  const digests = parts.map(({ etag }) => Buffer.from(etag.replaceAll('"', ''), 'hex'));
  return `"${createHash('md5').update(Buffer.concat(digests)).digest('hex')}-${parts.length}"`;
}

async function remove(place: S3Place, key: ObjectKey, signal: AbortSignal): Promise<string> {
  const command = new DeleteObjectCommand(objectAt(place, key));
  try {
    await call(`delete ${place.name}/${key}`, (options) => place.client.send(command, options), signal);
    return 'it has been removed';
  } catch (error) {
    return `it could not be removed (${messageOf(error)})`;
  }
}
