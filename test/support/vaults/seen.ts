import type { WatchSettings } from '../../../core/contract/config/settings/watch.ts';
import type { BackupFacts } from '../../../core/domain/verdict/baseline.ts';
import type { Seen, WatchedSource } from '../../../core/domain/watch/freshness.ts';
import { historyOf } from '../../../core/domain/verdict/history.ts';
import { newBackupId, objectKey } from '../../../core/domain/keys.ts';
import { manifestKey } from '../../../core/domain/layout/places.ts';
import type { BackupId, SourceName } from '../../../core/domain/keys.ts';
import { remember } from '../../../core/domain/verdict/ledger.ts';
import type { ManifestRead } from '../../../core/domain/verdict/ledger.ts';
import { failureKey, proofKey } from '../../../core/domain/layout/records.ts';
import type { ProofRecord } from '../../../core/domain/layout/records.ts';
import { partsNamed, verdictOf } from '../../../core/domain/verdict/verdict.ts';

export const hourMs = 3_600_000;
export const minuteMs = 60_000;
export const shop = 'shop' as SourceName;

/** A moment so long before another. */
export function before(now: Date, ms: number): Date {
  return new Date(now.getTime() - ms);
}

export type Made = {
  start: Date;
  rows?: number;
  bytes?: number;
  ms?: number;
  proofs?: ProofRecord[];
  unreadable?: true;
};

/**
 * What a check of this moment sees of a source that has these backups (oldest first) and failures, and nothing was
 * remembered of.
 */
export function seenOf(
  backups: readonly Made[],
  failures: readonly Date[] = [],
  { at = new Date('2099-01-01T00:00:00Z'), shrink = watching().watch.shrink } = {},
): Seen {
  const made = backups.map((one, index) => ({ ...one, id: newBackupId(one.start, (index + 1) / 0x1000000) }));
  const keys = [
    ...made.flatMap(({ id, proofs = [] }) => [
      manifestKey(shop, id),
      ...proofs.map((proof) => proofKey(shop, id, proof)),
    ]),
    ...failures.map((at) => failureKey(shop, { at, run: '4f2a91c0', code: 'vault-full' })),
    objectKey('shop/lease.json'),
  ];
  const history = historyOf(
    shop,
    keys.map((key) => ({ key, bytes: 1, modified: new Date(0) })),
  );
  const memory = { shrink, timeZone: 'UTC', retention: undefined };
  const read = new Map(
    made.map(({ id, ...one }): [BackupId, ManifestRead] => [
      id,
      one.unreadable ? { unreadable: 'not a manifest' } : { content: contentFrom(one), parts: [] },
    ]),
  );
  return { history, verdict: verdictOf(history, remember(undefined, history, read, memory, at), memory, at) };
}

/** What a manifest without parts says. */
function contentFrom({ start, rows = 1000, bytes = 1_000_000, ms = 0 }: Made): BackupFacts {
  const facts = {
    start: start.toISOString(),
    end: new Date(start.getTime() + ms).toISOString(),
    rows,
    bytes,
    parts: partsNamed([]),
    engine: 'postgres',
    database: 'shop',
  };
  return { facts, families: new Map([['public.orders', rows]]) };
}

/** The source of these tests, watched so. */
export function watching(watch: Partial<WatchSettings> = {}, timeZone = 'UTC'): WatchedSource {
  const all: WatchSettings = {
    limit: { ms: 25 * hourMs },
    schedule: undefined,
    drillEveryMs: undefined,
    paused: false,
    shrink: { rows: 50, bytes: 50, since: undefined },
    ...watch,
  };
  return { source: shop, place: '/vault', watch: all, timeZone };
}
