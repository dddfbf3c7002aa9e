import { expect, test } from '@jest/globals';
import { outcomesOf, runAtWork, unmade } from '../../../../core/domain/watch/expectation.ts';
import type { Moment, Records } from '../../../../core/domain/watch/expectation.ts';
import { messageOfFinding } from '../../../../core/domain/messages/check.ts';
import { judge } from '../../../../core/domain/watch/freshness.ts';
import { seenOf, watching } from '../../../support/vaults/seen.ts';
import { historyOf } from '../../../../core/domain/verdict/history.ts';
import { newBackupId } from '../../../../core/domain/keys.ts';
import { leaseKey, manifestKey } from '../../../../core/domain/layout/places.ts';
import type { ObjectKey, SourceName } from '../../../../core/domain/keys.ts';
import { failureKey, startKey } from '../../../../core/domain/layout/records.ts';
import type { Schedule } from '../../../../core/domain/time/schedule.ts';

const shop = 'shop' as SourceName;
const minuteMs = 60_000;
const nightly: Schedule = { cron: '0 2 * * *', timeZone: 'UTC', windowMs: 15 * minuteMs };
const dayBefore = { since: new Date('2026-11-15T12:00:00Z') };

/**
 * What a run has left. `meant`: `undefined` is one that was made by hand, `null` one without a record of its start.
 * `ms`: how long it took.
 */
type Done = { start: string; meant?: string | null; ends: 'made' | 'failed' | 'killed'; ms?: number; run?: string };

/** A listing with these runs in it; `leased`: when the lease was last written. */
function seen(done: readonly Done[], leased?: string): Records {
  const listed: { key: ObjectKey; modified: Date }[] = done.flatMap(
    ({ start, meant, ends, ms = minuteMs, run = 'aaaaaaaa' }, index) => {
      const began = new Date(start);
      const over = new Date(began.getTime() + ms);
      const id = newBackupId(began, (index + 1) / 0x1000000);
      return [
        ...(meant === null
          ? []
          : [
              {
                key: startKey(shop, { id, run, meant: meant === undefined ? undefined : new Date(meant) }),
                modified: began,
              },
            ]),
        ...(ends === 'made' ? [{ key: manifestKey(shop, id), modified: over }] : []),
        ...(ends === 'failed'
          ? [{ key: failureKey(shop, { at: over, run, code: 'vault-full' }), modified: over }]
          : []),
      ];
    },
  );
  const history = historyOf(
    shop,
    [...listed, ...(leased === undefined ? [] : [{ key: leaseKey(shop), modified: new Date(leased) }])].map((one) => ({
      ...one,
      bytes: 1,
    })),
  );
  return {
    ...history,
    backups: history.backups.map(({ id, start, completed }) => ({
      id,
      start,
      ms: completed.getTime() - start.getTime(),
    })),
  };
}

const night = (day: number, clock = '02:00:00') => `2026-11-${day}T${clock}Z`;
const made = (day: number, clock = '02:04:00'): Done => ({ start: night(day, clock), meant: night(day), ends: 'made' });
const outcomes = (
  done: readonly Done[],
  now: string,
  { leased, schedule = nightly }: { leased?: string; schedule?: Schedule } = {},
) => outcomesOf(schedule, dayBefore, seen(done, leased), new Date(now)).map(({ outcome }) => outcome);
const told = (moments: readonly Moment[]) =>
  moments.map(({ at, outcome }) => `${at.toISOString().slice(8, 16)} ${outcome}`);
const lost = (done: readonly Done[], now: string, found?: string, leased?: string) =>
  told(
    unmade(
      outcomesOf(nightly, dayBefore, seen(done, leased), new Date(now)),
      { ...dayBefore, found: found === undefined ? undefined : new Date(found) },
      nightly,
      new Date(now),
    ),
  );

test('every moment since the schedule is known has one outcome, and none before', () => {
  const runs: Done[] = [
    { ...made(15) },
    made(16),
    { ...made(17, '05:30:00') },
    { start: night(18, '02:01:00'), meant: night(18), ends: 'failed' },
    { start: night(19, '02:01:00'), meant: night(19), ends: 'killed' },
  ];

  expect(outcomes(runs, night(21, '02:30:00'), { leased: night(19, '02:08:00') })).toEqual([
    'made',
    'late',
    'failed',
    'killed',
    'missed',
    'due',
  ]);
});

test.each([
  ['a moment whose run may still begin', [], night(16, '03:14:00'), ['due']],
  ['a moment for which nobody began in time', [], night(16, '03:16:00'), ['missed']],
  [
    'a run of hours that renews its lease',
    [{ start: night(16, '02:50:00'), meant: night(16), ends: 'killed' }],
    night(16, '07:00:00'),
    ['running'],
    night(16, '06:59:30'),
  ],
  [
    'a run whose lease is over',
    [{ start: night(16, '02:50:00'), meant: night(16), ends: 'killed' }],
    night(16, '07:11:00'),
    ['killed'],
    night(16, '07:00:00'),
  ],
  [
    'a run that died, and another holds the lease now',
    [
      { start: night(16, '02:01:00'), meant: night(16), ends: 'killed' },
      { start: night(16, '12:00:00'), ends: 'killed' },
    ],
    night(16, '12:05:00'),
    ['killed'],
    night(16, '12:04:30'),
  ],
  ['cron twice for one moment', [made(16, '02:00:01'), made(16, '02:00:05')], night(16, '12:00:00'), ['made']],
  [
    'a first attempt killed, the second made',
    [{ start: night(16, '02:01:00'), meant: night(16), ends: 'killed' }, made(16, '02:03:00')],
    night(16, '12:00:00'),
    ['made'],
  ],
  [
    'a first attempt failed, the second at work',
    [
      { start: night(16, '02:01:00'), meant: night(16), ends: 'failed' },
      { start: night(16, '02:04:00'), meant: night(16), ends: 'killed' },
    ],
    night(16, '02:06:00'),
    ['running'],
    night(16, '02:05:30'),
  ],
  [
    'a first attempt failed, the second killed',
    [
      { start: night(16, '02:01:00'), meant: night(16), ends: 'failed' },
      { start: night(16, '02:04:00'), meant: night(16), ends: 'killed' },
    ],
    night(16, '12:00:00'),
    ['killed'],
    night(16, '02:05:30'),
  ],
  [
    'a failure before anything began',
    [{ start: night(16, '02:00:30'), meant: null, ends: 'failed' }],
    night(16, '12:00:00'),
    ['failed'],
  ],
  [
    'a backup whose role may not write its start',
    [{ start: night(16, '02:00:30'), meant: null, ends: 'made' }],
    night(16, '12:00:00'),
    ['made'],
  ],
  [
    'a backup by hand in the evening',
    [{ start: night(16, '20:00:00'), ends: 'made' }],
    night(16, '21:00:00'),
    ['missed'],
  ],
  [
    'a backup by hand whose start was not written',
    [{ start: night(16, '20:00:00'), meant: null, ends: 'made' }],
    night(16, '21:00:00'),
    ['missed'],
  ],
  [
    'a failure by hand in the evening',
    [{ start: night(16, '20:00:00'), ends: 'failed' }],
    night(16, '21:00:00'),
    ['missed'],
  ],
] as [string, Done[], string, string[], string?][])('%s', (...[, done, now, expected, leased]) => {
  expect(outcomes(done, now, leased === undefined ? {} : { leased })).toEqual(expected);
});

test('a moment that comes while the run before is still at work is no loss, and is told from one that was forgotten', () => {
  const hourly: Schedule = { cron: '0 * * * *', timeZone: 'UTC', windowMs: 0 };
  const long: Done = { start: '2026-11-15T13:00:20Z', meant: '2026-11-15T13:00:00Z', ends: 'made', ms: 150 * minuteMs };
  const moments = outcomesOf(hourly, dayBefore, seen([long]), new Date('2026-11-15T18:00:00Z'));

  expect(moments.map(({ outcome, busy }) => `${outcome}${busy ? ' busy' : ''}`)).toEqual([
    'made',
    'missed busy',
    'missed busy',
    'missed',
    'due',
    'due',
  ]);
  expect(told(unmade(moments, dayBefore, hourly, new Date('2026-11-15T18:00:00Z')))).toEqual(['15T16:00 missed']);
});

test('a missed night is told until the next one is made, and then is over; a backup by hand does not end it', () => {
  const byHand: Done = { start: night(17, '20:00:00'), ends: 'made' };

  expect(lost([made(16)], night(17, '03:00:00'))).toEqual([]);
  expect(lost([made(16)], night(17, '04:00:00'))).toEqual(['17T02:00 missed']);
  expect(lost([made(16), byHand], night(18, '02:00:00'), night(17))).toEqual(['17T02:00 missed']);
  expect(lost([made(16), byHand, made(18)], night(18, '04:00:00'), night(17))).toEqual([]);
});

test('of a moment that was missed the words say what began after it, and which later one was made', () => {
  const schedule: Schedule = { ...nightly, windowMs: 0, timeZone: 'Europe/Berlin', cron: '0 3 * * *' };
  const words = (done: readonly Done[], now: string): string => {
    const moments = outcomesOf(schedule, dayBefore, seen(done), new Date(now));
    const found = unmade(moments, dayBefore, schedule, new Date(now));
    const watched = watching({ schedule: schedule.cron, limit: { schedule: schedule.cron } }, schedule.timeZone);
    const judgement = {
      ...judge(watched, seenOf([{ start: new Date(night(16)) }]), new Date(now)),
      findings: [{ kind: 'missed' as const, moments: found }],
      expectation: { memory: { plan: '', since: now }, moments, lost: found },
    };
    return messageOfFinding(judgement, 'missed', { at: new Date(now) })!.subject.replaceAll(' Europe/Berlin', '');
  };
  const late: Done[] = [made(16), { start: night(17, '03:10:00'), ends: 'made' }];

  expect(words([made(16)], night(17, '03:05:00'))).toBe(
    'the backup of 2026-11-17 03:00, 02:00 UTC was missed: nothing has begun',
  );
  for (const runs of [late, late.map((one) => ({ ...one, meant: null }))])
    expect(words(runs, night(17, '12:00:00'))).toBe(
      'the backup of 2026-11-17 03:00, 02:00 UTC was missed: nothing began in time, and the run of 2026-11-17 ' +
        '04:10, 03:10 UTC counts as made by hand',
    );
  expect(words([made(16), made(18)], night(18, '02:10:00'))).toBe(
    'the backup of 2026-11-17 03:00, 02:00 UTC was missed: nothing has begun; the one of 2026-11-18 03:00, ' +
      '02:00 UTC was made',
  );
});

test('a run that was killed is told, also behind a later one that was made', () => {
  expect(lost([made(16), killed(17, '02:01:00')], night(17, '12:00:00'))).toEqual(['17T02:00 killed']);
  expect(lost([killed(16, '02:01:00'), made(17)], night(17, '12:00:00'))).toEqual(['16T02:00 killed']);
});

test('a night that was missed between two rare checks is told once, though the next one is made', () => {
  expect(lost([made(16), made(18)], night(18, '12:00:00'), night(16))).toEqual(['17T02:00 missed']);
  expect(lost([made(16), made(18)], night(19, '00:00:00'), night(17))).toEqual([]);
});

test('a failure that a later attempt or the next night has mended is not told again: its run told it', () => {
  const failed: Done = { start: night(17, '02:01:00'), meant: night(17), ends: 'failed' };

  expect(lost([made(16), failed], night(17, '02:30:00'))).toEqual([]);
  expect(lost([made(16), failed], night(17, '04:00:00'))).toEqual(['17T02:00 failed']);
  expect(lost([made(16), failed, made(18)], night(18, '04:00:00'), night(16))).toEqual([]);
});

test('backups of five hours that start late, with a check each hour for a fortnight, alarm nobody', () => {
  const runs = Array.from(
    { length: 14 },
    (_, index): Done => ({
      start: night(16, '02:00:00').replace(
        '11-16T02:00',
        `11-${16 + index}T0${2 + (index % 2)}:${index % 2 === 0 ? '50' : '05'}`,
      ),
      meant: night(16 + index),
      ends: 'made',
      ms: 300 * minuteMs,
    }),
  );
  const alarms: string[] = [];
  for (let at = Date.parse(night(16)); at < Date.parse(night(29)); at += 60 * minuteMs) {
    const now = new Date(at);
    const begun = runs
      .filter(({ start }) => Date.parse(start) <= at)
      .map((run) => (Date.parse(run.start) + run.ms! <= at ? run : { ...run, ends: 'killed' as const }));
    const isAtWork = begun.at(-1)?.ends === 'killed';
    alarms.push(
      ...lost(begun, now.toISOString(), undefined, isAtWork ? new Date(at - 30_000).toISOString() : undefined),
    );
  }

  expect(alarms).toEqual([]);
});

test.each([
  [
    'put forward over the moment',
    '30 2 * * *',
    '2026-03-28T12:00:00Z',
    ['2026-03-30T00:31:00Z'],
    '2026-03-30T12:00:00Z',
    ['made'],
  ],
  [
    'set back: the hour that comes again needs no second backup',
    '0 * * * *',
    '2026-10-24T23:30:00Z',
    ['2026-10-25T00:00:10Z', '2026-10-25T02:00:10Z'],
    '2026-10-25T02:30:00Z',
    ['made', 'made'],
  ],
  [
    'set back: one who makes it all the same',
    '0 * * * *',
    '2026-10-24T23:30:00Z',
    ['2026-10-25T00:00:10Z', '2026-10-25T01:00:10Z', '2026-10-25T02:00:10Z'],
    '2026-10-25T02:30:00Z',
    ['made', 'made'],
  ],
])('no alarm when the clock is %s', (_, cron, since, starts, now, expected) => {
  const schedule: Schedule = { cron, timeZone: 'Europe/Amsterdam', windowMs: 0 };
  const history = seen(starts.map((start) => ({ start, meant: null, ends: 'made' })));

  expect(
    outcomesOf(schedule, { since: new Date(since) }, history, new Date(now)).map(({ outcome }) => outcome),
  ).toEqual(expected);
});

test('what was seen once stays, though rotation has removed what told it; a backup that comes later is seen all the same', () => {
  const past: Moment[] = [
    { at: new Date(night(16)), outcome: 'made' },
    { at: new Date(night(17)), outcome: 'killed' },
    { at: new Date(night(18)), outcome: 'failed', code: 'vault-full' },
    { at: new Date(night(19)), outcome: 'missed' },
  ];
  const starts: Done[] = [16, 17].map((day) => ({ start: night(day, '02:01:00'), meant: night(day), ends: 'killed' }));
  const late: Done = { start: night(19, '09:00:00'), meant: night(19), ends: 'made' };
  const records = { ...seen([...starts, late]), isLetGo: () => true };

  const moments = outcomesOf(nightly, { ...dayBefore, past }, records, new Date(night(19, '12:00:00')));

  expect(moments.map(({ outcome }) => outcome)).toEqual(['made', 'killed', 'failed', 'late']);
});

test('of a run that no check has seen end, nothing is said where rotation may have removed its backup', () => {
  const run: Done = { start: night(16, '02:01:00'), meant: night(16), ends: 'killed' };
  const now = new Date(night(16, '12:00:00'));

  expect(
    outcomesOf(nightly, dayBefore, { ...seen([run]), isLetGo: () => true }, now).map(({ outcome }) => outcome),
  ).toEqual(['made']);
  expect(
    outcomesOf(nightly, dayBefore, { ...seen([run]), isLetGo: () => false }, now).map(({ outcome }) => outcome),
  ).toEqual(['killed']);
});

const idsOf = (done: readonly Done[]) =>
  done.map(({ start }, index) => newBackupId(new Date(start), (index + 1) / 0x1000000));
const killed = (day: number, clock: string): Done => ({ start: night(day, clock), meant: night(day), ends: 'killed' });

test('each moment says whose run it had, and why that failed', () => {
  const runs: Done[] = [
    made(16),
    made(17, '05:30:00'),
    { start: night(18, '02:01:00'), meant: night(18), ends: 'failed', ms: 0 },
    killed(19, '02:01:00'),
  ];
  const [first, late, failed, dead] = idsOf(runs);

  const moments = outcomesOf(nightly, dayBefore, seen(runs), new Date(night(20, '03:15:00')));

  expect(moments).toEqual([
    { at: new Date(night(16)), outcome: 'made', id: first },
    { at: new Date(night(17)), outcome: 'late', id: late },
    { at: new Date(night(18)), outcome: 'failed', code: 'vault-full', id: failed },
    { at: new Date(night(19)), outcome: 'killed', id: dead },
    { at: new Date(night(20)), outcome: 'due' },
  ]);
});

test.each([
  ['a run that begins in the last second of its hour', [made(16, '03:15:00')], '03:20:00', ['made']],
  ['a run that begins a second later', [made(16, '03:15:01')], '03:20:00', ['late']],
  [
    'a run that fails after hours, while another one was begun by hand',
    [
      { start: night(16, '02:01:00'), meant: night(16), ends: 'failed', ms: 180 * minuteMs },
      { start: night(16, '03:00:00'), ends: 'killed', run: 'bbbbbbbb' },
    ],
    '12:00:00',
    ['failed'],
  ],
  [
    'a late run beside one in time that left no start',
    [made(16, '05:30:00'), { ...made(16, '02:01:00'), meant: null }],
    '12:00:00',
    ['made'],
  ],
  ['nothing yet in the last second', [], '03:15:00', ['due']],
  ['nothing a second later', [], '03:15:01', ['missed']],
  ['a lease ten minutes old', [killed(16, '02:00:00')], '04:10:00', ['running'], '04:00:00'],
  ['a lease that is older', [killed(16, '02:00:00')], '04:10:01', ['killed'], '04:00:00'],
  ['a lease that a clock ten minutes ahead wrote', [killed(16, '02:00:00')], '04:00:00', ['running'], '04:10:00'],
  ['a lease further ahead', [killed(16, '02:00:00')], '04:00:00', ['killed'], '04:10:01'],
  [
    'a failure at noon of a run that left no start',
    [{ start: night(16, '12:00:00'), meant: null, ends: 'failed' }],
    '13:00:00',
    ['missed'],
  ],
  [
    'a run that failed after a later one of its moment had died',
    [
      { start: night(16, '02:00:00'), meant: night(16), ends: 'failed', ms: 30 * minuteMs, run: 'aaaaaaaa' },
      { ...killed(16, '02:10:00'), run: 'bbbbbbbb' },
    ],
    '12:00:00',
    ['failed'],
  ],
] as [string, Done[], string, string[], string?][])('to the second: %s', (...[, done, now, expected, leased]) => {
  const at = leased === undefined ? {} : { leased: night(16, leased) };
  expect(outcomes(done, night(16, now), at)).toEqual(expected);
});

test('a run that never ends keeps those after it from beginning as long as its lease is renewed, and no longer', () => {
  const hourly: Schedule = { cron: '0 * * * *', timeZone: 'UTC', windowMs: 0 };
  const hour = (clock: string) => `2026-11-15T${clock}Z`;
  const long: Done = { start: hour('13:00:20'), meant: hour('13:00:00'), ends: 'killed' };
  const said = (done: Done[], leased?: string) =>
    outcomesOf(hourly, dayBefore, seen(done, leased), new Date(hour('15:30:00'))).map(
      ({ at, outcome, busy }) => `${at.toISOString().slice(11, 13)} ${outcome}${busy ? ' busy' : ''}`,
    );

  expect(said([long], hour('15:29:00'))).toEqual(['13 running', '14 missed busy', '15 due']);
  const before: Done = { start: hour('11:00:10'), meant: hour('11:00:00'), ends: 'made' };
  expect(said([before, long], hour('15:29:00'))).toEqual(['13 running', '14 missed busy', '15 due']);
  expect(said([long], hour('15:19:59'))).toEqual(['13 killed', '14 missed', '15 due']);
  const other: Done = { start: hour('15:00:20'), ends: 'killed' };
  expect(said([long, other], hour('15:29:00'))).toEqual(['13 killed', '14 missed', '15 due']);
  const ended: Done = { ...long, ends: 'made', ms: 60 * minuteMs - 20_000 };
  expect(said([ended])).toEqual(['13 made', '14 missed', '15 due']);
  expect(said([{ ...ended, ms: ended.ms! + 1000 }])).toEqual(['13 made', '14 missed busy', '15 due']);
  expect(said([{ ...ended, start: hour('14:00:00'), meant: null }])).toEqual(['13 missed', '14 made', '15 due']);
});

test('of what began after a missed moment, the first is named: by hand, or at a time of no moment', () => {
  const began = (...done: Done[]) =>
    outcomesOf(nightly, dayBefore, seen(done), new Date(night(17, '12:00:00'))).map(
      (one) => one.began?.toISOString().slice(8, 16) ?? one.outcome,
    );
  const byHand = (day: number, clock: string): Done => ({ start: night(day, clock), ends: 'made' });

  expect(began(byHand(16, '20:00:00'), { ...byHand(16, '12:00:00'), meant: null }, made(17))).toEqual([
    '16T12:00',
    'made',
  ]);
  expect(began({ ...byHand(16, '20:00:00'), meant: null }, byHand(16, '19:00:00'), made(17))).toEqual([
    '16T19:00',
    'made',
  ]);
  expect(began({ start: night(16, '02:00:00'), ends: 'made' }, byHand(17, '02:00:00'))).toEqual(['missed', 'missed']);
  expect(began(made(17, '01:57:00'))).toEqual(['missed', 'made']);
  expect(began({ ...made(17, '01:57:00'), meant: null })).toEqual(['missed', 'made']);
  expect(began(byHand(17, '11:59:59'))).toEqual(['missed', '17T11:59']);
  expect(began(killed(16, '02:05:00'), byHand(16, '20:00:00'))).toEqual(['killed', 'missed']);
  expect(began({ ...byHand(16, '09:00:00'), meant: night(15) })).toEqual(['missed', 'missed']);
});

test('a moment that was missed is at work once its run has begun, late as it is', () => {
  const past: Moment[] = [{ at: new Date(night(16)), outcome: 'missed' }];
  const late = killed(16, '09:00:00');
  const now = (clock: string, leased: string) =>
    outcomesOf(nightly, { ...dayBefore, past }, seen([late], night(16, leased)), new Date(night(16, clock))).map(
      ({ outcome }) => outcome,
    );

  expect(now('09:05:00', '09:04:00')).toEqual(['running']);
  expect(now('12:00:00', '09:04:00')).toEqual(['missed']);
});

test('of a source whose runs write no start, nothing is said of a night that rotation may have taken', () => {
  const now = new Date(night(16, '12:00:00'));
  const of = (done: Done[], isLetGo: boolean) =>
    outcomesOf(nightly, dayBefore, { ...seen(done), isLetGo: () => isLetGo }, now).map(({ outcome }) => outcome);
  const byHand: Done = { start: night(15, '20:00:00'), ends: 'made' };

  expect([of([], true), of([], false), of([byHand], true)]).toEqual([['made'], ['missed'], ['missed']]);
});

test('the run at work is the last that began: without a backup, without a failure of its own, its lease renewed', () => {
  const now = new Date(night(16, '02:30:00'));
  const atWork = (done: Done[], leased: string | undefined = '02:29:00') =>
    runAtWork(seen(done, leased === 'none' ? undefined : night(16, leased)), now)
      ?.start.toISOString()
      .slice(11, 16);
  const one = killed(16, '02:05:00');

  expect(atWork([one])).toBe('02:05');
  expect(atWork([])).toBeUndefined();
  expect(atWork([one], '02:19:59')).toBeUndefined();
  expect(atWork([one], 'none')).toBeUndefined();
  expect(atWork([{ ...one, ends: 'made' }])).toBeUndefined();
  expect(atWork([{ ...one, ends: 'failed' }])).toBeUndefined();
  expect(atWork([{ start: night(16, '01:00:00'), ends: 'failed', run: 'bbbbbbbb' }, one])).toBe('02:05');
  expect(atWork([{ start: night(16, '01:00:00'), ends: 'failed' }, one])).toBe('02:05');
  const other: Done = { start: night(16, '02:10:00'), meant: null, ends: 'failed', run: 'bbbbbbbb' };
  expect(atWork([one, other])).toBe('02:05');
  expect(
    atWork([
      { ...one, ends: 'made' },
      { ...one, start: night(16, '02:20:00') },
    ]),
  ).toBe('02:20');
});

test('a month of moments is looked back at, and no more', () => {
  const since = { since: new Date('2026-01-01T00:00:00Z') };
  expect(outcomesOf(nightly, since, seen([]), new Date(night(21, '02:30:00')))).toHaveLength(30);
  expect(unmade([], since, nightly, new Date(night(21)))).toEqual([]);
});

test('without a moment there is nothing to assign, and what began before the first is of none', () => {
  expect(
    outcomesOf(nightly, { since: new Date(night(16)) }, seen([made(16)]), new Date(night(16, '12:00:00'))),
  ).toEqual([]);
  const early: Done = { start: night(16, '00:30:00'), meant: null, ends: 'failed' };
  expect(outcomes([early, { ...early, ends: 'made' }], night(16, '12:00:00'))).toEqual(['missed']);
});
