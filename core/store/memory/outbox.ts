import { createHash, randomInt } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { outboxSchema } from '../../contract/memory/outbox.ts';
import { BackupError, isBackupError } from '../../domain/errors.ts';
import { objectKey } from '../../domain/keys.ts';
import type { ObjectKey } from '../../domain/keys.ts';
import { bounded, emptyOutbox, withDelivered } from '../../domain/watch/outbox.ts';
import { outboxFolder } from '../../domain/layout/places.ts';
import type { Delivered, Outbox } from '../../domain/watch/outbox.ts';
import type { Notifier } from '../../ports.ts';
import type { Vault } from '../../vault.ts';
import { withTimeLimit } from '../../pipeline/time-limit.ts';
import { readJson, writeJson } from '../json.ts';

/**
 * A notifier's outbox as it was read. `version` undefined: there is none yet. `error`: it can't be read, so nothing
 * will be remembered.
 */
export type OutboxRead = { key: ObjectKey; box: Outbox; version?: string | undefined; error?: unknown };

/**
 * What a run or a check has to say, brought into whatever an outbox holds. Must be pure: it is done again when somebody
 * else has written.
 */
export type OutboxEdit = (box: Outbox) => Outbox;

const readLimitMs = 5_000;
const writeLimitMs = 20_000;
/** Between attempts, at random: up to so many times as long, the more have failed. */
const pauseMs = 40;
const longestPauses = 15;
const mostOthers = 8;

/**
 * What stands for a notifier: a digest of its name, and one of its address; the address may be a secret, so it is never
 * kept. One whose address can't be read at the moment can't be told anything: what it misses goes into the outbox that
 * it has, where there is one alone, and else waits under its name until there is an address.
 */
async function keyOfNotifier(vault: Vault, { name, address }: Notifier, signal: AbortSignal): Promise<ObjectKey> {
  if (address === undefined) return keyAt(name, digest(name));
  const place = await address(signal).catch(() => undefined);
  if (place !== undefined) return keyAt(name, digest(place));
  const unknown = keyAt(name, 'unknown');
  const known = (await Array.fromAsync(vault.list(unknown.slice(0, -'unknown.json'.length), signal)))
    .map(({ key }) => key)
    .filter((key) => key !== unknown);
  return known.length === 1 ? known[0]! : unknown;
}

function keyAt(name: string, place: string): ObjectKey {
  return objectKey(`${outboxFolder}${digest(name)}-${place}.json`);
}

/** The outbox of a notifier while there is no vault, or none that can be read. */
export function unreadOutbox({ name }: Notifier, error?: unknown): OutboxRead {
  return { key: keyAt(name, 'unknown'), box: emptyOutbox, error };
}

/** Reads a notifier's outbox, within a few seconds: a vault that does not answer keeps nobody from being told. */
export async function readOutbox(vault: Vault, notifier: Notifier, signal: AbortSignal): Promise<OutboxRead> {
  const late = new BackupError(
    'vault-unreachable',
    `${vault.place}: what was told can't be read within ${readLimitMs / 1000} s`,
  );
  try {
    return await withTimeLimit(
      readLimitMs,
      late,
      async (stop) => outboxAt(vault, await keyOfNotifier(vault, notifier, stop), stop),
      signal,
    );
  } catch (error) {
    return unreadOutbox(notifier, error);
  }
}

/**
 * Writes what an outbox is after `edit`, and what was told of it, whoever else writes at the same time. Returns it as
 * it is then, with an `error` where it could not be kept.
 */
export async function editOutbox(
  vault: Vault,
  memory: OutboxRead,
  edit: OutboxEdit,
  delivered: readonly Delivered[],
  at: Date,
): Promise<OutboxRead> {
  if ('error' in memory) return editUnkept(memory, edit, delivered, at);
  const signal = AbortSignal.timeout(writeLimitMs);
  let known = memory;
  try {
    for (let attempt = 1; ; attempt += 1) {
      const box = bounded(withDelivered(edit(known.box), delivered, at));
      if (JSON.stringify(box) === JSON.stringify(known.box)) return known;
      try {
        return { key: known.key, box, version: await write(vault, known, box, signal) };
      } catch (error) {
        if (!isBackupError(error, 'object-exists')) throw error;
      }
      // many runs may fail at the same moment: each waits for another while
      await wait(randomInt(pauseMs * Math.min(attempt, longestPauses)), undefined, { signal });
      known = await outboxAt(vault, known.key, signal);
    }
  } catch (error) {
    return { ...editUnkept(known, edit, delivered, at), error };
  }
}

/** The same where nothing can be kept. */
export function editUnkept(
  memory: OutboxRead,
  edit: OutboxEdit,
  delivered: readonly Delivered[],
  at: Date,
): OutboxRead {
  return { ...memory, box: withDelivered(edit(memory.box), delivered, at) };
}

function write(vault: Vault, { key, version }: OutboxRead, box: Outbox, signal: AbortSignal): Promise<string> {
  return writeJson(vault, key, { version: 1, ...box }, { version }, signal);
}

/**
 * Where there is nothing, or nothing that can be understood, nothing was told: rather twice than not at all. Throws
 * where the vault can't be read.
 */
async function outboxAt(vault: Vault, key: ObjectKey, signal: AbortSignal): Promise<OutboxRead> {
  const read = await readJson(vault, key, signal);
  if (read !== undefined) return { key, box: parsed(read.document), version: read.version };
  return { key, box: { ...emptyOutbox, waiting: await waitingElsewhere(vault, key, signal) } };
}

/**
 * What a notifier of this name misses under an address that it had before: whoever replaces a dead webhook gets it from
 * the new one.
 */
async function waitingElsewhere(vault: Vault, key: ObjectKey, signal: AbortSignal): Promise<Outbox['waiting']> {
  try {
    const listed = await Array.fromAsync(vault.list(key.slice(0, key.lastIndexOf('-') + 1), signal));
    const boxes = await Promise.all(
      listed.slice(0, mostOthers).map(async (found) => parsed((await readJson(vault, found.key, signal))?.document)),
    );
    return boxes.flatMap(({ waiting }) => waiting);
  } catch (error) {
    if (isBackupError(error)) return [];
    throw error;
  }
}

function parsed(document: unknown): Outbox {
  const { data } = outboxSchema.safeParse(document);
  if (data === undefined) return emptyOutbox;
  const { version: _, ...box } = data;
  return box;
}

function digest(text: string): string {
  return createHash('sha256').update(`nightjar outbox\n${text}`).digest('hex').slice(0, 24);
}
