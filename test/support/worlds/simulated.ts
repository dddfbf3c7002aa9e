import { Cron } from 'croner';
import { historyOf } from '../../../core/domain/verdict/history.ts';
import type { ListedObject, SourceHistory } from '../../../core/domain/verdict/history.ts';
import { newBackupId, startOf } from '../../../core/domain/keys.ts';
import { backupOfManifestKey, leaseKey, manifestKey } from '../../../core/domain/layout/places.ts';
import type { BackupId, ObjectKey } from '../../../core/domain/keys.ts';
import { staleFailures, staleStarts } from '../../../core/domain/retention/leftovers.ts';
import { failureKey, startKey } from '../../../core/domain/layout/records.ts';
import { momentOf } from '../../../core/domain/time/schedule.ts';
import type { Schedule } from '../../../core/domain/time/schedule.ts';
import { hourMs, minuteMs, shop } from '../vaults/seen.ts';

export const dayMs = 24 * hourMs;

/**
 * What a run does. `meant`: the moment that it is for, by whoever started it; none for one by hand. `told`: whether the
 * scheduler says so, or its start does.
 */
type Attempt = {
  at: number;
  meant?: number;
  told?: boolean;
  ends: 'made' | 'failed' | 'refused' | 'killed';
  ms: number;
};
type Event = { at: number; found: ListedObject };

/** What became of a moment, as it really was; `busy`: the run before was still at work. */
export type Truth = 'made' | 'late' | 'failed' | 'killed' | 'missed' | 'busy';

/** A number in [0, 1) after another, the same for the same seed (mulberry32). */
export function numbersOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 0x100000000;
  };
}

/**
 * The life of one source by its schedule: nights that fail, are killed, come late, take long, and weeks in which the
 * machine is off.
 */
export function lifeOf(schedule: Schedule, begin: number, days: number, seed: number) {
  const random = numbersOf(seed);
  const moments = momentsBetween(schedule, begin, begin + days * dayMs);
  const off = [60, 150, 290]
    .map((day) => begin + (day + random() * 20) * dayMs)
    .map((from): [number, number] => [from, from + (1 + random() * 6) * dayMs]);
  const isOff = (at: number): boolean => off.some(([from, to]) => at >= from && at < to);
  const attempts = moments
    .flatMap((at, index) =>
      isOff(at) ? [] : attemptsOf(at, (moments[index + 1] ?? at + dayMs) - at, schedule.windowMs, random),
    )
    .toSorted((a, b) => a.at - b.at);
  const { events, truths, leases } = lived(schedule, moments, attempts);
  return { moments, truths, isOff, world: worldOf(events, leases) };
}

function momentsBetween({ cron, timeZone }: Schedule, from: number, to: number): number[] {
  const all = new Cron(cron, { timezone: timeZone, mode: '5-part' });
  const clock = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'short' });
  const shown = new Set<string>();
  const moments: number[] = [];
  for (let at = all.nextRun(new Date(from)); at !== null && at.getTime() < to; at = all.nextRun(at)) {
    const wall = clock.format(at);
    if (!shown.has(wall) && all.match(at)) moments.push(at.getTime());
    shown.add(wall);
  }
  return moments;
}

function attemptsOf(meant: number, gapMs: number, windowMs: number, random: () => number): Attempt[] {
  const at = meant + Math.floor(random() * (windowMs + 50 * minuteMs));
  const usual = 1 + random() * 20;
  const what = random();
  const long = random();
  const ms = Math.floor((long < 0.02 ? 5 * 60 : long < 0.025 ? 30 * 60 : usual) * minuteMs);
  const one = { at, meant, told: random() < 0.5, ends: 'made' as const, ms };
  const byHand: Attempt[] =
    gapMs > 5 * hourMs && random() < 0.02 ? [{ at: meant + 4 * hourMs, ends: 'made', ms: minuteMs }] : [];
  if (what < 0.03) return [{ ...one, ends: 'failed', ms: 3 * minuteMs }, ...byHand];
  if (what < 0.04) return [{ ...one, told: false, ends: 'refused', ms: 0 }, ...byHand];
  if (what < 0.06) return [{ ...one, ends: 'killed', ms: 2 * minuteMs }, ...byHand];
  if (what < 0.08)
    return [
      { ...one, ends: 'killed', ms: 2 * minuteMs },
      { ...one, told: true, at: at + 10 * minuteMs, ms: minuteMs },
    ];
  if (what < 0.1 && gapMs > 8 * hourMs)
    return [{ ...one, told: true, at: meant + windowMs + (1.5 + random() * 4) * hourMs, ms: minuteMs }];
  if (what < 0.12)
    return [
      { ...one, ms: minuteMs },
      { ...one, told: true, at: at + 3 * minuteMs, ms: minuteMs },
    ];
  return what < 0.14 ? byHand : [one, ...byHand];
}

/** One run at a time: whoever comes while another is at work goes away again. */
function lived(schedule: Schedule, moments: readonly number[], attempts: readonly Attempt[]) {
  const events: Event[] = [];
  const leases: [number, number][] = [];
  const done: (Attempt & { start: number })[] = [];
  let free = 0;
  for (const [index, attempt] of attempts.entries()) {
    const start = Math.floor(attempt.at / 1000) * 1000;
    const run = index.toString(16).padStart(8, '0');
    if (attempt.ends !== 'refused' && start < free) continue;
    const id = newBackupId(new Date(start), (index % 0xffffff) / 0x1000000);
    const over = start + attempt.ms;
    const add = (at: number, key: ObjectKey): void =>
      void events.push({ at, found: { key, bytes: 1, modified: new Date(at) } });
    const meant =
      attempt.meant !== undefined && attempt.told ? new Date(attempt.meant) : momentOf(schedule, new Date(start));
    if (attempt.ends !== 'refused') add(start, startKey(shop, { id, run, meant }));
    if (attempt.ends === 'made') add(over, manifestKey(shop, id));
    if (attempt.ends === 'failed' || attempt.ends === 'refused')
      add(over, failureKey(shop, { at: new Date(over), run, code: 'source-unreachable' }));
    if (attempt.ends !== 'refused') {
      leases.push([start, over]);
      free = over + (attempt.ends === 'killed' ? 5 * minuteMs : 0);
    }
    done.push({ ...attempt, start });
  }
  const truths = new Map(moments.map((at) => [at, truthOf(at, done, schedule.windowMs)]));
  return { events: events.toSorted((a, b) => a.at - b.at), truths, leases };
}

function truthOf(at: number, done: readonly (Attempt & { start: number })[], windowMs: number): Truth {
  const own = done.filter(({ meant }) => meant === at);
  const made = own.find(({ ends }) => ends === 'made');
  if (made !== undefined) return made.start <= at + windowMs + hourMs ? 'made' : 'late';
  const last = own.at(-1);
  if (last !== undefined) return last.ends === 'killed' ? 'killed' : 'failed';
  return done.some(({ start, ms, ends }) => ends === 'made' && start < at && start + ms > at) ? 'busy' : 'missed';
}

/** A vault that fills as time goes on. */
function worldOf(events: readonly Event[], leases: readonly [number, number][]) {
  const there = new Map<ObjectKey, ListedObject>();
  const ends = new Map<BackupId, number>();
  let next = 0;
  let lease = 0;
  return {
    /** What a listing shows at this moment. */
    at(now: number): SourceHistory {
      for (; next < events.length && events[next]!.at <= now; next += 1) {
        const { found, at } = events[next]!;
        there.set(found.key, found);
        const id = backupOfManifestKey(found.key)?.id;
        if (id !== undefined) ends.set(id, at);
      }
      while (lease + 1 < leases.length && leases[lease + 1]![0] <= now) lease += 1;
      const [begun = 0, over = 0] = leases[lease] ?? [];
      const leased =
        begun > now ? [] : [{ key: leaseKey(shop), bytes: 1, modified: new Date(Math.min(over, now - 30_000)) }];
      return historyOf(shop, [...there.values(), ...leased]);
    },
    endOf: (id: BackupId): Date => new Date(ends.get(id) ?? startOf(id).getTime()),
    /** What a rotation removes. */
    remove(ids: readonly BackupId[], history: SourceHistory, graceMs: number, now: Date): void {
      for (const id of ids) there.delete(manifestKey(shop, id));
      for (const key of [...staleStarts(history, graceMs, now), ...staleFailures(history, graceMs, now)])
        there.delete(key);
    },
  };
}
