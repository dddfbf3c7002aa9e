import { createHash, randomInt } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { outboxSchema } from '../../contract/memory/outbox.ts';
import { BackupError, isBackupError } from '../../domain/errors.ts';
import { objectKey } from '../../domain/keys.ts';
import type { ObjectKey } from '../../domain/keys.ts';
import { bounded, emptyOutbox, outboxFolder, withDelivered } from '../../domain/watch/outbox.ts';
import type { Delivered, Outbox } from '../../domain/watch/outbox.ts';
import type { Notifier, Vault } from '../../ports.ts';
import { withTimeLimit } from '../../pipeline/time-limit.ts';

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
 * kept.
 */
export async function keyOfNotifier({ name, address }: Notifier, signal: AbortSignal): Promise<ObjectKey> {
  // an address that can't be read can't be told anything; what it misses is kept under its name
  const place = address === undefined ? name : await address(signal).catch(() => undefined);
  return objectKey(`${outboxFolder}${digest(name)}-${place === undefined ? 'unknown' : digest(place)}.json`);
}

/** Reads a notifier's outbox, within a few seconds: a vault that does not answer keeps nobody from being told. */
export async function readOutbox(
  notifier: Notifier,
  vault: Vault | undefined,
  signal: AbortSignal,
): Promise<OutboxRead> {
  const unknown = { key: objectKey(`${outboxFolder}${digest(notifier.name)}-unknown.json`), box: emptyOutbox };
  if (vault === undefined) return { ...unknown, error: undefined };
  const late = new BackupError(
    'vault-unreachable',
    `${vault.place}: what was told can't be read within ${readLimitMs / 1000} s`,
  );
  try {
    return await withTimeLimit(
      readLimitMs,
      late,
      async (stop) => outboxAt(await keyOfNotifier(notifier, stop), vault, stop),
      signal,
    );
  } catch (error) {
    return { ...unknown, error };
  }
}

/**
 * Writes what an outbox is after `edit`, and what was told of it, whoever else writes at the same time. Returns it as
 * it is then, with an `error` where it could not be kept.
 */
export async function editOutbox(
  memory: OutboxRead,
  edit: OutboxEdit,
  delivered: readonly Delivered[],
  at: Date,
  vault: Vault | undefined,
): Promise<OutboxRead> {
  if ('error' in memory || vault === undefined)
    return { ...memory, box: withDelivered(edit(memory.box), delivered, at) };
  const signal = AbortSignal.timeout(writeLimitMs);
  let known = memory;
  try {
    for (let attempt = 1; ; attempt += 1) {
      const box = bounded(withDelivered(edit(known.box), delivered, at));
      if (JSON.stringify(box) === JSON.stringify(known.box)) return known;
      try {
        return { key: known.key, box, version: await write(known, box, vault, signal) };
      } catch (error) {
        if (!isBackupError(error, 'object-exists')) throw error;
      }
      // many runs may fail at the same moment: each waits for another while
      await wait(randomInt(pauseMs * Math.min(attempt, longestPauses)), undefined, { signal });
      known = await outboxAt(known.key, vault, signal);
    }
  } catch (error) {
    return { ...known, box: withDelivered(edit(known.box), delivered, at), error };
  }
}

async function write({ key, version }: OutboxRead, box: Outbox, vault: Vault, signal: AbortSignal): Promise<string> {
  const body = Buffer.from(JSON.stringify({ version: 1, ...box }, undefined, 1));
  const written =
    version === undefined
      ? await vault.putIfAbsent(key, body, {}, signal)
      : await vault.putIfUnchanged(key, body, version, signal);
  return written.version;
}

/**
 * Where there is nothing, or nothing that can be understood, nothing was told: rather twice than not at all. Throws
 * where the vault can't be read.
 */
async function outboxAt(key: ObjectKey, vault: Vault, signal: AbortSignal): Promise<OutboxRead> {
  try {
    const { body, version } = await vault.read(key, signal);
    return { key, box: parsed(body), version };
  } catch (error) {
    if (!isBackupError(error, 'object-missing')) throw error;
    return { key, box: { ...emptyOutbox, waiting: await waitingElsewhere(key, vault, signal) } };
  }
}

/**
 * What a notifier of this name misses under an address that it had before: whoever replaces a dead webhook gets it from
 * the new one.
 */
async function waitingElsewhere(key: ObjectKey, vault: Vault, signal: AbortSignal): Promise<Outbox['waiting']> {
  try {
    const listed = await Array.fromAsync(vault.list(key.slice(0, key.lastIndexOf('-') + 1), signal));
    const boxes = await Promise.all(
      listed.slice(0, mostOthers).map(async (found) => parsed((await vault.read(found.key, signal)).body)),
    );
    return boxes.flatMap(({ waiting }) => waiting);
  } catch (error) {
    if (isBackupError(error)) return [];
    throw error;
  }
}

function parsed(body: Uint8Array): Outbox {
  try {
    const { version: _, ...box } = outboxSchema.parse(JSON.parse(Buffer.from(body).toString()));
    return box;
  } catch {
    return emptyOutbox;
  }
}

function digest(text: string): string {
  return createHash('sha256').update(`nightjar outbox\n${text}`).digest('hex').slice(0, 24);
}
