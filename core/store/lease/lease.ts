import { BackupError, isBackupError } from '../../domain/errors.ts';
import { leaseKey } from '../../domain/keys.ts';
import type { ObjectKey, SourceName } from '../../domain/keys.ts';
import type { Clock, Identity, Vault } from '../../ports.ts';
import { readLease, stuck } from './state.ts';
import type { Lease } from './state.ts';

/**
 * How long a lease holds after its last renewal, and how often it is renewed. Clocks that differ by less than a minute
 * do no harm.
 */
export const renewMs = 60_000;
export const holdMs = 5 * 60_000;
const usualTimes = { holdMs, renewMs };

type LeaseDeps = { vault: Vault; clock: Clock; identity: Identity };

/**
 * Works on a source alone: takes its lease, renews it while `work` goes on, and gives it back (by overwriting: a role
 * that backs up may not delete). The lease of a dead run is taken over when its time is over. When the lease is lost,
 * the signal given to `work` aborts. `work` is handed `confirm`, which throws unless the lease is ours at this moment.
 * Throws `lease-held`, `lease-stuck`, `lease-lost`.
 */
export async function withLease<T>(
  source: SourceName,
  deps: LeaseDeps,
  work: (signal: AbortSignal, confirm: () => Promise<void>) => Promise<T>,
  signal: AbortSignal,
  { holdMs, renewMs } = usualTimes,
): Promise<T> {
  const key = leaseKey(source);
  let version = await take(source, key, deps, holdMs, signal);
  const lost = new AbortController();
  const both = AbortSignal.any([signal, lost.signal]);
  let renewing: Promise<void> = Promise.resolve();

  function renew(): Promise<void> {
    renewing = renewing.then(async () => {
      if (lost.signal.aborted) throw lost.signal.reason;
      try {
        version = (await deps.vault.putIfUnchanged(key, body(deps, holdMs), version, both)).version;
      } catch (cause) {
        throw isBackupError(cause, 'object-exists')
          ? lostTo(source, 'another run has taken over the lease', cause)
          : cause;
      }
    });
    return renewing;
  }
  let renewedAt = deps.clock.now().getTime();
  const timer = setInterval(() => {
    const now = deps.clock.now().getTime();
    // a store that can't be reached for a moment is no loss: the lease holds for a while
    if (now - renewedAt > holdMs - renewMs)
      lost.abort(lostTo(source, 'the lease could not be renewed in time, and another run may take it over'));
    renew().then(
      () => (renewedAt = now),
      (error: unknown) => {
        renewing = Promise.resolve();
        if (isBackupError(error, 'lease-lost')) lost.abort(error);
      },
    );
  }, renewMs);
  try {
    return await work(both, renew);
  } finally {
    clearInterval(timer);
    await renewing.catch(() => {});
    // best effort: a lease that is not given back runs out by itself
    if (!lost.signal.aborted)
      await deps.vault
        .putIfUnchanged(key, freeLease(deps.identity), version, AbortSignal.timeout(10_000))
        .catch(() => {});
  }
}

async function take(
  source: SourceName,
  key: ObjectKey,
  deps: LeaseDeps,
  holdMs: number,
  signal: AbortSignal,
): Promise<string> {
  try {
    return (await deps.vault.putIfAbsent(key, body(deps, holdMs), {}, signal)).version;
  } catch (error) {
    if (!isBackupError(error, 'object-exists')) throw error;
  }
  const current = await readLease(source, { vault: deps.vault, now: deps.clock.now() }, signal);
  if (current.state === 'absent')
    throw new BackupError('lease-held', `${source}: somebody has just removed the lease`, { hint: 'begin again' });
  const isOpen =
    current.state === 'free' || (current.lease !== undefined && deps.identity.isGone(current.lease.holder));
  if (!isOpen) throw current.state === 'stuck' ? stuck(source, current) : heldBy(source, current.lease);
  try {
    return (await deps.vault.putIfUnchanged(key, body(deps, holdMs), current.version, signal)).version;
  } catch (cause) {
    if (!isBackupError(cause, 'object-exists')) throw cause;
    throw new BackupError('lease-held', `${source}: another run has just begun`, { hint: 'wait for it to end', cause });
  }
}

/** Another run is at work. */
export function heldBy(source: SourceName, lease: Lease): BackupError {
  return new BackupError(
    'lease-held',
    `${source}: run ${lease.run} on ${lease.holder} is at work and holds the lease until ${lease.until}`,
    {
      hint: 'wait for it to end; the lease of a run that died is free at that time by itself',
    },
  );
}

/** A lease that nobody holds: long over on every clock, the one of a machine that is ahead too. */
export function freeLease({ run, holder }: Pick<Identity, 'run' | 'holder'>): Uint8Array {
  return Buffer.from(JSON.stringify({ run, holder, until: new Date(0).toISOString() }));
}

function lostTo(source: SourceName, why: string, cause?: unknown): BackupError {
  return new BackupError('lease-lost', `${source}: ${why}; this run stopped, and nothing of it counts`, { cause });
}

function body({ clock, identity: { run, holder } }: LeaseDeps, forMs: number): Uint8Array {
  return Buffer.from(JSON.stringify({ run, holder, until: new Date(clock.now().getTime() + forMs).toISOString() }));
}
