import type { SourceHistory } from '../verdict/history.ts';
import { startOf } from '../keys.ts';
import type { BackupId } from '../keys.ts';
import type { FailureRecord } from '../layout/records.ts';
import { begunBy, latenessMs, momentOf, momentsOf } from '../time/schedule.ts';
import type { Schedule } from '../time/schedule.ts';

/**
 * The outcome of a scheduled moment. `made`: its complete backup began in time; `late`: it began later. `failed`: its
 * run recorded that. `killed`: its run began and ended without a record. `missed`: nothing began. Not over yet:
 * `running`, and `due` while a run may still begin.
 */
export type MomentOutcome = 'made' | 'late' | 'failed' | 'killed' | 'missed' | 'running' | 'due';

/**
 * `id`: the backup that was made, or would have been. `code`: why it failed. `busy`: the previous run was still at
 * work, so no other could begin. `began`: when a run began that was too late for this moment, but before the next.
 */
export type Moment = {
  at: Date;
  outcome: MomentOutcome;
  id?: BackupId | undefined;
  code?: string | undefined;
  busy?: true | undefined;
  began?: Date | undefined;
};

/**
 * What a check remembers: since when it has known this schedule, the newest moment without a backup that it found, and
 * the outcomes of the last ones, because rotation removes backups and records.
 */
export type ScheduleView = { since: Date; found?: Date | undefined; past?: readonly Moment[] | undefined };

/**
 * What exists of a source. How long each backup took comes from its manifest, because objects get new dates when a
 * vault is copied.
 */
export type Records = Pick<SourceHistory, 'failures' | 'starts' | 'leased'> & {
  backups: readonly { id: BackupId; start: Date; ms: number | undefined }[];
  /** Whether rotation may have removed a backup with this start. */
  isLetGo?: ((start: Date) => boolean) | undefined;
};

type StartedRun = { id: BackupId; start: Date; run: string | undefined };
type Around = { runs: StartedRun[]; failures: FailureRecord[] };

/** How many moments a check looks back. */
const looked = 30;
/**
 * A run at work writes its lease each minute, and it holds for five; the clocks of vault and checker may differ by as
 * much.
 */
const aliveMs = 10 * 60_000;

/** The outcomes of the last moments of a schedule since it is known, oldest first; each once. */
export function outcomesOf(schedule: Schedule, { since, past = [] }: ScheduleView, seen: Records, now: Date): Moment[] {
  const moments = momentsOf(schedule, now, looked).filter((at) => at > since);
  const around = assigned(schedule, moments, seen);
  const known = new Map(past.map((one) => [one.at.getTime(), one]));
  return moments.map((at, index) => {
    const later = (one: Moment): Moment => withLateRun(one, moments[index + 1] ?? now, { schedule, seen });
    const near = around.get(at.getTime()) ?? { runs: [], failures: [] };
    const before = known.get(at.getTime());
    if (before === undefined) return later(outcomeOf(at, near, { schedule, seen, now }));
    const look = (): Moment => outcomeOf(at, near, { schedule, seen: { ...seen, isLetGo: undefined }, now });
    return later(settled(before, look));
  });
}

/** An outcome once found stays, except that a backup may still come. */
function settled(before: Moment, look: () => Moment): Moment {
  if (isMade(before)) return before;
  const now = look();
  return isMade(now) || now.outcome === 'running' ? now : before;
}

/** Adds to a missed moment the run that began after it, which counts as made by hand. */
function withLateRun(
  missed: Moment,
  until: Date,
  { schedule, seen: { starts, backups } }: { schedule: Schedule; seen: Records },
): Moment {
  if (missed.outcome !== 'missed') return missed;
  const recorded = new Set(starts.map(({ id }) => id));
  const byHand = starts.flatMap(({ id, meant }) => (meant === undefined ? [startOf(id)] : []));
  const unrecorded = backups.flatMap(({ id, start }) => (recorded.has(id) ? [] : [start]));
  const between = (start: Date): boolean => start > missed.at && start < until;
  const [began] = [
    ...byHand.filter(between),
    ...unrecorded.filter((start) => between(start) && momentOf(schedule, start) === undefined),
  ].toSorted((a, b) => a.getTime() - b.getTime());
  return began === undefined ? missed : { ...missed, began };
}

function isMade({ outcome }: Moment): boolean {
  return outcome === 'made' || outcome === 'late';
}

/**
 * The moments without a backup that are to be told: those not told before, and the latest ones, whose alert ends when a
 * later one is made. A moment at which the previous run was still at work is no loss: that run's backup counts.
 */
export function unmade(moments: readonly Moment[], { found }: ScheduleView, schedule: Schedule, now: Date): Moment[] {
  const lastMade = moments.findLastIndex(isMade);
  return moments.filter(({ at, outcome, busy }, index) => {
    const isLast = index > lastMade;
    const isNew = found === undefined || at > found;
    const isLost = outcome === 'missed' || outcome === 'killed' || (outcome === 'failed' && isLast);
    return isLost && busy === undefined && now.getTime() > begunBy(schedule, at) && (isLast || isNew);
  });
}

/** Assigns runs and failures to their moments; backups and failures without a record of a start, by their time. */
function assigned(
  schedule: Schedule,
  moments: readonly Date[],
  { backups, failures, starts }: Records,
): Map<number, Around> {
  const around = new Map(moments.map((at): [number, Around] => [at.getTime(), { runs: [], failures: [] }]));
  const first = (moments[0]?.getTime() ?? Number.POSITIVE_INFINITY) - latenessMs;
  const recorded = new Set<BackupId>(starts.map(({ id }) => id));
  for (const { id, run, meant } of starts)
    around.get(meant?.getTime() ?? Number.NaN)?.runs.push({ id, start: startOf(id), run });
  for (const { id, start } of backups) {
    if (recorded.has(id) || start.getTime() < first) continue;
    around.get(momentOf(schedule, start)?.getTime() ?? Number.NaN)?.runs.push({ id, start, run: undefined });
  }
  for (const failure of failures) {
    if (failure.at.getTime() < first) continue;
    const began = starts.findLast(({ id, run }) => run === failure.run && startOf(id) <= failure.at);
    const moment = began === undefined ? momentOf(schedule, failure.at) : began.meant;
    around.get(moment?.getTime() ?? Number.NaN)?.failures.push(failure);
  }
  return around;
}

function outcomeOf(
  at: Date,
  { runs, failures }: Around,
  { schedule, seen, now }: { schedule: Schedule; seen: Records; now: Date },
): Moment {
  const complete = new Set<BackupId>(seen.backups.map(({ id }) => id));
  const inOrder = runs.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const made = inOrder.find(({ id }) => complete.has(id));
  if (made !== undefined)
    return { at, outcome: made.start.getTime() <= begunBy(schedule, at) ? 'made' : 'late', id: made.id };
  const last = inOrder.at(-1);
  const failure = failures.at(-1);
  if (last !== undefined && isAlive(last, seen, now) && !endedBy(last, failure))
    return { at, outcome: 'running', id: last.id };
  if (failure !== undefined && (last === undefined || endedBy(last, failure)))
    return { at, outcome: 'failed', code: failure.code, id: last?.id };
  if (last !== undefined)
    return seen.isLetGo?.(last.start) === true
      ? { at, outcome: 'made', id: last.id }
      : { at, outcome: 'killed', id: last.id };
  if (now.getTime() <= begunBy(schedule, at)) return { at, outcome: 'due' };
  if (isBusy(at, seen, now)) return { at, outcome: 'missed', busy: true };
  // without records of starts, a backup that rotation has removed leaves no trace
  return { at, outcome: seen.starts.length === 0 && seen.isLetGo?.(at) === true ? 'made' : 'missed' };
}

function endedBy({ start }: StartedRun, failure: FailureRecord | undefined): boolean {
  return failure !== undefined && failure.at >= start;
}

/**
 * Whether a run is alive: it was the last to begin, and its lease is being renewed; a later run would have taken the
 * lease over.
 */
function isAlive({ id }: StartedRun, { starts, leased }: Pick<Records, 'starts' | 'leased'>, now: Date): boolean {
  return starts.at(-1)?.id === id && leased !== undefined && Math.abs(now.getTime() - leased.getTime()) <= aliveMs;
}

/** The run that is making a backup at this moment, as far as a listing tells. */
export function runAtWork(
  seen: Pick<SourceHistory, 'failures' | 'starts' | 'leased'> & { backups: readonly { id: BackupId }[] },
  now: Date,
): { id: BackupId; start: Date } | undefined {
  const last = seen.starts.at(-1);
  if (last === undefined || seen.backups.some(({ id }) => id === last.id)) return undefined;
  const run = { ...last, start: startOf(last.id) };
  const failure = seen.failures.find((one) => one.run === run.run && endedBy(run, one));
  return failure === undefined && isAlive(run, seen, now) ? run : undefined;
}

/** Whether another run began before this moment and made its backup after it, or is still at work. */
function isBusy(at: Date, seen: Records, now: Date): boolean {
  const last = seen.starts.at(-1);
  const isOpen =
    last !== undefined &&
    startOf(last.id) < at &&
    isAlive({ ...last, start: startOf(last.id) }, seen, now) &&
    !seen.backups.some(({ id }) => id === last.id);
  return isOpen || seen.backups.some(({ start, ms = 0 }) => start < at && start.getTime() + ms > at.getTime());
}
