import { PutObjectCommand } from '@aws-sdk/client-s3';
import { BackupError, isBackupError } from '../../../domain/errors.ts';
import type { ObjectKey } from '../../../domain/keys.ts';
import type { Tags } from '../../../vault.ts';
import { attemptsOf, statusOf } from '../errors.ts';
import { readObject } from '../reading/get.ts';
import { attributes, call, finishing, guard, objectAt, type S3Place } from '../request.ts';
import { tagsOf } from '../tags.ts';
import { sleep } from '../../waiting.ts';

type Condition = { IfNoneMatch: '*' } | { IfMatch: string };

/** The condition of what is written once (S3 User Guide, conditional writes). */
export const whereNothingLies = { IfNoneMatch: '*' } as const;

/** The vaults whose store has been seen to refuse. */
const provenStores = new WeakSet<S3Place>();
const conflictRetries = 4;
const outcomeMs = 20_000;

/**
 * Stores a small object if there is none (`If-None-Match: *`). Throws `object-exists`, and `vault-failed` by a store
 * that does not heed the condition: the first success of a vault is tried again, and must be refused.
 */
export async function putNew(
  place: S3Place,
  key: ObjectKey,
  body: Uint8Array,
  tags: Tags,
  signal: AbortSignal,
): Promise<{ version: string }> {
  const stored = await putIf(place, key, body, tags, whereNothingLies, signal);
  if (!provenStores.has(place)) await prove(place, key, body, tags, signal);
  return stored;
}

/** Replaces a small object that still has this entity tag (`If-Match`). Its tags stay. Throws `object-exists`. */
export async function putOver(
  place: S3Place,
  key: ObjectKey,
  body: Uint8Array,
  version: string,
  signal: AbortSignal,
): Promise<{ version: string }> {
  const tags = place.tags ? await tagsOf(place, key, signal).catch(none) : {};
  // Older gateways compare the tag with its quotes on and never find it equal (Ceph 18); without them all do as is
  // meant.
  const condition = place.checksums === 'when-required' ? version.replaceAll('"', '') : version;
  return putIf(place, key, body, tags, { IfMatch: condition }, signal);
}

function putIf(
  place: S3Place,
  key: ObjectKey,
  body: Uint8Array,
  tags: Tags,
  condition: Condition,
  signal: AbortSignal,
): Promise<{ version: string }> {
  const what = `write ${place.name}/${key}`;
  const command = putCommand(place, key, body, tags, condition);
  const attempt = async (own: AbortSignal): Promise<{ version: string }> => {
    const { ETag } = await call(what, (options) => place.client.send(command, options), own, body.length);
    return versionOf(what, ETag);
  };
  const retrying = (own: AbortSignal) =>
    settled(
      () => attempt(own),
      () => written(place, key, body),
      (error) => refused(what, error, condition),
      own,
    );
  return finishing(what, retrying, signal);
}

/**
 * Sends a conditional write until its outcome is known: what `ours` finds in the store, after an answer may have been
 * lost, was written by an earlier try. Throws what `refusal` makes of the store's error.
 */
export async function settled<T>(
  attempt: () => Promise<T>,
  ours: () => Promise<T | undefined>,
  refusal: (error: unknown) => unknown,
  signal: AbortSignal,
): Promise<T> {
  for (let conflicts = 0; ; conflicts += 1) {
    try {
      return await attempt();
    } catch (error) {
      const found = mayBeDone(error) ? await ours().catch(() => undefined) : undefined;
      if (found !== undefined) return found;
      // 409: another conditional write of this object was under way, and its outcome is not known yet.
      if (statusOf(error) !== 409 || conflicts === conflictRetries) throw refusal(error);
      await sleep(50 * 2 ** conflicts, signal);
    }
  }
}

/**
 * Sends a put that the store has just carried out once more. One that is not refused changes nothing: the bytes are the
 * same.
 */
async function prove(place: S3Place, key: ObjectKey, body: Uint8Array, tags: Tags, signal: AbortSignal): Promise<void> {
  const what = `write ${place.name}/${key}`;
  const command = putCommand(place, key, body, tags, whereNothingLies);
  const send = (own: AbortSignal) => call(what, (options) => place.client.send(command, options), own, body.length);
  const error = await finishing(what, send, signal).then(
    () => undefined,
    (refusal: unknown) => refusal,
  );
  if (error !== undefined) return void (statusOf(error) === 412 && provenStores.add(place));
  throw new BackupError(
    'vault-failed',
    `${what}: the store overwrites an object although it was told not to (If-None-Match)`,
    {
      hint: 'two runs could work on one source at once: use a store that honours conditional writes',
    },
  );
}

/** A condition that fails at the second try may fail because of our own first try, whose answer was lost. */
function mayBeDone(error: unknown): boolean {
  return attemptsOf(error) > 1 || isBackupError(error, 'vault-unreachable', 'aborted');
}

/** The object, if it holds exactly these bytes. */
export async function written(
  place: S3Place,
  key: ObjectKey,
  body: Uint8Array,
): Promise<{ version: string } | undefined> {
  const found = await readObject(place, key, AbortSignal.timeout(outcomeMs));
  return Buffer.compare(found.body, body) === 0 ? { version: found.version } : undefined;
}

/** What a store means that did not carry out a conditional write. */
export function refused(what: string, error: unknown, condition: Condition): unknown {
  const status = statusOf(error);
  const gone = status === 404 && isBackupError(error, 'object-missing');
  if (status !== 412 && status !== 409 && !gone) return error;
  const why = 'IfMatch' in condition ? 'somebody else has written or removed it' : 'it is there already';
  return new BackupError('object-exists', `${what}: ${why}`, { cause: error });
}

function putCommand(
  place: S3Place,
  key: ObjectKey,
  body: Uint8Array,
  tags: Tags,
  condition: Condition,
): PutObjectCommand {
  return new PutObjectCommand({
    ...objectAt(place, key),
    Body: body,
    ...attributes(place, tags),
    ...guard(place, body),
    ...condition,
  });
}

function versionOf(what: string, etag: string | undefined): { version: string } {
  if (etag === undefined) throw new BackupError('vault-failed', `${what}: the store gave no entity tag`);
  return { version: etag };
}

/** An object that is gone has no tags, and the condition will find that out. */
function none(error: unknown): Tags {
  if (isBackupError(error, 'object-missing')) return {};
  throw error;
}
