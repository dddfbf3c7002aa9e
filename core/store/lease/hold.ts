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

/** What another process needs to continue with the lease of its run; survives JSON. */
export type HandedLease = { run: string; version: string };

/**
 * Work done under a lease. `signal` aborts when the lease is lost. `confirm` throws unless the lease is ours right now.
 * `handOn` renews it once more and leaves it to another process of the same run.
 */
export type LeaseWork<T> = (
  signal: AbortSignal,
  confirm: () => Promise<void>,
  handOn: () => Promise<HandedLease>,
) => Promise<T>;

/** A lease of ours, at the given version. */
type HeldLease = { source: SourceName; version: string; deps: LeaseDeps };

/** Renews our lease while `work` goes on, and gives it back afterwards. */
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
    // a short outage of the store is no loss, because the lease holds for a while
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
    // best effort: a lease that is not given back expires by itself
    if (!lost.signal.aborted && !isHandedOn)
      await freeLease(vault, source, version, deps.identity, AbortSignal.timeout(freeLimitMs)).catch(() => {});
  }
}

/**
 * Gives a lease back if it still has this version, by dating its end far in the past, for clocks that are ahead, too.
 * Throws `object-exists`.
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
