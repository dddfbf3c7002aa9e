import type { Ledger } from '../../contract/memory/ledger.ts';
import type { SourceHistory } from './history.ts';
import { startOf } from '../keys.ts';
import type { BackupId } from '../keys.ts';
import { isAdopted } from './adopted.ts';
import { planRetention } from '../retention/retention.ts';
import type { SourceRules } from './verdict.ts';

const mostIds = 100;

/**
 * Backups that were there at the last look, are gone now, and that the retention keeps: neither a rotation nor a
 * recorded removal explains that. No rotation removes an adopted one. Losses reported before stay until they are
 * accepted or the backups are back. Rotation can't have removed a backup that the retention keeps now, because newer
 * backups only take places away, and that it kept at the last look, because a rotation may have used that policy. So
 * nobody has to record what rotation did, and a rotation that removed too much is seen, too.
 */
export function goneOf(
  before: Ledger,
  entries: Ledger['backups'],
  history: SourceHistory,
  memory: SourceRules,
  now: Date,
): Ledger['gone'] {
  const there = new Set<string>([...history.backups.map(({ id }) => id), ...history.removed.map(({ id }) => id)]);
  const missing = before.backups.filter(
    ({ id, facts, odd, accepted }) =>
      !there.has(id) && facts !== undefined && odd === undefined && accepted === undefined,
  );
  const known = (before.gone?.ids ?? []).filter((id) => !there.has(id));
  const back = (before.gone?.ids.length ?? 0) - known.length;
  const [own, adopted] = [missing.filter((one) => !isAdopted(one)), missing.filter(isAdopted)];
  const all = [...before.backups, ...entries].filter((one) => !isAdopted(one));
  const idsOf = (some: typeof missing): BackupId[] => some.map(({ id }) => id as BackupId);
  const kept =
    own.length === 0
      ? []
      : [memory, before.policy ?? memory].reduce((ids, policy) => keptOf(ids, all, policy, now), idsOf(own));
  const fresh = [...kept, ...idsOf(adopted)].sort();
  const count = (before.gone?.count ?? 0) - back + fresh.length;
  if (count <= 0) return undefined;
  const ever = new Set([...before.backups, ...entries].map(({ id }) => id));
  const of = fresh.length === 0 ? (before.gone?.of ?? count) : Math.max(before.gone?.of ?? 0, ever.size);
  return { count, of, ids: [...new Set([...known, ...fresh])].slice(-mostIds) };
}

/**
 * Those that the retention keeps among everything that was and is there, whatever the verdicts: so none is missed whose
 * place another backup may have taken.
 */
function keptOf(
  missing: readonly BackupId[],
  entries: Ledger['backups'],
  { retention, timeZone }: Pick<SourceRules, 'retention' | 'timeZone'>,
  now: Date,
): BackupId[] {
  if (retention === undefined) return [];
  const odd = new Set(entries.flatMap(({ id, odd: why }) => (why === undefined ? [] : [id])));
  const ids = [...new Set(entries.map(({ id }) => id as BackupId))].filter((id) => !odd.has(id) && startOf(id) <= now);
  const kept = new Set(
    planRetention(
      ids.map((id) => ({ id, start: startOf(id) })),
      retention,
      timeZone,
    ).flatMap(({ id, reasons }) => (reasons.length > 0 ? [id] : [])),
  );
  return missing.filter((id) => kept.has(id));
}
