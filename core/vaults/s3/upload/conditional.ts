import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { BackupError, isBackupError, messageOf } from '../../../domain/errors.ts';
import type { ObjectKey } from '../../../domain/keys.ts';
import type { Tags } from '../../../vault.ts';
import { attemptsOf, nameOf, statusOf } from '../errors.ts';
import { readObject } from '../reading/get.ts';
import { attributes, call, finishing, guard, objectAt, type S3Place } from '../request.ts';
import { tagsOf } from '../tags.ts';
import { sleep } from '../../../pipeline/waiting.ts';

export type Condition = { IfNoneMatch: '*' } | { IfMatch: string } | Record<string, never>;

/** The condition for objects that are written once (S3 User Guide, conditional writes). */
export const whereNothingLies = { IfNoneMatch: '*' } as const;

/** The vaults whose store was seen to refuse a write where something lies, and the overwriting of an old version. */
const proven = { IfNoneMatch: new WeakSet<S3Place>(), IfMatch: new WeakSet<S3Place>() };
/** What to do about a store that ignores them. */
const unconditionalHint =
  'two runs could work on one source at once: use a store that honours conditional writes, or write ' +
  'conditionalWrites: false in the vault, which keeps runs apart in a weaker way (docs/stores.md)';
const notImplementedHint =
  'does the store know conditional writes? If not, write conditionalWrites: false in the vault, which keeps runs apart ' +
  'in a weaker way (docs/stores.md); if it does, try checksums: when-required, or tags: false';
const conflictRetries = 4;
const outcomeMs = 20_000;

/**
 * Stores a small object if there is none (`If-None-Match: *`). Throws `object-exists`, and `vault-failed` if the store
 * ignores the condition: unless it has refused a write already, the first successful one is repeated and must be
 * refused.
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
 * Replaces a small object if it still has this entity tag (`If-Match`). Its tags stay: they are read, unless this is the
 * version that we wrote ourselves. Throws `object-exists`, and `vault-failed` as `putNew` does.
 */
export async function putOver(
  place: S3Place,
  key: ObjectKey,
  body: Uint8Array,
  version: string,
  signal: AbortSignal,
): Promise<{ version: string }> {
  const tags = place.tags ? await tagsToKeep(place, key, version, signal) : {};
  // Older gateways compare the tag including its quotes and never find it equal (Ceph 18); without quotes all work as
  // intended.
  const condition = place.checksums === 'when-required' ? version.replaceAll('"', '') : version;
  const stored = await putIf(place, key, body, tags, { IfMatch: condition }, signal);
  // the same content has the same tag, so it is no old version
  if (!isSame(stored.version, version))
    await prove(place, putCommand(place, key, body, tags, { IfMatch: condition }), 'IfMatch', signal);
  place.replaced.set(key, { version: stored.version, tags });
  return stored;
}

/** A lease is replaced each minute: nobody but us gives tags to what we replace. */
async function tagsToKeep(place: S3Place, key: ObjectKey, version: string, signal: AbortSignal): Promise<Tags> {
  const ours = place.replaced.get(key);
  return ours?.version === version ? ours.tags : tagsOf(place, key, signal).catch(none);
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
      (error) => {
        // what the trial would show
        if (statusOf(error) === 412 && 'IfNoneMatch' in condition) proven.IfNoneMatch.add(place);
        return refused(what, error, condition);
      },
      own,
    );
  return finishing(what, retrying, signal);
}

/**
 * Sends a conditional write until its outcome is known: after a lost answer, what `ours` finds in the store was written
 * by an earlier attempt. Throws what `refusal` makes of the store's error.
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
 * Repeats a put that has just succeeded, unless the store was already seen to honour the condition. If it is not
 * refused, it changes nothing: the bytes are the same.
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
  // otherwise runs would wait for a lease that nobody holds
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

/** A condition that fails on the second attempt may fail because of our own first attempt, whose answer was lost. */
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

/** Whether two entity tags are the same: some answers give them without quotes. */
export function isSame(one: string | undefined, other: string): boolean {
  return one?.replaceAll('"', '') === other.replaceAll('"', '');
}

/** What it means that a store did not carry out a conditional write. */
export function refused(what: string, error: unknown, condition: Condition): unknown {
  const status = statusOf(error);
  const gone = status === 404 && isBackupError(error, 'object-missing');
  if (nameOf(error) === 'NotImplemented' || status === 501)
    return new BackupError('vault-failed', messageOf(error), { hint: notImplementedHint, cause: error });
  if (status !== 412 && status !== 409 && !gone) return error;
  return taken(what, 'IfMatch' in condition ? condition.IfMatch : undefined, error);
}

/** The error if something lies where nothing, or another version, was expected. */
export function taken(what: string, version?: string, cause?: unknown): BackupError {
  const why = version === undefined ? 'it is there already' : 'somebody else has written or removed it';
  return new BackupError('object-exists', `${what}: ${why}`, { cause });
}

/** The request that puts a small object. */
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

/** Throws `vault-failed` if the store returns no entity tag. */
export function versionOf(what: string, etag: string | undefined): { version: string } {
  if (etag === undefined) throw new BackupError('vault-failed', `${what}: the store gave no entity tag`);
  return { version: etag };
}

/** A deleted object has no tags; the condition will notice the deletion. */
export function none(error: unknown): Tags {
  if (isBackupError(error, 'object-missing')) return {};
  throw error;
}
