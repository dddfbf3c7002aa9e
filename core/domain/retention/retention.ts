import { tiers } from '../../contract/manifest/manifest.ts';
import type { Tier } from '../../contract/manifest/manifest.ts';
import type { Retention } from '../../contract/config/settings/settings.ts';
import { calendarOf } from '../time/calendar.ts';
import type { Calendar } from '../time/calendar.ts';
import type { BackupId } from '../keys.ts';
import { formatDuration } from '../units.ts';

/** A complete backup, as far as retention depends on it. */
export type Candidate = { id: BackupId; start: Date };

/**
 * Why a backup is kept. `place` counts from the newest, up to `of`; `oldest`: it is the first backup of the history,
 * and holds a place that nothing else fills.
 */
export type Reason =
  | { rule: Tier; place: number; of: number; period: string; oldest: boolean }
  | { rule: 'count'; place: number; of: number }
  | { rule: 'within'; ms: number }
  | {
      rule:
        | 'pinned'
        | 'adopted'
        | 'last-good'
        | 'last-proven'
        | 'last-full'
        | 'most-rows'
        | 'unreadable'
        | 'misdated'
        | 'damaged';
    };

/** Whether a backup is kept: it is if there is any reason. */
export type Decision = { id: BackupId; reasons: Reason[] };

/**
 * Which backups a policy keeps, oldest first, by the rules of restic's `forget`. A tier keeps the newest backup of each
 * of the newest periods that have one, as many as it has places; while places are left, it also keeps the oldest
 * backup. `keepWithin` counts back from the newest backup, not from now, so that a source whose backups have stopped
 * loses nothing. Each tier counts separately.
 */
export function planRetention(backups: readonly Candidate[], retention: Retention, timeZone: string): Decision[] {
  const newestFirst = backups.toSorted((a, b) => b.start.getTime() - a.start.getTime() || (a.id < b.id ? 1 : -1));
  const reasons = new Map<BackupId, Reason[]>(newestFirst.map(({ id }) => [id, []]));
  const give = (id: BackupId, reason: Reason): void => void reasons.get(id)!.push(reason);
  if ('count' in retention) {
    newestFirst
      .slice(0, retention.count)
      .forEach(({ id }, index) => give(id, { rule: 'count', place: index + 1, of: retention.count }));
  } else {
    const calendar = calendarOf(timeZone);
    for (const tier of tiers)
      for (const [id, reason] of placesOf(newestFirst, tier, retention[tier], calendar)) give(id, reason);
    const from = (newestFirst[0]?.start.getTime() ?? 0) - retention.keepWithinMs;
    for (const { id, start } of newestFirst)
      if (start.getTime() > from) give(id, { rule: 'within', ms: retention.keepWithinMs });
  }
  return newestFirst.toReversed().map(({ id }) => ({ id, reasons: reasons.get(id)! }));
}

/** The tiers that a backup counts for. */
export function tiersOf({ reasons }: Pick<Decision, 'reasons'>): Tier[] {
  return tiers.filter((tier) => reasons.some(({ rule }) => rule === tier || (tier === 'last' && rule === 'count')));
}

/** A reason as people read it, at most 35 characters: `daily 3 of 7 (2026-11-18)`. */
export function reasonText(reason: Reason): string {
  switch (reason.rule) {
    case 'count':
    case 'last':
      return `last ${reason.place} of ${reason.of}`;
    case 'within':
      return `within ${formatDuration(reason.ms)} of the newest`;
    case 'pinned':
      return 'pinned';
    case 'adopted':
      return 'adopted: a person’s to remove';
    case 'last-good':
      return 'the last good one';
    case 'last-proven':
      return 'the last one that was proven';
    case 'last-full':
      return 'the last full one, until accepted';
    case 'most-rows':
      return 'the most rows, until accepted';
    case 'misdated':
      return 'its date is wrong: left alone';
    case 'unreadable':
      return 'unreadable: left alone';
    case 'damaged':
      return 'damaged: takes no good one’s place';
    default:
      return `${reason.rule} ${reason.place} of ${reason.of} (${reason.oldest ? 'the oldest' : reason.rule === 'hourly' ? reason.period.slice(5) : reason.period})`;
  }
}

function placesOf(
  newestFirst: readonly Candidate[],
  tier: Tier,
  places: number,
  calendar: Calendar,
): [BackupId, Reason][] {
  const kept: [BackupId, Reason][] = [];
  let before: string | undefined;
  for (const [index, { id, start }] of newestFirst.entries()) {
    if (kept.length === places) break;
    const period = tier === 'last' ? `${index}` : calendar(start, tier);
    const oldest = period === before && index === newestFirst.length - 1;
    if (period !== before || oldest)
      kept.push([id, { rule: tier, place: kept.length + 1, of: places, period, oldest }]);
    before = period;
  }
  return kept;
}
