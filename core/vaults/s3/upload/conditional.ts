import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { BackupError, isBackupError, messageOf } from '../../../domain/errors.ts';
import type { ObjectKey } from '../../../domain/keys.ts';
import type { Tags } from '../../../vault.ts';
import { attemptsOf, nameOf, statusOf } from '../errors.ts';
import { readObject } from '../reading/get.ts';
import { attributes, call, finishing, guard, objectAt, type S3Place } from '../request.ts';
import { tagsOf } from '../tags.ts';
import { sleep } from '../../waiting.ts';

export type Condition = { IfNoneMatch: '*' } | { IfMatch: string } | Record<string, never>;

/** The condition of what is written once (S3 User Guide, conditional writes). */
export const whereNothingLies = { IfNoneMatch: '*' } as const;

/** The vaults whose store has been seen to refuse a second write, and the write of an old version. */
const proven = { IfNoneMatch: new WeakSet<S3Place>(), IfMatch: new WeakSet<S3Place>() };
/** What to do about a store that does not heed them. */
const unconditionalHint =
  'two runs could work on one source at once: use a store that honours conditional writes, or write ' +
  'conditionalWrites: false in the vault, which keeps runs apart in a weaker way (docs/stores.md)';
const notImplementedHint =
  'does the store know conditional writes? If not, write conditionalWrites: false in the vault, which keeps runs apart ' +
  'in a weaker way (docs/stores.md); if it does, try checksums: when-required, or tags: false';
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
  await prove(place, putCommand(place, key, body, tags, whereNothingLies), 'IfNoneMatch', signal);
  return stored;
}

/**
 * Replaces a small object that still has this entity tag (`If-Match`). Its tags stay. Throws `object-exists`, and
 * `vault-failed` as `putNew` does.
 */
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
  const stored = await putIf(place, key, body, tags, { IfMatch: condition }, signal);
  // the same content has the same tag, and is no old version
  if (!isSame(stored.version, version))
    await prove(place, putCommand(place, key, body, tags, { IfMatch: condition }), 'IfMatch', signal);
  return stored;
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
 * Sends a put that the store has just carried out once more, unless it has been seen to heed the condition. One that is
 * not refused changes nothing: the bytes are the same.
 */
async function prove(
  place: S3Place,
  again: PutObjectCommand,
  condition: keyof typeof proven,
  signal: AbortSignal,
): Promise<void> {
  if (proven[condition].has(place)) return;
  const what = `write ${place.name}/${again.input.Key?.slice(place.prefix.length)}`;
  const send = (own: AbortSignal) => call(what, (options) => place.client.send(again, options), own);
  const error = await finishing(what, send, signal).then(
    () => undefined,
    (refusal: unknown) => refusal,
  );
  if (error !== undefined) return void (statusOf(error) === 412 && proven[condition].add(place));
  // nobody is to wait for a lease that no run holds
  if (condition === 'IfNoneMatch') await remove(place, again);
  const header = condition === 'IfMatch' ? 'If-Match' : 'If-None-Match';
  throw new BackupError(
    'vault-failed',
    `${what}: the store overwrites an object although it was told not to (${header})`,
    { hint: unconditionalHint },
  );
}

async function remove({ client }: S3Place, { input: { Bucket, Key } }: PutObjectCommand): Promise<void> {
  const command = new DeleteObjectCommand({ Bucket, Key });
  await client.send(command, { abortSignal: AbortSignal.timeout(outcomeMs) }).catch(() => undefined);
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

/** Whether two entity tags are the same: some answers write them without quotes. */
export function isSame(one: string | undefined, other: string): boolean {
  return one?.replaceAll('"', '') === other.replaceAll('"', '');
}

/** What a store means that did not carry out a conditional write. */
export function refused(what: string, error: unknown, condition: Condition): unknown {
  const status = statusOf(error);
  const gone = status === 404 && isBackupError(error, 'object-missing');
  if (nameOf(error) === 'NotImplemented' || status === 501)
    return new BackupError('vault-failed', messageOf(error), { hint: notImplementedHint, cause: error });
  if (status !== 412 && status !== 409 && !gone) return error;
  return taken(what, 'IfMatch' in condition ? condition.IfMatch : undefined, error);
}

/** Something lies where nothing, or this version, was expected. */
export function taken(what: string, version?: string, cause?: unknown): BackupError {
  const why = version === undefined ? 'it is there already' : 'somebody else has written or removed it';
  return new BackupError('object-exists', `${what}: ${why}`, { cause });
}

/** A put of a small object. */
export function putCommand(
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

/** Throws `vault-failed` where the store gives none. */
export function versionOf(what: string, etag: string | undefined): { version: string } {
  if (etag === undefined) throw new BackupError('vault-failed', `${what}: the store gave no entity tag`);
  return { version: etag };
}

/** An object that is gone has no tags, and the condition will find that out. */
export function none(error: unknown): Tags {
  if (isBackupError(error, 'object-missing')) return {};
  throw error;
}
