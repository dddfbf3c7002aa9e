import { expect, test } from '@jest/globals';
import type { Ledger } from '../../../../core/contract/memory/ledger.ts';
import { newBackupId } from '../../../../core/domain/keys.ts';
import { startKey } from '../../../../core/domain/layout/records.ts';
import { expectationOf } from '../../../../core/domain/watch/expected.ts';
import { minuteMs, seenOf, shop } from '../../../support/vaults/seen.ts';

// What a check remembers of a schedule, and what it holds against it: a backup each night at two.
type Remembered = Ledger['expected'];
type Watch = { schedule?: string | undefined; paused?: boolean | string; retention?: { count: number } };
const night = (day: number, hour = 2) => new Date(Date.UTC(2026, 10, day, hour));
const nightly = '0 2 * * *';
const plan = `${nightly} UTC`;

function expected(
  days: readonly (number | { unreadable: number })[],
  before: Remembered,
  now: Date,
  { schedule = nightly, paused = false, retention }: Watch = {},
  begun: Date[] = [],
  leased?: Date,
) {
  const seen = seenOf(
    days.map((day) =>
      typeof day === 'number' ? { start: night(day) } : { start: night(day.unreadable), unreadable: true },
    ),
  );
  const starts = begun.map((start) => {
    const id = newBackupId(start, 0.5);
    return { id, run: 'aaaaaaaa', meant: start, key: startKey(shop, { id, run: 'aaaaaaaa', meant: start }) };
  });
  const watch = { schedule: schedule === 'none' ? undefined : schedule, windowMs: 15 * minuteMs, paused };
  const watched = { watch, timeZone: 'UTC', ...(retention && { retention }) };
  return expectationOf(watched as never, { ...seen, history: { ...seen.history, starts, leased } }, before, now);
}
const outcomes = (...given: Parameters<typeof expected>) =>
  expected(...given)!.moments.map(({ at, outcome }) => `${at.toISOString().slice(8, 10)} ${outcome}`);

test('without a schedule, or a backup that is not of the future, nothing is expected', () => {
  expect(expected([20], undefined, night(21, 12), { schedule: 'none' })).toBeUndefined();
  expect(expected([], undefined, night(21, 12))).toBeUndefined();
  expect(expected([22], undefined, night(21, 12))).toBeUndefined();
  expect(expected([21], undefined, night(21))).toMatchObject({ moments: [] });
});

test('a schedule that is seen for the first time counts from the newest backup; one that was changed, from now', () => {
  expect(expected([18, 19], undefined, night(21, 12))!.memory).toMatchObject({ plan, since: night(19).toISOString() });
  expect(outcomes([18, 19], undefined, night(21, 12))).toEqual(['20 missed', '21 missed']);
  expect(expected([17], undefined, night(21, 12))!.found).toBe(night(21).toISOString());
  const since = { plan, since: night(17, 12).toISOString() };
  expect(expected([17, 19], since, night(20, 12))!.lost.map(({ at }) => at.getUTCDate())).toEqual([18, 20]);
  const other = { plan: '0 3 * * * UTC', since: night(10).toISOString(), found: night(19).toISOString() };
  expect(expected([18, 19], other, night(21, 12))).toEqual({
    memory: { plan, since: night(21, 12).toISOString(), past: [] },
    moments: [],
    lost: [],
    found: undefined,
  });
});

test('while it is paused nothing is held against it, and after that nothing of the pause', () => {
  const known = { plan, since: night(10).toISOString() };
  const paused = expected([18], known, night(21, 12), { paused: true })!;
  expect(paused).toEqual({ memory: { plan: 'paused', since: night(21, 12).toISOString() }, moments: [], lost: [] });
  expect(expected([18], paused.memory, night(22, 12), { paused: true })!.memory).toEqual(paused.memory);
  expect(outcomes([18], paused.memory, night(23, 12))).toEqual([]);
});

test('what became of each moment is remembered, but of those that are not over; what was found is told apart', () => {
  const known = { plan, since: night(17, 12).toISOString(), found: night(18).toISOString() };
  const first = expected([17, 19], known, night(22, 3))!;

  expect(first.lost.map(({ at }) => at.getUTCDate())).toEqual([20, 21]);
  expect(first.found).toBe(night(21).toISOString());
  expect(first.memory).toEqual({
    ...known,
    past: [
      { at: night(18).toISOString(), outcome: 'missed' },
      { at: night(19).toISOString(), outcome: 'made' },
      { at: night(20).toISOString(), outcome: 'missed' },
      { at: night(21).toISOString(), outcome: 'missed' },
    ],
  });
  const told = { ...first.memory, found: first.found };
  expect(expected([17, 19], told, night(22, 3))!.found).toBeUndefined();
  // rotation has removed the backup of the nineteenth since
  expect(outcomes([17, 22], told, night(22, 12))).toEqual([
    '18 missed',
    '19 made',
    '20 missed',
    '21 missed',
    '22 made',
  ]);
});

test('a run that is at work is not over, and nothing is remembered of its moment', () => {
  const known = { plan, since: night(20, 12).toISOString() };
  const atWork = expected([20], known, night(21, 5), {}, [night(21)], night(21, 5))!;

  expect(atWork.moments.map(({ outcome }) => outcome)).toEqual(['running']);
  expect(atWork.memory).toEqual({ ...known, past: [] });
});

test('why a moment has no backup is remembered with it', () => {
  const past = [
    { at: night(19).toISOString(), outcome: 'failed' as const, code: 'vault-full' },
    { at: night(20).toISOString(), outcome: 'missed' as const, busy: true as const },
  ];
  const known = { plan, since: night(18, 12).toISOString(), past };
  expect(expected([18], known, night(20, 12))!.memory.past).toEqual(past);
});

test('what a clock that was ahead has written is not believed: five minutes are no matter', () => {
  const now = night(21, 12);
  const ahead = (minutes: number) => new Date(now.getTime() + minutes * minuteMs).toISOString();
  const since = night(18, 12).toISOString();

  expect(expected([20], { plan, since: ahead(5) }, now)!.memory.since).toBe(ahead(5));
  expect(expected([20], { plan, since: ahead(6) }, now)!.memory.since).toBe(now.toISOString());
  expect(expected([20], { plan, since, found: ahead(5) }, now)!.memory).toMatchObject({ since, found: ahead(5) });
  expect(expected([20], { plan, since, found: ahead(6) }, now)!.memory).not.toHaveProperty('found');
  expect(expected([20], { plan, since, found: ahead(6) }, now)!.found).toBe(night(21).toISOString());
});

test('of a run that left no backup nothing is said where rotation would have removed that', () => {
  const known = { plan, since: night(17, 12).toISOString() };
  const killed = [night(18), night(19)];
  const days = [20, 21];

  expect(outcomes(days, known, night(21, 12), {}, killed).slice(0, 2)).toEqual(['18 killed', '19 killed']);
  expect(outcomes(days, known, night(21, 12), { retention: { count: 2 } }, killed).slice(0, 2)).toEqual([
    '18 made',
    '19 made',
  ]);
  expect(outcomes([16, ...days], known, night(21, 12), { retention: { count: 3 } }, killed).slice(0, 2)).toEqual([
    '18 killed',
    '19 killed',
  ]);
  // one that nobody can read takes no place of a good one
  const some = [20, { unreadable: 21 }];
  expect(outcomes(some, known, night(21, 12), { retention: { count: 2 } }, killed).slice(0, 2)).toEqual([
    '18 killed',
    '19 killed',
  ]);
});
