import { createHash } from 'node:crypto';
import type { S3Client } from '@aws-sdk/client-s3';
import { abortError, BackupError } from '../../domain/errors.ts';
import type { ObjectKey } from '../../domain/keys.ts';
import type { Bytes } from '../../domain/units.ts';
import type { Tags } from '../../vault.ts';
import { crc32c, crc32cHeader } from './upload/crc32c.ts';
import type { Checksums } from './client.ts';
import { isDamage, s3Error } from './errors.ts';
import { sleep, withGrace } from '../../pipeline/waiting.ts';

/** A bucket and how to use it. */
export type S3Place = {
  client: S3Client;
  bucket: string;
  /** Empty, or ending in `/`. */
  prefix: string;
  /** `s3://bucket/prefix` */
  name: string;
  checksums: Checksums;
  /** Whether the store has tags. */
  tags: boolean;
  kmsKey: string | undefined;
  /** For a store without conditional writes: how long a request without an answer may still be carried out. */
  claims: { settleMs: number } | undefined;
  /** Memory that no upload needs at the moment; the next one takes it. */
  spare: Buffer[];
  /** The tags of the small objects that this process has replaced, at the version that it wrote. */
  replaced: Map<ObjectKey, { version: string; tags: Tags }>;
};

export type CallOptions = { abortSignal: AbortSignal; requestTimeout: number };

/** The slowest upload to wait for, in bytes per second, after the first minute. */
const slowest = 100_000;
const damageRetries = 2;
const graceMs = 5_000;
const smallWriteMs = 120_000;

/**
 * Sends a request and returns its answer; `sent` is the size of its body. Sends a body again if it arrived damaged; the
 * SDK retries transient failures. Throws the errors of `s3/errors.ts`, or the signal's.
 */
export async function call<T>(
  what: string,
  send: (options: CallOptions) => Promise<T>,
  signal: AbortSignal,
  sent: Bytes = 0,
): Promise<T> {
  for (let damages = 0; ; damages += 1) {
    if (signal.aborted) throw abortError(signal);
    try {
      return await send({ abortSignal: signal, requestTimeout: 60_000 + (sent * 1000) / slowest });
    } catch (error) {
      if (signal.aborted) throw abortError(signal);
      if (!isDamage(error) || damages === damageRetries) throw s3Error(what, error);
      await sleep(100, signal);
    }
  }
}

/** After an abort, lets a short write finish for a few seconds, so that its outcome is known. */
export function finishing<T>(
  what: string,
  write: (signal: AbortSignal) => Promise<T>,
  signal: AbortSignal,
  limitMs = smallWriteMs,
): Promise<T> {
  const late = new BackupError('vault-unreachable', `${what}: not done after ${limitMs / 1000} s`, {
    hint: "check the vault's endpoint and the network, then run again",
  });
  return withGrace({ graceMs, limitMs, late }, write, signal);
}

/** Where an object is. */
export function objectAt(place: S3Place, key: string): { Bucket: string; Key: string } {
  return { Bucket: place.bucket, Key: place.prefix + key };
}

/** The attributes of a new object: tags, and the key that encrypts it. */
export function attributes({ tags: hasTags, kmsKey }: S3Place, tags: Tags) {
  return {
    ...(hasTags && Object.keys(tags).length > 0 ? { Tagging: new URLSearchParams(tags).toString() } : {}),
    ...(kmsKey === undefined ? {} : { ServerSideEncryption: 'aws:kms' as const, SSEKMSKeyId: kmsKey }),
  };
}

/** The checksum by which the store finds damage in a body. */
export function guard({ checksums }: S3Place, body: Uint8Array, crc = crc32c(body)) {
  if (checksums === 'when-required') return { ContentMD5: createHash('md5').update(body).digest('base64') };
  return { ChecksumCRC32C: crc32cHeader(crc) };
}
