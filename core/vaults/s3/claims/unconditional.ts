import { randomUUID } from 'node:crypto';
import { DeleteObjectCommand, HeadObjectCommand } from '@aws-sdk/client-s3';
import { BackupError, isBackupError } from '../../../domain/errors.ts';
import { objectKey } from '../../../domain/keys.ts';
import type { ObjectKey } from '../../../domain/keys.ts';
import { claimsFolder } from '../../../domain/layout/places.ts';
import type { Tags } from '../../../vault.ts';
import { listBucket } from '../reading/list.ts';
import { missingUnlessHidden } from '../reading/missing.ts';
import { call, finishing, objectAt, type S3Place } from '../request.ts';
import { tagsOf } from '../tags.ts';
import { isSame, none, putCommand, taken, versionOf, written } from '../upload/conditional.ts';
import { sleep } from '../../../pipeline/waiting.ts';
import { alone, signWithinMs } from './alone.ts';
import type { Claimed, Claims } from './alone.ts';
import { requireUnheeded } from './trial.ts';
import { watched } from './watched.ts';

const removalMs = 20_000;
const limitMs = 300_000;

/**
 * Writes a small object if it still has `version`, or does not exist (undefined), in a store without conditional
 * writes, while nobody else writes it. Throws `object-exists`.
 */
export async function putAlone(
  place: S3Place,
  key: ObjectKey,
  body: Uint8Array,
  { tags, version }: { tags?: Tags; version?: string },
  signal: AbortSignal,
): Promise<{ version: string }> {
  await requireUnheeded(place, signal);
  const what = `write ${place.name}/${key}`;
  let mayLand = false;
  async function write({ signed }: Claimed, own: AbortSignal): Promise<{ version: string }> {
    const there = await versionAt(place, key, own);
    if (!(version === undefined ? there === undefined : isSame(there, version))) throw taken(what, version);
    const kept = tags ?? (place.tags ? await tagsOf(place, key, own).catch(none) : {});
    const command = watched(putCommand(place, key, body, kept, {}), {
      signed: (date) => requireSoon(what, signed, date),
      unanswered: () => (mayLand = true),
    });
    const answer = await call(what, (options) => place.client.send(command, options), own, body.length).then(
      ({ ETag }) => versionOf(what, ETag),
      (error: unknown) => ({ error }),
    );
    if (!mayLand) return orThrow(answer);
    // a request without an answer is carried out soon, or never
    await sleep(place.claims?.settleMs ?? 0, own);
    const found = await written(place, key, body).catch(absent);
    mayLand = false;
    return found ?? orThrow(answer);
  }
  return alone(
    claimsOf(place, key, signal),
    (claimed) => finishing(what, (own) => write(claimed, own), signal, limitMs),
    () => mayLand,
    { what, name: randomUUID, random: Math.random, pause: (ms) => sleep(ms, signal) },
    signal,
  );
}

/** Throws `object-exists` if something is there. For objects whose names no two runs use. */
export async function requireNothing(place: S3Place, key: ObjectKey, signal: AbortSignal): Promise<void> {
  await requireUnheeded(place, signal);
  if ((await versionAt(place, key, signal)) !== undefined) throw taken(`write ${place.name}/${key}`);
}

function claimsOf(place: S3Place, key: ObjectKey, whole: AbortSignal): Claims {
  const folder = `${claimsFolder}${key}/`;
  const at = (name: string) => objectKey(`${folder}${name}`);
  /** Claims whose put got no answer and may arrive late. */
  const doubtful = new Set<string>();
  // a claim that stays is in the way until it expires
  async function takeAway(name: string): Promise<void> {
    const command = new DeleteObjectCommand(objectAt(place, at(name)));
    const send = (options: object) => place.client.send(command, options);
    await call(`delete ${place.name}/${at(name)}`, send, AbortSignal.timeout(removalMs)).catch(() => undefined);
  }
  return {
    async put(name, signal) {
      let date = new Date(Number.NaN);
      const command = watched(putCommand(place, at(name), new Uint8Array(), {}, {}), {
        signed: (one) => (date = one),
        unanswered: () => doubtful.add(name),
      });
      const send = (own: AbortSignal) =>
        call(`claim ${place.name}/${key}`, (options) => place.client.send(command, options), own);
      await finishing(`claim ${place.name}/${key}`, send, signal);
      return date;
    },
    list: async (signal) =>
      (await Array.fromAsync(listBucket(place, folder, signal))).map((found) => ({
        name: found.key.slice(folder.length),
        modified: found.modified,
      })),
    async remove(name) {
      await takeAway(name);
      if (!doubtful.has(name)) return;
      const hasSettled = await sleep(place.claims?.settleMs ?? 0, whole).then(
        () => true,
        () => false,
      );
      if (hasSettled) await takeAway(name);
    },
  };
}

async function versionAt(place: S3Place, key: ObjectKey, signal: AbortSignal): Promise<string | undefined> {
  const command = new HeadObjectCommand(objectAt(place, key));
  const ask = () => call(`look at ${place.name}/${key}`, (options) => place.client.send(command, options), signal);
  try {
    return (await missingUnlessHidden(place, key, ask, signal)).ETag ?? '';
  } catch (error) {
    if (isBackupError(error, 'object-missing')) return undefined;
    throw error;
  }
}

/** A machine may have slept, and another run may be at work when it wakes up. */
function requireSoon(what: string, claimed: Date, date: Date): void {
  if (date.getTime() - claimed.getTime() <= signWithinMs) return;
  throw new BackupError('vault-failed', `${what}: it took more than ${signWithinMs / 1000} s to begin, and was left`, {
    hint: 'run again: this machine slept, or the store is slow',
  });
}

function absent(error: unknown): undefined {
  if (!isBackupError(error, 'object-missing')) throw error;
}

function orThrow<T extends object>(answer: T | { error: unknown }): T {
  if ('error' in answer) throw answer.error;
  return answer;
}
