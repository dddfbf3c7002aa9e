import type { Watch } from '../../core/contract/config-watch.ts';
import type { Measure } from '../../core/domain/anomaly.ts';
import type { Seen, Watched } from '../../core/domain/freshness.ts';
import { historyOf } from '../../core/domain/history.ts';
import { manifestKey, newBackupId, objectKey } from '../../core/domain/keys.ts';
import type { SourceName } from '../../core/domain/keys.ts';
import { failureKey, proofKey } from '../../core/domain/records.ts';
import type { ProofRecord } from '../../core/domain/records.ts';

export const hourMs = 3_600_000;
export const minuteMs = 60_000;
export const shop = 'shop' as SourceName;

/** A moment so long before another. */
export function before(now: Date, ms: number): Date {
  return new Date(now.getTime() - ms);
}

export type Made = { start: Date; rows?: number; bytes?: number; ms?: number; proofs?: ProofRecord[]; unreadable?: true };

/** What a check sees of a source that has these backups (oldest first) and failures. */
export function seenOf(backups: readonly Made[], failures: readonly Date[] = []): Seen {
  const made = backups.map((one, index) => ({ ...one, id: newBackupId(one.start, (index + 1) / 0x1000000) }));
  const keys = [
    ...made.flatMap(({ id, proofs = [] }) => [manifestKey(shop, id), ...proofs.map((proof) => proofKey(shop, id, proof))]),
    ...failures.map((at) => failureKey(shop, { at, run: '4f2a91c0', code: 'vault-full' })),
    objectKey('shop/lease.json'),
  ];
  return {
    history: historyOf(shop, keys.map((key) => ({ key, bytes: 1, modified: new Date(0) }))),
    measures: made.filter(({ unreadable }) => unreadable === undefined).map(({ id, rows = 1000, bytes = 1_000_000, ms = 0 }): Measure => ({ id, rows, bytes, ms })),
    unreadable: made.filter(({ unreadable }) => unreadable).map(({ id }) => ({ id, why: 'not a manifest' })),
  };
}

/** The source of these tests, watched so. */
export function watching(watch: Partial<Watch> = {}, timeZone = 'UTC'): Watched {
  const all: Watch = { limit: { ms: 25 * hourMs }, schedule: undefined, drillEveryMs: undefined, paused: false, shrink: { rows: 50, bytes: 50, since: undefined }, ...watch };
  return { source: shop, place: '/vault', watch: all, timeZone };
}
