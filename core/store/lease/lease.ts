import { setTimeout as wait } from 'node:timers/promises';
import { abortError, BackupError, isBackupError } from '../../domain/errors.ts';
import type { SourceName } from '../../domain/keys.ts';
import type { Vault } from '../../vault.ts';
import { holdLease, leaseOf, lostTo, usualTimes, writeLease } from './hold.ts';
import type { HandedLease, LeaseDeps, LeaseTimes, LeaseWork } from './hold.ts';
import { readLease, stuck } from './state.ts';
import type { Lease, LeaseState } from './state.ts';

/**
 * Times since the last renewal, in renewal intervals: from the first on, wait for the run to renew; from the second on,
 * it is dead.
 */
const [mayBeDead, isDead] = [0.9, 1.5];

/**
 * Works on a source alone: takes its lease, renews it while `work` goes on, and gives it back by overwriting it,
 * because a role that backs up may not delete. The lease of a dead run is taken over once it has expired. If the lease
 * is lost, the signal given to `work` aborts. Throws `lease-held`, `lease-stuck`, `lease-lost`.
 */
export async function withLease<T>(
  vault: Vault,
  source: SourceName,
  deps: LeaseDeps,
  work: LeaseWork<T>,
  signal: AbortSignal,
  times: LeaseTimes = usualTimes,
): Promise<T> {
  const version = await take(vault, source, deps, times, signal);
  return holdLease(vault, { source, version, deps }, work, signal, times);
}

/**
 * Continues, as the same run, under a lease that another process handed on. If several try, one succeeds. Throws
 * `lease-lost` if somebody else has it.
 */
export async function withHandedLease<T>(
  vault: Vault,
  source: SourceName,
  handed: HandedLease,
  { clock, identity }: LeaseDeps,
  work: LeaseWork<T>,
  signal: AbortSignal,
  times: LeaseTimes = usualTimes,
): Promise<T> {
  const deps = { clock, identity: { ...identity, run: handed.run } };
  const lease = leaseOf(deps, times.holdMs);
  const version = await writeLease(vault, source, lease, handed.version, signal).catch((cause: unknown) => {
    throw isBackupError(cause, 'object-exists')
      ? lostTo(source, 'another process has taken over the lease', cause)
      : cause;
  });
  return holdLease(vault, { source, version, deps }, work, signal, times);
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
  const takeOver = (version: string) => writeLease(vault, source, leaseOf(deps, times.holdMs), version, signal);
  try {
    return await takeOver(current.version).catch(async (error: unknown) => {
      // a run killed while it wrote its lease may have completed it only through our write (vaults/folder/replace.ts)
      const next = isBackupError(error, 'object-exists') && (await readLease(vault, source, deps.clock.now(), signal));
      if (!next || next.state !== 'held' || !deps.identity.isGone(next.lease.holder)) throw error;
      return takeOver(next.version);
    });
  } catch (cause) {
    if (!isBackupError(cause, 'object-exists')) throw cause;
    throw new BackupError('lease-held', `${source}: another run has just begun`, { hint: 'wait for it to end', cause });
  }
}

/**
 * Judges the lease of an earlier attempt at our own request: it is free once it has missed a renewal, because that
 * attempt is dead then and this may be the last try. Does not wait for one that was just renewed.
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

/** The error while another run is at work. */
export function heldBy(source: SourceName, lease: Lease): BackupError {
  return new BackupError(
    'lease-held',
    `${source}: run ${lease.run} on ${lease.holder} is at work and holds the lease until ${lease.until}`,
    {
      hint: 'wait for it to end; the lease of a run that died is free at that time by itself',
    },
  );
}
