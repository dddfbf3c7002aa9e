import type { CopySettings } from '../../contract/config/vaults/copies.ts';
import type { Retention } from '../../contract/config/settings/settings.ts';
import type { WatchSettings } from '../../contract/config/settings/watch.ts';
import type { Ledger, Other, Shrinking } from '../../contract/memory/ledger.ts';
import { runAtWork } from './expectation.ts';
import type { Moment } from './expectation.ts';
import type { Expectation } from './expected.ts';
import { bytesTogether, emptyHistory } from '../verdict/history.ts';
import type { SourceHistory } from '../verdict/history.ts';
import type { BackupId, SourceName } from '../keys.ts';
import { moment, unsignedHint, word } from '../messages/text.ts';
import type { SourceStanding } from '../messages/findings/standing.ts';
import { isPaused } from '../time/pause.ts';
import { scheduleOf } from '../time/planned.ts';
import { begunBy, gapMs, nextMoment } from '../time/schedule.ts';
import { medianOf } from '../units.ts';
import { removalKey } from '../layout/records.ts';
import { isUnread } from '../verdict/verdict.ts';
import type { SourceVerdict, Verdict } from '../verdict/verdict.ts';

/** A removal takes seconds: so long after its beginning it has died. */
const removalMs = 15 * 60_000;

/** By what a copy is judged. */
export type WatchedCopy = Pick<CopySettings, 'vault' | 'freshnessMs'>;

/** Who is judged, and by what. `place`: the vault, as people write it. `on`: the server that it is on. */
export type WatchedSource = {
  source: SourceName;
  place: string;
  watch: WatchSettings;
  timeZone: string;
  retention?: Retention;
  /** Its backups have to be. */
  encrypted?: boolean;
  on?: string | undefined;
  gone?: SourceStanding['gone'];
  copies?: readonly WatchedCopy[];
};

/**
 * What was seen of a source: a listing, what its backups are worth, and what became of the moments of its schedule,
 * where those are known.
 */
export type Seen = { history: SourceHistory; verdict: SourceVerdict; expectation?: Expectation | undefined };

/**
 * One thing that a check finds. `unknown` with `whole` is about all of the source, else about one of its backups;
 * `copy-behind`: of one further vault, and the newest backup that it has.
 */
export type Finding =
  | { kind: 'never' | 'stale' }
  | { kind: 'missed'; moments: readonly Moment[] }
  | { kind: 'lease-stuck'; why: string }
  | ({ kind: 'gone' } & NonNullable<Ledger['gone']>)
  | { kind: 'damaged'; backups: { id: BackupId; why: string }[] }
  | ({ kind: 'other-database'; id: BackupId } & Other)
  | { kind: 'unknown'; whole: boolean; why: string; hint?: string | undefined }
  | ({ kind: 'shrunk'; id: BackupId } & Shrinking)
  | { kind: 'copy-behind'; vault: string; newest: BackupId | undefined; limitMs: number }
  | { kind: 'overdue-drill'; everyMs: number }
  | { kind: 'paused'; until: string | undefined };

/** How a copy stands; `unknown` where that could not be judged. `limitMs`: how old its newest backup may be. */
export type CopyStanding = {
  vault: string;
  state: 'fresh' | 'behind' | 'unknown';
  newest?: BackupId | undefined;
  limitMs?: number;
};

/** How a source stands, and everything that was found, the gravest first. None is `fresh`. */
export type Judgement = {
  standing: SourceStanding;
  state: 'fresh' | Finding['kind'];
  findings: Finding[];
  expectation?: Expectation | undefined;
  /** Of each copy that the configuration asks for, where copies were looked at. */
  copies?: readonly CopyStanding[];
};

/** What a schedule's limit leaves for a backup that starts late. */
const lateMs = 3_600_000;
/** How many of the last backups tell how long one takes. */
const usualOf = 7;

/**
 * Judges a source by what its backups are worth. Everything is looked at, not only until something is found; while it
 * is paused, nothing counts.
 */
export function judge(watched: WatchedSource, seen: Seen, now: Date): Judgement {
  const { verdict } = seen;
  const standing = standingOf(watched, seen, now);
  const paused = pauseOf(watched, now);
  if (paused !== undefined) return judged(standing, [paused]);
  const doubts = [...doubtsOf(watched.source, verdict), ...halfRemoved(seen.history, now)];
  const missing = [...goneFinding(verdict), ...damagedFinding(verdict)];
  const { newest } = verdict;
  const found = [...missing, ...doubts];
  if (newest === undefined)
    return judged(
      standing,
      found.length === 0 ? [{ kind: 'never' }] : [...found, ...overdueDrill(watched, verdict, now)],
    );
  const findings = judged(standing, [
    ...staleness(watched, seen, newest.start, standing.limitMs, now),
    ...missing,
    ...(newest.other === undefined ? [] : [{ kind: 'other-database', id: newest.id, ...newest.other } as const]),
    ...doubts,
    ...(newest.shrunk === undefined ? [] : [{ kind: 'shrunk', id: newest.id, ...newest.shrunk } as const]),
    ...overdueDrill(watched, verdict, now),
  ]);
  const limitMs = limitByMoments(watched, seen.expectation, standing.limitMs, newest.start, now);
  return { ...findings, standing: { ...standing, limitMs }, expectation: seen.expectation };
}

/**
 * Where the moments of a schedule decide and none is missing, a backup may be as old as it is when the next one has to
 * have begun: after a pause, or a night that the clock leaves out, that is more than the schedule usually leaves.
 */
function limitByMoments(
  watched: WatchedSource,
  expectation: Expectation | undefined,
  limitMs: number,
  newest: Date,
  now: Date,
): number {
  const schedule = scheduleOf(watched);
  const isOver = now.getTime() - newest.getTime() > limitMs;
  const decides = expectation !== undefined && expectation.lost.length === 0 && !('ms' in watched.watch.limit);
  if (schedule === undefined || !decides || !isOver) return limitMs;
  const due = expectation.moments.find(({ outcome }) => outcome === 'due')?.at ?? nextMoment(schedule, now);
  return due === undefined ? limitMs : Math.max(limitMs, begunBy(schedule, due) - newest.getTime());
}

/**
 * Age decides where it is limited by itself, or where nobody knows what was to come of the schedule; the moments of the
 * schedule do, where that is known.
 */
function staleness(
  { watch: { limit } }: WatchedSource,
  { expectation }: Seen,
  newest: Date,
  limitMs: number,
  now: Date,
): Finding[] {
  const byAge = 'ms' in limit || expectation === undefined;
  return [
    ...(byAge && now.getTime() - newest.getTime() > limitMs ? [{ kind: 'stale' } as const] : []),
    ...(expectation === undefined || expectation.lost.length === 0
      ? []
      : [{ kind: 'missed', moments: expectation.lost } as const]),
  ];
}

/** Whether nothing is there only because the first backup is being made, and has not been for too long. */
export function isFirstAtWork({ standing: { newest, running, limitMs }, findings }: Judgement, now: Date): boolean {
  const never = newest === undefined && findings.some(({ kind }) => kind === 'never');
  return never && running !== undefined && now.getTime() - running.getTime() <= limitMs;
}

/** Adds that the lease of a source keeps every run out: why nothing has come, or nothing will. */
export function withStuckLease(judgement: Judgement, why: string): Judgement {
  const findings: Finding[] = [{ kind: 'lease-stuck', why }, ...judgement.findings];
  return { ...judgement, findings, state: findings[0]!.kind };
}

/** What is left to say of a source whose part of the vault can't be read. A pause goes before it. */
export function unseen(
  watched: WatchedSource,
  { why, hint }: { why: string; hint?: string | undefined },
  now: Date,
): Judgement {
  const nothing: SourceVerdict = {
    backups: [],
    adopted: [],
    newest: undefined,
    full: undefined,
    proven: undefined,
    hold: [],
    gone: undefined,
    lost: undefined,
  };
  const standing = standingOf(watched, { history: emptyHistory(watched.source), verdict: nothing }, now);
  return judged(standing, [pauseOf(watched, now) ?? { kind: 'unknown', whole: true, why, hint }]);
}

/**
 * Oldest that the newest backup may be: the configured limit, or what the schedule leaves until the next one, the
 * window in which it may start, and an hour; and the usual duration on top.
 */
export function limitOf({ watch: { limit }, timeZone }: WatchedSource, start: Date, usualMs: number): number {
  return ('ms' in limit ? limit.ms : gapMs(limit.schedule, start, timeZone) + lateMs + (limit.windowMs ?? 0)) + usualMs;
}

function standingOf(
  watched: WatchedSource,
  { history, verdict: { backups, newest, full, proven, hold } }: Seen,
  now: Date,
): SourceStanding {
  const usualMs =
    medianOf(
      backups
        .filter(({ good }) => good)
        .slice(-usualOf)
        .flatMap(({ ms }) => ms ?? []),
    ) ?? 0;
  const failures = history.failures.filter(({ at }) => newest === undefined || at > newest.start);
  const last = failures.at(-1);
  return {
    source: watched.source,
    place: watched.place,
    timeZone: watched.timeZone,
    on: watched.on,
    gone: watched.gone,
    drillEveryMs: watched.watch.drillEveryMs,
    shrink: watched.watch.shrink,
    limitMs: limitOf(watched, newest?.start ?? now, usualMs),
    newest: newest?.id,
    full: full?.id,
    most: hold.find((id) => id !== full?.id),
    proven: proven?.id,
    running: runAtWork(history, now)?.start,
    failures: failures.length,
    lastFailure: last && `${last.code}, ${moment(last.at, watched.timeZone)}`,
    count: history.backups.length,
    storedBytes: bytesTogether(history.backups.flatMap(({ objects }) => objects)),
  };
}

function pauseOf(watched: WatchedSource, now: Date): Finding | undefined {
  const { paused } = watched.watch;
  return isPaused(watched, now)
    ? { kind: 'paused', until: typeof paused === 'object' ? paused.until : undefined }
    : undefined;
}

/**
 * Where neither a backup nor the memory of them is left, somebody has removed both: how many there were, nobody knows.
 */
function goneFinding({ gone, lost, backups }: SourceVerdict): Finding[] {
  if (gone === undefined)
    return lost !== undefined && backups.length === 0 ? [{ kind: 'gone', count: 0, of: 0, ids: [] }] : [];
  return [{ kind: 'gone', ...gone }];
}

/**
 * Every damaged backup that nobody has accepted as such. That a manifest can't be understood says nothing of its parts:
 * it is a doubt.
 */
function damagedFinding({ backups, adopted }: SourceVerdict): Finding[] {
  const damaged = [...backups, ...adopted].flatMap(({ id, damage, accepted }) =>
    damage === undefined || isUnread(damage) || accepted ? [] : [{ id, why: damage.why }],
  );
  return damaged.length === 0 ? [] : [{ kind: 'damaged', backups: damaged }];
}

function doubtsOf(source: SourceName, { backups, adopted, lost }: SourceVerdict): Finding[] {
  const told = [...backups, ...adopted].filter(({ accepted }) => !accepted);
  return [
    ...told.flatMap((one) => misdatedDoubt(source, one)),
    ...told.flatMap(unreadDoubt),
    ...(lost === undefined || backups.length === 0
      ? []
      : [
          doubt(
            `what the vault remembered of this source is lost: ${lost}`,
            `look whether its backups hold what they should, then: nightjar accept ${word(source)}`,
          ),
        ]),
  ];
}

/** Until a removal has ended, its word keeps a loss of the backup from being seen. The manifest goes first of all. */
function halfRemoved({ source, removed, backups }: SourceHistory, now: Date): Finding[] {
  const there = new Set(backups.map(({ id }) => id));
  return removed
    .filter(({ id, at }) => there.has(id) && now.getTime() - at.getTime() > removalMs)
    .map(({ id }) =>
      doubt(
        `the removal of ${id} has begun and has not ended: if the backup were lost now, nobody would be told`,
        `end it: nightjar remove ${word(source)} ${id} --reason …; or, to keep the backup, delete ` +
          `${removalKey(source, id)} in the vault`,
      ),
    );
}

function unreadDoubt({ id, damage }: Verdict): Finding[] {
  if (!isUnread(damage)) return [];
  return damage.kind === 'unsigned'
    ? [doubt(`the backup ${id} is not to be trusted: ${damage.why}`, unsignedHint)]
    : [
        doubt(
          `the backup ${id} can't be read: ${damage.why}`,
          'was it written by a newer Nightjar, or changed by hand?',
        ),
      ];
}

/** A backup of the future would look fresh until its day has come. */
function misdatedDoubt(source: SourceName, { misdated }: Verdict): Finding[] {
  if (misdated === undefined) return [];
  if (misdated.kind === 'future') return [doubt(misdated.why, 'a clock is wrong, here or where the backup was made')];
  return [
    doubt(
      misdated.why,
      `who wrote it? It counts for nothing; if you put it there yourself: nightjar accept ${word(source)}`,
    ),
  ];
}

function overdueDrill({ watch: { drillEveryMs } }: WatchedSource, { proven }: SourceVerdict, now: Date): Finding[] {
  const due =
    drillEveryMs !== undefined && (proven === undefined || now.getTime() - proven.start.getTime() > drillEveryMs);
  return due ? [{ kind: 'overdue-drill', everyMs: drillEveryMs }] : [];
}

function doubt(why: string, hint: string): Finding {
  return { kind: 'unknown', whole: false, why, hint };
}

function judged(standing: SourceStanding, findings: Finding[]): Judgement {
  return { standing, state: findings[0]?.kind ?? 'fresh', findings };
}
