import type { Watch } from '../contract/config-watch.ts';
import type { Ledger } from '../contract/ledger.ts';
import { outcomesOf, unmade } from './expectation.ts';
import type { Moment } from './expectation.ts';
import type { SourceHistory } from './history.ts';
import { isPaused } from './pause.ts';
import { scheduleOf } from './planned.ts';
import type { SourceVerdict } from './verdict.ts';

type Scheduled = { watch: Pick<Watch, 'schedule' | 'windowMs' | 'paused'>; timeZone: string };
type Remembered = Ledger['expected'];

/** What became of a schedule's last moments, and which of them are told. `memory`: what is to be remembered of it. */
export type Expectation = { memory: NonNullable<Remembered>; moments: Moment[]; lost: Moment[] };

/**
 * Holds what a listing shows against the schedule. A schedule that is new or was changed, or a pause that is over, expects nothing of the time before: a check
 * remembers since when it has known it. One that it sees for the first time counts from the newest backup. Nothing where there is no schedule, or no backup yet.
 */
export function expectationOf(watched: Scheduled, { history, verdict }: { history: SourceHistory; verdict: SourceVerdict }, before: Remembered, now: Date): Expectation | undefined {
  const schedule = scheduleOf(watched);
  const newest = history.backups.findLast(({ start }) => start <= now)?.start;
  if (schedule === undefined || newest === undefined) return undefined;
  const plan = isPaused(watched, now) ? 'paused' : `${schedule.cron} ${schedule.timeZone}`;
  const memory = before?.plan === plan ? before : { plan, since: (before === undefined ? newest : now).toISOString() };
  if (plan === 'paused') return { memory, moments: [], lost: [] };
  const known = { since: new Date(memory.since), found: memory.found === undefined ? undefined : new Date(memory.found) };
  const moments = outcomesOf(schedule, known, { ...history, backups: verdict.backups }, now);
  const lost = unmade(moments, known, schedule, now);
  const last = lost.at(-1)?.at.toISOString();
  return { memory: last === undefined || last <= (memory.found ?? '') ? memory : { ...memory, found: last }, moments, lost };
}
