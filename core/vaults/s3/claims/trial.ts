import { randomUUID } from 'node:crypto';
import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import { BackupError, isBackupError } from '../../../domain/errors.ts';
import { objectKey } from '../../../domain/keys.ts';
import type { ObjectKey } from '../../../domain/keys.ts';
import { claimsFolder } from '../../../domain/layout/places.ts';
import { listBucket } from '../reading/list.ts';
import { statusOf } from '../errors.ts';
import { call, finishing, objectAt, type S3Place } from '../request.ts';
import { putCommand, versionOf, whereNothingLies } from '../upload/conditional.ts';
import type { Condition } from '../upload/conditional.ts';
import { untilAborted } from '../../../pipeline/waiting.ts';
import { expiresMs } from './alone.ts';

const folder = `${claimsFolder}.trial/`;
/** What stores answer to a header that they do not know. */
const unknownHeader = [400, 405, 501];
const trialMs = 120_000;
const removalMs = 20_000;
const tried = new WeakMap<S3Place, Promise<void>>();

/**
 * Tries, once per vault, what claims rely on: the store ignores at least one of the two conditions, lists at once what
 * is written, and deletes. A store that honours both is refused: other runs may rely on its conditions and would see no
 * claim.
 */
export function requireUnheeded(place: S3Place, signal: AbortSignal): Promise<void> {
  const trial = tried.get(place) ?? tryOut(place, AbortSignal.timeout(trialMs));
  tried.set(place, trial);
  trial.catch(() => tried.delete(place));
  return untilAborted(trial, signal);
}

async function tryOut(place: S3Place, signal: AbortSignal): Promise<void> {
  const key = objectKey(`${folder}${randomUUID()}`);
  try {
    if (await heedsBoth(place, key, signal))
      throw new BackupError('config-invalid', `${place.name}: the store heeds conditional writes`, {
        hint: 'leave conditionalWrites out of the vault: runs that rely on them see no claims',
      });
    if (!(await names(place, signal)).includes(key)) throw late(place, 'what was just written is in no listing');
  } finally {
    await remove(place, key);
  }
  if ((await names(place, signal)).includes(key)) throw late(place, 'what was just removed is still listed');
}

async function heedsBoth(place: S3Place, key: ObjectKey, signal: AbortSignal): Promise<boolean> {
  const put = (text: string, condition: Condition) => attempt(place, key, text, condition, signal);
  const first = await put('1', whereNothingLies);
  if (first === undefined) await put('1', {});
  if (first === undefined) return false;
  if ((await put('1', whereNothingLies)) !== undefined) return false;
  const second = await put('2', { IfMatch: first });
  return second !== undefined && (await put('3', { IfMatch: first })) === undefined;
}

/** The version that was written; undefined if the store refused, or does not know the condition. */
async function attempt(
  place: S3Place,
  key: ObjectKey,
  text: string,
  condition: Condition,
  signal: AbortSignal,
): Promise<string | undefined> {
  const what = `try ${place.name}/${key}`;
  const command = putCommand(place, key, Buffer.from(text), {}, condition);
  try {
    const send = (own: AbortSignal) => call(what, (options) => place.client.send(command, options), own);
    return versionOf(what, (await finishing(what, send, signal)).ETag).version;
  } catch (error) {
    const status = statusOf(error) ?? 0;
    if (status === 412 || (Object.keys(condition).length > 0 && unknownHeader.includes(status))) return undefined;
    throw error;
  }
}

/** Also removes what dead trials left. */
async function names(place: S3Place, signal: AbortSignal): Promise<ObjectKey[]> {
  const found = await Array.fromAsync(listBucket(place, folder, signal));
  const newest = Math.max(...found.map(({ modified }) => modified.getTime()));
  for (const { key, modified } of found) if (newest - modified.getTime() > expiresMs) await remove(place, key);
  return found.map(({ key }) => key);
}

async function remove(place: S3Place, key: ObjectKey): Promise<void> {
  const command = new DeleteObjectCommand(objectAt(place, key));
  const send = (options: object) => place.client.send(command, options);
  await call(`delete ${place.name}/${key}`, send, AbortSignal.timeout(removalMs)).catch((error: unknown) => {
    if (isBackupError(error, 'object-missing')) return;
    throw isBackupError(error, 'vault-denied')
      ? new BackupError('vault-denied', error.message, {
          hint: `without conditional writes, every run has to remove its claims: allow s3:DeleteObject on ${claimsFolder}*`,
          cause: error,
        })
      : error;
  });
}

function late(place: S3Place, what: string): BackupError {
  return new BackupError('vault-failed', `${place.name}: ${what} of the store`, {
    hint: 'without conditional writes, runs are kept apart by listings that are never late: use another store',
  });
}
