import type { Readable } from 'node:stream';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import { abortError, BackupError, isBackupError } from '../../../domain/errors.ts';
import type { ObjectKey } from '../../../domain/keys.ts';
import type { Bytes } from '../../../domain/units.ts';
import type { ByteStream } from '../../../ports.ts';
import type { Lock, Versioned } from '../../../vault.ts';
import { s3Error, statusOf } from '../errors.ts';
import { call, objectAt, type S3Place } from '../request.ts';
import { sleep } from '../../../pipeline/waiting.ts';

/** After this much progress, a broken connection no longer counts as a retry. */
const progressBytes: Bytes = 1024 * 1024;
const breaks = 5;
/** Larger objects are not read into memory. */
const largestRead: Bytes = 64 * 1024 * 1024;

type DownloadState = { at: Bytes; total: Bytes | undefined; etag: string | undefined; lock?: Lock; stays?: true };

/** An object's bytes. After a broken connection, continues where it broke, with the same version of the object. */
export async function* getObject(place: S3Place, key: ObjectKey, signal: AbortSignal): ByteStream {
  yield* resumed(place, key, { at: 0, total: undefined, etag: undefined }, signal);
}

/** A small object and its entity tag. */
export async function readObject(place: S3Place, key: ObjectKey, signal: AbortSignal): Promise<Versioned> {
  const state: DownloadState = { at: 0, total: undefined, etag: undefined };
  const chunks: Uint8Array[] = [];
  for await (const chunk of resumed(place, key, state, signal)) {
    if ((state.total ?? state.at) > largestRead) {
      throw new BackupError(
        'object-too-large',
        `${place.name}/${key} is too large for a small object: ${state.total} bytes`,
      );
    }
    chunks.push(chunk);
  }
  if (state.etag === undefined)
    throw new BackupError('vault-failed', `read ${place.name}/${key}: the store gave no entity tag`);
  return {
    body: Buffer.concat(chunks),
    version: state.etag,
    ...(state.lock && { lock: state.lock }),
    ...(state.stays && { stays: state.stays }),
  };
}

async function* resumed(place: S3Place, key: ObjectKey, state: DownloadState, signal: AbortSignal): ByteStream {
  const what = `read ${place.name}/${key}`;
  let failures = 0;
  let from = -1;
  while (state.at !== state.total) {
    try {
      const stream = await rest(place, key, what, state, signal);
      for await (const chunk of stream) {
        state.at += chunk.length;
        yield chunk;
      }
      if (state.at !== state.total)
        throw new BackupError('vault-unreachable', `${what}: ended at ${state.at} of ${state.total} bytes`);
    } catch (error) {
      if (signal.aborted) throw abortError(signal);
      const known = s3Error(what, error);
      if (state.at - from >= progressBytes) failures = 0;
      failures += 1;
      from = state.at;
      if (!isPassing(known, state) || failures > breaks) throw known;
      await sleep(100 * 2 ** failures, signal);
    }
  }
}

async function rest(
  place: S3Place,
  key: ObjectKey,
  what: string,
  state: DownloadState,
  signal: AbortSignal,
): Promise<ByteStream> {
  const resume = state.at === 0 ? {} : { Range: `bytes=${state.at}-` };
  const same = state.etag === undefined ? {} : { IfMatch: state.etag };
  const command = new GetObjectCommand({ ...objectAt(place, key), ...resume, ...same });
  const answer = await call(what, (options) => place.client.send(command, options), signal).catch((error) => {
    if (statusOf(error) === 412)
      throw new BackupError('vault-failed', `${what}: it changed while it was read`, { cause: error });
    throw error;
  });
  const body = answer.Body as unknown as Readable | undefined;
  // a body that is not read would keep its connection
  const refused = (why: string): BackupError => {
    body?.destroy();
    return new BackupError('vault-failed', `${what}: ${why}`);
  };
  if (body === undefined || answer.ContentLength === undefined) throw refused('the answer has no length');
  const total = state.at + answer.ContentLength;
  if (state.total !== undefined && total !== state.total)
    throw refused(`asked for the bytes from ${state.at} of ${state.total}, the store gives ${answer.ContentLength}`);
  state.total = total;
  state.etag ??= answer.ETag;
  const { ObjectLockRetainUntilDate: until, ObjectLockLegalHoldStatus: hold, VersionId: id } = answer;
  if (id !== undefined && id !== 'null') state.stays = true;
  if (until !== undefined || hold === 'ON') state.lock = { hold: hold === 'ON', ...(until && { until }) };
  return body;
}

/** Whether to continue: a body that broke off has no status. The SDK itself retries requests that got no answer. */
function isPassing(error: BackupError, { at, total }: DownloadState): boolean {
  if (total === undefined || at > total || !isBackupError(error, 'vault-unreachable')) return false;
  const status = statusOf(error);
  return status === undefined || status >= 500;
}
