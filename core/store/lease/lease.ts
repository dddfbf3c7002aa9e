import { setTimeout as wait } from 'node:timers/promises';
import { abortError, BackupError, isBackupError } from '../../domain/errors.ts';
import { leaseKey } from '../../domain/layout/places.ts';
import type { SourceName } from '../../domain/keys.ts';
import type { Clock, Identity } from '../../ports.ts';
import type { Vault } from '../../vault.ts';
import { writeJson } from '../json.ts';
import { readLease, stuck } from './state.ts';
import type { Lease, LeaseState } from './state.ts';

/**
 * How long a lease holds after its last renewal, and how often it is renewed. Clocks that differ by less than a minute
 * do no harm.
 */
export const renewMs = 60_000;
export const holdMs = 5 * 60_000;
const usualTimes = { holdMs, renewMs };
type LeaseTimes = typeof usualTimes;
/** In renewals, since the last one: from when on a run is waited for, and when it is dead. */
const [mayBeDead, isDead] = [0.9, 1.5];
const freeLimitMs = 10_000;

type LeaseDeps = { clock: Clock; identity: Identity };

/**
 * Works on a source alone: takes its lease, renews it while `work` goes on, and gives it back (by overwriting: a role
 * that backs up may not delete). The lease of a dead run is taken over when its time is over. When the lease is lost,
 * the signal given to `work` aborts. `work` is handed `confirm`, which throws unless the lease is ours at this moment.
 * Throws `lease-held`, `lease-stuck`, `lease-lost`.
 */
export async function withLease<T>(
  vault: Vault,
  source: SourceName,
  deps: LeaseDeps,
  work: (signal: AbortSignal, confirm: () => Promise<void>) => Promise<T>,
  signal: AbortSignal,
  { holdMs, renewMs } = usualTimes,
): Promise<T> {
  let version = await take(vault, source, deps, { holdMs, renewMs }, signal);
  const lost = new AbortController();
  const both = AbortSignal.any([signal, lost.signal]);
  let renewing: Promise<void> = Promise.resolve();

  function renew(): Promise<void> {
    renewing = renewing.then(async () => {
      if (lost.signal.aborted) throw lost.signal.reason;
      try {
        version = await writeLease(vault, source, leaseOf(deps, holdMs), version, both);
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
      await freeLease(vault, source, version, deps.identity, AbortSignal.timeout(freeLimitMs)).catch(() => {});
  }
}

async function take(
  vault: Vault,
  source: SourceName,
  deps: LeaseDeps,
  times: LeaseTimes,
  signal: AbortSignal,
): Promise<string> {
  try {
    return await writeLease(vault, source, leaseOf(deps, times.holdMs), undefined, signal);
  } catch (error) {
    if (!isBackupError(error, 'object-exists')) throw error;
  }
  const seen = await readLease(vault, source, deps.clock.now(), signal);
  const current = await renewedOrDead(vault, source, seen, deps, times, signal);
  if (current.state === 'absent')
    throw new BackupError('lease-held', `${source}: somebody has just removed the lease`, { hint: 'begin again' });
  const isOpen =
    current.state === 'free' || (current.lease !== undefined && deps.identity.isGone(current.lease.holder));
  if (!isOpen) throw current.state === 'stuck' ? stuck(vault, source, current) : heldBy(source, current.lease);
  try {
    return await writeLease(vault, source, leaseOf(deps, times.holdMs), current.version, signal);
  } catch (cause) {
    if (!isBackupError(cause, 'object-exists')) throw cause;
    throw new BackupError('lease-held', `${source}: another run has just begun`, { hint: 'wait for it to end', cause });
  }
}

/**
 * The lease of an earlier attempt at our own request: free once it has missed a renewal, for that attempt is dead then,
 * and whoever tries again may have no other try. One that has just been renewed is not waited for.
 */
async function renewedOrDead(
  vault: Vault,
  source: SourceName,
  seen: LeaseState,
  { clock, identity }: LeaseDeps,
  { holdMs, renewMs }: LeaseTimes,
  signal: AbortSignal,
): Promise<LeaseState> {
  if (seen.state !== 'held' || identity.isOurs?.(seen.lease.holder) !== true) return seen;
  const sinceMs = clock.now().getTime() - (Date.parse(seen.lease.until) - holdMs);
  if (sinceMs < renewMs * mayBeDead) return seen;
  await wait(Math.max(0, renewMs * isDead - sinceMs), undefined, { signal }).catch((cause: unknown) => {
    throw signal.aborted ? abortError(signal) : cause;
  });
  const now = await readLease(vault, source, clock.now(), signal);
  return now.state === 'held' && now.version === seen.version ? { ...now, state: 'free' } : now;
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

/**
 * Gives a lease back, as long as it is this version of it: it is then long over on every clock, the one of a machine
 * that is ahead too. Throws `object-exists`.
 */
export async function freeLease(
  vault: Vault,
  source: SourceName,
  version: string,
  { run, holder }: Pick<Identity, 'run' | 'holder'>,
  signal: AbortSignal,
): Promise<void> {
  await writeLease(vault, source, { run, holder, until: new Date(0).toISOString() }, version, signal);
}

function lostTo(source: SourceName, why: string, cause?: unknown): BackupError {
  return new BackupError('lease-lost', `${source}: ${why}; this run stopped, and nothing of it counts`, { cause });
}

function leaseOf({ clock, identity: { run, holder } }: LeaseDeps, forMs: number): Lease {
  return { run, holder, until: new Date(clock.now().getTime() + forMs).toISOString() };
}

function writeLease(
  vault: Vault,
  source: SourceName,
  lease: Lease,
  version: string | undefined,
  signal: AbortSignal,
): Promise<string> {
  return writeJson(vault, leaseKey(source), lease, { version, compact: true }, signal);
}
