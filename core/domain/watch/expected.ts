import type { Retention } from '../../contract/config/settings/settings.ts';
import type { WatchSettings } from '../../contract/config/settings/watch.ts';
import type { Ledger } from '../../contract/memory/ledger.ts';
import { outcomesOf, unmade } from './expectation.ts';
import type { Moment } from './expectation.ts';
import type { SourceHistory } from '../verdict/history.ts';
import { newBackupId } from '../keys.ts';
import { isPaused } from '../time/pause.ts';
import { scheduleOf } from '../time/planned.ts';
import { planRetention } from '../retention/retention.ts';
import type { SourceVerdict } from '../verdict/verdict.ts';
import { clocksMs } from '../verdict/verdict.ts';

type Scheduled = {
  watch: Pick<WatchSettings, 'schedule' | 'windowMs' | 'paused'>;
  timeZone: string;
  retention?: Retention;
};
type Remembered = Ledger['expected'];

/**
 * The outcomes of a schedule's last moments, and which of them are told. `memory`: what is to be remembered; `found`:
 * the newest moment without a backup, which is remembered only after it was told.
 */
export type Expectation = {
  memory: NonNullable<Remembered>;
  moments: Moment[];
  lost: Moment[];
  found?: string | undefined;
};

/**
 * Compares a listing with the schedule. A new or changed schedule, or the end of a pause, expects nothing of the time
 * before: a check remembers since when it has known it. For the first time, it counts from the newest backup. Undefined
 * without a schedule, or without a backup.
 */
export function expectationOf(
  watched: Scheduled,
  { history, verdict }: { history: SourceHistory; verdict: SourceVerdict },
  before: Remembered,
  now: Date,
): Expectation | undefined {
  const schedule = scheduleOf(watched);
  const newest = verdict.backups.findLast(({ start }) => start <= now)?.start;
  if (schedule === undefined || newest === undefined) return undefined;
  const plan = isPaused(watched, now) ? 'paused' : `${schedule.cron} ${schedule.timeZone}`;
  const memory = knownUntil(before?.plan === plan ? before : undefined, now) ?? {
    plan,
    since: (before === undefined ? newest : now).toISOString(),
  };
  if (plan === 'paused') return { memory, moments: [], lost: [] };
  const past = memory.past?.map((one): Moment => ({ ...one, at: new Date(one.at) }));
  const known = {
    since: new Date(memory.since),
    found: memory.found === undefined ? undefined : new Date(memory.found),
    past,
  };
  const moments = outcomesOf(
    schedule,
    known,
    { ...history, backups: verdict.backups, isLetGo: letGo(watched, verdict) },
    now,
  );
  const lost = unmade(moments, known, schedule, now);
  const last = lost.at(-1)?.at.toISOString() ?? '';
  return {
    memory: { ...memory, past: pastOf(moments) },
    moments,
    lost,
    found: last > (memory.found ?? '') ? last : undefined,
  };
}

/** What is remembered, without what a clock that was ahead has written. */
function knownUntil(memory: Remembered, now: Date): Remembered {
  const isTrue = (moment: string): boolean => Date.parse(moment) <= now.getTime() + clocksMs;
  if (memory === undefined || !isTrue(memory.since)) return undefined;
  const { found, ...rest } = memory;
  return found !== undefined && isTrue(found) ? { ...rest, found } : rest;
}

/**
 * Rotation never removes what the retention keeps; for all other moments, a missing backup says nothing about its run.
 */
function letGo({ retention, timeZone }: Scheduled, { backups }: SourceVerdict): ((start: Date) => boolean) | undefined {
  if (retention === undefined) return undefined;
  const there = backups.filter(({ good }) => good);
  return (start) => {
    const one = { id: newBackupId(start, 0), start };
    return (
      planRetention([...there.filter(({ id }) => id !== one.id), one], retention, timeZone).find(
        ({ id }) => id === one.id,
      )?.reasons.length === 0
    );
  };
}

function pastOf(moments: readonly Moment[]): NonNullable<NonNullable<Remembered>['past']> {
  return moments.flatMap(({ at, outcome, code, busy }) =>
    outcome === 'running' || outcome === 'due'
      ? []
      : [{ at: at.toISOString(), outcome, ...(code !== undefined && { code }), ...(busy && { busy }) }],
  );
}
