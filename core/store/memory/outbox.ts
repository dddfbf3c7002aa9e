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

/** Adds the messages of a run or a check to an outbox. Must be pure: it is repeated when somebody else has written. */
export type OutboxEdit = (box: Outbox) => Outbox;

const readLimitMs = 5_000;
const writeLimitMs = 20_000;
/** Random pause between attempts, whose upper limit grows with each failure. */
const pauseMs = 40;
const longestPauses = 15;
const mostOthers = 8;

/**
 * The outbox of a notifier is named after digests of its name and its address; the address may be secret, so it is
 * never stored. While the address can't be read, nothing can be sent: messages then wait in the notifier's outbox if
 * there is exactly one, else under its name alone.
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

/** The outbox of a notifier when there is no vault, or it can't be read. */
export function unreadOutbox({ name }: Notifier, error?: unknown): OutboxRead {
  return { key: keyAt(name, 'unknown'), box: emptyOutbox, error };
}

/** Reads a notifier's outbox, within a few seconds: a vault that doesn't answer must not delay messages. */
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
 * Applies `edit` to an outbox, records what was delivered, and writes it, repeating when somebody else has written.
 * Returns the result, with an `error` if it could not be stored.
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
      // many runs may fail at the same moment: each waits a while
      await wait(randomInt(pauseMs * Math.min(attempt, longestPauses)), undefined, { signal });
      known = await outboxAt(vault, known.key, signal);
    }
  } catch (error) {
    return { ...editUnkept(known, edit, delivered, at), error };
  }
}

/** The same when nothing can be stored. */
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
 * A missing or unreadable outbox means that nothing was delivered: better told twice than never. Throws if the vault
 * can't be read.
 */
async function outboxAt(vault: Vault, key: ObjectKey, signal: AbortSignal): Promise<OutboxRead> {
  const read = await readJson(vault, key, signal);
  if (read !== undefined) return { key, box: parsed(read.document), version: read.version };
  return { key, box: { ...emptyOutbox, waiting: await waitingElsewhere(vault, key, signal) } };
}

/**
 * Messages that wait for this notifier under an earlier address: whoever replaces a dead webhook gets them from the new
 * one.
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
