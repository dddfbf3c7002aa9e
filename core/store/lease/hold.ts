import { BackupError, isBackupError } from '../../domain/errors.ts';
import { leaseKey } from '../../domain/layout/places.ts';
import type { SourceName } from '../../domain/keys.ts';
import type { Clock, Identity } from '../../ports.ts';
import type { Vault } from '../../vault.ts';
import { writeJson } from '../json.ts';
import type { Lease } from './state.ts';

/**
 * How long a lease holds after its last renewal, and how often it is renewed. Clocks that differ by less than a minute
 * do no harm.
 */
export const renewMs = 60_000;
export const holdMs = 5 * 60_000;
export const usualTimes = { holdMs, renewMs };
const freeLimitMs = 10_000;

export type LeaseTimes = typeof usualTimes;
export type LeaseDeps = { clock: Clock; identity: Identity };

/** What another process needs to go on with the lease of its run; survives JSON. */
export type HandedLease = { run: string; version: string };

/**
 * What is done under a lease. `signal` aborts when it is lost. `confirm` throws unless it is ours at this moment.
 * `handOn` renews it once more and lets go of it, for another process of the same run to go on with.
 */
export type LeaseWork<T> = (
  signal: AbortSignal,
  confirm: () => Promise<void>,
  handOn: () => Promise<HandedLease>,
) => Promise<T>;

/** A lease of ours, as this version of it says. */
type HeldLease = { source: SourceName; version: string; deps: LeaseDeps };

/** Renews a lease of ours while `work` goes on, and gives it back. */
export async function holdLease<T>(
  vault: Vault,
  { source, version: first, deps }: HeldLease,
  work: LeaseWork<T>,
  signal: AbortSignal,
  { holdMs, renewMs }: LeaseTimes,
): Promise<T> {
  let version = first;
  const lost = new AbortController();
  const both = AbortSignal.any([signal, lost.signal]);
  let renewing: Promise<void> = Promise.resolve();
  let isHandedOn = false;

  function renew(): Promise<void> {
    const before = renewing.catch(() => {}); // one after the other, whatever became of the last
    renewing = before.then(async () => {
      if (lost.signal.aborted) throw lost.signal.reason;
      if (isHandedOn) throw lostTo(source, 'the lease was handed on to another process of this run');
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
        if (isBackupError(error, 'lease-lost') && !isHandedOn) lost.abort(error);
      },
    );
  }, renewMs);
  async function handOn(): Promise<HandedLease> {
    await renew();
    isHandedOn = true;
    clearInterval(timer);
    return { run: deps.identity.run, version };
  }
  try {
    return await work(both, renew, handOn);
  } finally {
    clearInterval(timer);
    await renewing.catch(() => {});
    // best effort: a lease that is not given back runs out by itself
    if (!lost.signal.aborted && !isHandedOn)
      await freeLease(vault, source, version, deps.identity, AbortSignal.timeout(freeLimitMs)).catch(() => {});
  }
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

export function lostTo(source: SourceName, why: string, cause?: unknown): BackupError {
  return new BackupError('lease-lost', `${source}: ${why}; this run stopped, and nothing of it counts`, { cause });
}

export function leaseOf({ clock, identity: { run, holder } }: LeaseDeps, forMs: number): Lease {
  return { run, holder, until: new Date(clock.now().getTime() + forMs).toISOString() };
}

export function writeLease(
  vault: Vault,
  source: SourceName,
  lease: Lease,
  version: string | undefined,
  signal: AbortSignal,
): Promise<string> {
  return writeJson(vault, leaseKey(source), lease, { version, compact: true }, signal);
}
