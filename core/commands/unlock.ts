import { BackupError, isBackupError } from '../domain/errors.ts';
import type { SourceName } from '../domain/keys.ts';
import { sleep } from '../pipeline/waiting.ts';
import type { Clock, Identity } from '../ports.ts';
import { renewMs } from '../store/lease/hold.ts';
import { heldBy } from '../store/lease/lease.ts';
import { stuck } from '../store/lease/state.ts';
import type { LeaseState } from '../store/lease/state.ts';
import type { Store } from '../store/store.ts';

type UnlockDeps = { store: Store; clock: Clock; identity: Identity };

/** A lease that keeps every run out, and when it was last written, by the vault's clock. */
export type StuckLease = LeaseState & { state: 'stuck'; written: Date | undefined };

/** One renewal interval, and some time for a slow vault. */
const watchMs = renewMs + 30_000;

/**
 * The lease of a source if a person has to free it; undefined if nothing keeps the next run out. Throws `lease-held` if
 * a run is at work: its lease becomes free when that ends.
 */
export async function findStuckLease(
  source: SourceName,
  { store, clock, identity }: UnlockDeps,
  signal: AbortSignal,
): Promise<StuckLease | undefined> {
  const found = await store.readLease(source, clock.now(), signal);
  if (found.state === 'held' && !identity.isGone(found.lease.holder)) throw heldBy(source, found.lease);
  if (found.state !== 'stuck') return undefined;
  return { ...found, written: await store.leaseWritten(source, signal) };
}

/** Waits long enough for a live run to renew its lease at least once. Throws `lease-held` if one did. */
export async function watchForRenewal(
  source: SourceName,
  seen: StuckLease,
  { store, clock }: UnlockDeps,
  signal: AbortSignal,
  ms = watchMs,
): Promise<void> {
  await sleep(ms, signal);
  const now = await store.readLease(source, clock.now(), signal);
  if (now.state === 'absent' || now.version !== seen.version) throw inUse(source);
}

/**
 * Frees a lease after the watch, if it still is what was seen. A run that slept and wakes up finds it changed, stops,
 * and writes no manifest. Throws `lease-held`.
 */
export async function unlock(
  source: SourceName,
  { version }: StuckLease,
  { store, identity }: UnlockDeps,
  signal: AbortSignal,
): Promise<void> {
  try {
    await store.freeLease(source, version, identity, signal);
  } catch (cause) {
    throw isBackupError(cause, 'object-exists') ? inUse(source, cause) : cause;
  }
}

/** What a person is told about a lease before it is freed: who wrote it, when, and what is wrong with it. */
export function describeLease(source: SourceName, seen: StuckLease): string[] {
  const { lease, written } = seen;
  return [
    stuck({}, source, seen).message,
    lease === undefined ? 'held by: unknown' : `held by: run ${lease.run} on ${lease.holder}`,
    `last written: ${written === undefined ? 'unknown' : written.toISOString()}`,
  ];
}

function inUse(source: SourceName, cause?: unknown): BackupError {
  return new BackupError(
    'lease-held',
    `${source}: a run is at work: it has just written the lease; nothing was changed`,
    { hint: 'let it end; if its lease is dated far ahead, its machine has a wrong clock: set it', cause },
  );
}
