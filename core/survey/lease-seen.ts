import { isBackupError } from '../domain/errors.ts';
import type { LeaseState } from '../store/lease/state.ts';
import type { Store } from '../store/store.ts';
import type { Survey } from './survey.ts';

/**
 * Reads a lease if it was written since it was last found free, and remembers it if it is free now. `stuck`: why no run
 * can begin; unknown to a role that may not read the lease.
 */
export async function withLeaseSeen<T extends Survey>(
  seen: T,
  store: Store,
  at: Date,
  signal: AbortSignal,
): Promise<T & { stuck: string | undefined }> {
  const { source, leased } = seen.history;
  const written = leased?.toISOString();
  if (written === undefined || written === seen.ledger.lease) return { ...seen, stuck: undefined };
  const lease = await store.readLease(source, at, signal).catch((error: unknown) => {
    if (signal.aborted || !isBackupError(error)) throw error;
    return error;
  });
  if (isBackupError(lease)) return { ...seen, stuck: lease.code === 'lease-stuck' ? lease.message : undefined };
  return remembered(seen, lease, written);
}

/** If nothing is remembered of a source yet, its lease alone is no reason to begin. */
function remembered<T extends Survey>(seen: T, lease: LeaseState, written: string): T & { stuck: string | undefined } {
  const stuck = lease.state === 'stuck' ? lease.why : undefined;
  const isKept = seen.isNew || seen.before.ledger !== undefined;
  if (lease.state !== 'free' || !isKept) return { ...seen, stuck };
  return { ...seen, stuck, ledger: { ...seen.ledger, lease: written }, isNew: true };
}
