import type { Watch } from '../contract/config-watch.ts';
import { medianOf, shrinkingOf } from './anomaly.ts';
import type { Measure, Shrinking } from './anomaly.ts';
import { calendarOf } from './calendar.ts';
import { emptyHistory } from './history.ts';
import type { BackupFound, SourceHistory } from './history.ts';
import { startOf } from './keys.ts';
import type { BackupId, SourceName } from './keys.ts';
import { moment, span } from './message-text.ts';
import type { Standing } from './messages.ts';
import { gapMs } from './schedule.ts';

/** Who is judged, and by what. `place`: the vault, as people write it. */
export type Watched = { source: SourceName; place: string; watch: Watch; timeZone: string };

/** What was seen of a source: a listing, and what the manifests of its newest backups hold (oldest first). */
export type Seen = { history: SourceHistory; measures: readonly Measure[]; unreadable: readonly { id: BackupId; why: string }[] };

/** One thing that a check finds. `unknown` with `whole` is about all of the source, else about one of its backups. */
export type Finding =
  | { kind: 'never' | 'stale' }
  | { kind: 'unknown'; whole: boolean; why: string; hint?: string | undefined }
  | ({ kind: 'shrunk' } & Shrinking)
  | { kind: 'overdue-drill'; everyMs: number }
  | { kind: 'paused'; until: string | undefined };

/** How a source stands, and everything that was found, the gravest first. None is `fresh`. */
export type Judgement = { standing: Standing; state: 'fresh' | Finding['kind']; findings: Finding[] };

/** What a schedule's limit leaves for a backup that starts late. */
const lateMs = 3_600_000;
/** Clocks may differ by this much. */
const clocksMs = 5 * 60_000;
/** How many of the last backups tell how long one takes. */
const usualOf = 7;

/** Judges a source by what was seen of it. Everything is looked at, not only until something is found; while it is paused, nothing counts. */
export function judge(watched: Watched, { history, measures, unreadable }: Seen, now: Date): Judgement {
  const dated = measures.filter(({ id }) => startOf(id).getTime() <= now.getTime() + clocksMs);
  const newest = dated.at(-1);
  const standing = standingOf(watched, history, dated, now);
  const paused = pauseOf(watched, now);
  if (paused !== undefined) return judged(standing, [paused]);
  const doubts = [...futureDoubts(history, now), ...unreadable.map(({ id, why }) => doubt(`the backup ${id} can't be read: ${why}`, 'was it written by a newer Nightjar, or changed by hand?'))];
  if (newest === undefined) return judged(standing, doubts.length === 0 ? [{ kind: 'never' }] : doubts);
  const shrinking = shrinkingOf(dated, watched.watch.shrink, watched.timeZone);
  return judged(standing, [
    ...(now.getTime() - startOf(newest.id).getTime() > standing.limitMs ? [{ kind: 'stale' } as const] : []),
    ...doubts,
    ...(shrinking === undefined ? [] : [{ kind: 'shrunk', ...shrinking } as const]),
    ...overdueDrill(watched, history, now),
  ]);
}

/** What is left to say of a source whose part of the vault can't be read. A pause goes before it. */
export function unseen(watched: Watched, { why, hint }: { why: string; hint?: string | undefined }, now: Date): Judgement {
  return judged(standingOf(watched, emptyHistory(watched.source), [], now), [pauseOf(watched, now) ?? { kind: 'unknown', whole: true, why, hint }]);
}

/** Oldest that the newest backup may be: the configured limit, or what the schedule leaves until the next one, the window in which it may start, and an hour; and the usual duration on top. */
export function limitOf({ watch: { limit }, timeZone }: Watched, start: Date, usualMs: number): number {
  return ('ms' in limit ? limit.ms : gapMs(limit.schedule, start, timeZone) + lateMs + (limit.windowMs ?? 0)) + usualMs;
}

function standingOf(watched: Watched, history: SourceHistory, dated: readonly Measure[], now: Date): Standing {
  const newest = history.backups.find(({ id }) => id === dated.at(-1)?.id);
  const usualMs = medianOf(dated.slice(-usualOf).map(({ ms }) => ms)) ?? 0;
  const failures = history.failures.filter(({ at }) => newest === undefined || at > newest.start);
  const last = failures.at(-1);
  return {
    source: watched.source,
    place: watched.place,
    limitMs: limitOf(watched, newest?.start ?? now, usualMs),
    newest: newest?.id,
    proven: history.backups.findLast(isProven)?.id,
    failures: failures.length,
    lastFailure: last && `${last.code}, ${moment(last.at)}`,
    count: history.backups.length,
  };
}

/** Restored and compared, and nothing bad was seen of it since. Reading it again is not enough: bytes may be whole and not restore. */
function isProven({ proofs }: BackupFound): boolean {
  const last = proofs.findLast(({ kind, outcome }) => kind !== 'verify' || outcome === 'failed');
  return last?.outcome === 'passed';
}

function pauseOf({ watch: { paused }, timeZone }: Watched, now: Date): Finding | undefined {
  const until = typeof paused === 'object' ? paused.until : undefined;
  const over = paused === false || (until !== undefined && calendarOf(timeZone)(now, 'daily') >= until);
  return over ? undefined : { kind: 'paused', until };
}

/** A backup of the future would look fresh until its day has come. */
function futureDoubts({ backups }: SourceHistory, now: Date): Finding[] {
  const ahead = backups.filter(({ start }) => start.getTime() > now.getTime() + clocksMs);
  const last = ahead.at(-1);
  return last === undefined ? [] : [doubt(`the backup ${last.id} is dated ${span(last.start.getTime() - now.getTime())} in the future`, 'a clock is wrong, here or where the backup was made')];
}

function overdueDrill({ watch: { drillEveryMs } }: Watched, { backups }: SourceHistory, now: Date): Finding[] {
  const proven = backups.findLast(isProven);
  const due = drillEveryMs !== undefined && (proven === undefined || now.getTime() - proven.start.getTime() > drillEveryMs);
  return due ? [{ kind: 'overdue-drill', everyMs: drillEveryMs }] : [];
}

function doubt(why: string, hint: string): Finding {
  return { kind: 'unknown', whole: false, why, hint };
}

function judged(standing: Standing, findings: Finding[]): Judgement {
  return { standing, state: findings[0]?.kind ?? 'fresh', findings };
}
