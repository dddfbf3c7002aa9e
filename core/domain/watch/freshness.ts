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

/** A removal takes seconds, so one that began this long ago has died. */
const removalMs = 15 * 60_000;

/** How a copy is judged. */
export type WatchedCopy = Pick<CopySettings, 'vault' | 'freshnessMs'>;

/** Who is judged, and how. `place`: the vault, as people write it. `on`: the server that it is on. */
export type WatchedSource = {
  source: SourceName;
  place: string;
  watch: WatchSettings;
  timeZone: string;
  retention?: Retention;
  /** Its backups have to be encrypted. */
  encrypted?: boolean;
  on?: string | undefined;
  gone?: SourceStanding['gone'];
  copies?: readonly WatchedCopy[];
};

/** What was found of a source: a listing, the verdicts, and the outcomes of its scheduled moments, if known. */
export type Seen = { history: SourceHistory; verdict: SourceVerdict; expectation?: Expectation | undefined };

/**
 * One finding of a check. `unknown` with `whole` is about the whole source, else about one of its backups;
 * `copy-behind`: about one further vault, with the newest backup that it has.
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

/** How a copy stands; `unknown` if it could not be judged. `limitMs`: how old its newest backup may be. */
export type CopyStanding = {
  vault: string;
  state: 'fresh' | 'behind' | 'unknown';
  newest?: BackupId | undefined;
  limitMs?: number;
};

/** How a source stands, and everything that was found, the gravest first. Without findings it is `fresh`. */
export type Judgement = {
  standing: SourceStanding;
  state: 'fresh' | Finding['kind'];
  findings: Finding[];
  expectation?: Expectation | undefined;
  /** For each configured copy, if copies were looked at. */
  copies?: readonly CopyStanding[];
};

/** The allowance in a schedule's limit for a backup that starts late. */
const lateMs = 3_600_000;
/** How many of the last backups tell how long one usually takes. */
const usualOf = 7;

/**
 * Judges a source by its verdicts. Looks at everything, not only until the first finding; while the source is paused,
 * findings don't count.
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
 * Where the scheduled moments decide and none is missing, a backup may be as old as it will be when the next one has to
 * begin: after a pause, or a skipped night, that is more than the schedule usually allows.
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
 * The age decides if it has its own limit, or if the schedule's moments are not known; otherwise the moments decide.
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

/** Whether there is no backup only because the first one is being made, and that has not taken too long. */
export function isFirstAtWork({ standing: { newest, running, limitMs }, findings }: Judgement, now: Date): boolean {
  const never = newest === undefined && findings.some(({ kind }) => kind === 'never');
  return never && running !== undefined && now.getTime() - running.getTime() <= limitMs;
}

/** Adds that a source's lease keeps every run out: the reason why nothing came, or nothing will. */
export function withStuckLease(judgement: Judgement, why: string): Judgement {
  const findings: Finding[] = [{ kind: 'lease-stuck', why }, ...judgement.findings];
  return { ...judgement, findings, state: findings[0]!.kind };
}

/** What can be said of a source whose part of the vault can't be read. A pause takes precedence. */
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
 * How old the newest backup may be: the configured limit, or the schedule's time until the next one plus the window in
 * which it may start and an hour; plus the usual duration.
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

/** If neither backups nor the memory of them are left, somebody has removed both: how many there were is unknown. */
function goneFinding({ gone, lost, backups }: SourceVerdict): Finding[] {
  if (gone === undefined)
    return lost !== undefined && backups.length === 0 ? [{ kind: 'gone', count: 0, of: 0, ids: [] }] : [];
  return [{ kind: 'gone', ...gone }];
}

/**
 * Every damaged backup that nobody has accepted. A manifest that can't be understood says nothing about its parts: that
 * is a doubt.
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

/** Until a removal has ended, its record hides a loss of the backup. A removal deletes the manifest first. */
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

/** A backup dated in the future would look fresh until its day has come. */
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
