import { expect, test } from '@jest/globals';
import { copyScheduleOf, drillScheduleOf, rotationScheduleOf } from '../../../../core/domain/time/after-backups.ts';
import { calendarOf } from '../../../../core/domain/time/calendar.ts';
import { lostBackup } from '../../../../core/domain/time/clock-change.ts';
import { observedClock } from '../../../../core/domain/time/clocks.ts';
import { longestGapHours } from '../../../../core/domain/time/longest-gap.ts';
import { momentMeant } from '../../../../core/domain/time/moment-meant.ts';
import { isPaused } from '../../../../core/domain/time/pause.ts';
import { scheduleOf } from '../../../../core/domain/time/planned.ts';
import { begunBy, gapMs, isSchedule, momentOf, momentsOf, nextMoment } from '../../../../core/domain/time/schedule.ts';

const dayMs = 24 * 3_600_000;

test.each([
  ['30 2 * * *', '30 5 * * *', '30 7', '30 3,4 * * *'],
  [' 0 23 * * 1-5 ', '0 2 * * *', '0 4', '0 0,1 * * *'],
  ['0 22 * * *', '0 1 * * *', '0 3', '0 0,23 * * *'],
  ['15  2,14 * * *', '15 5 * * *', '15 7', '45 * * * *'],
  ['45 8-18 * * *', '45 11 * * *', '45 13', '15 * * * *'],
  ['0 */6 * * *', '30 5 * * *', '30 5', '30 * * * *'],
  ['0 2/6 * * *', '30 5 * * *', '30 5', '30 * * * *'],
  ['*/5 * * * *', '30 5 * * *', '30 5', '*/5 * * * *'],
  ['0,30 2 * * *', '30 5 * * *', '30 5', '0,30 2 * * *'],
])('after backups of "%s" rotation, drills and copies have their times', (schedule, rotation, drill, copies) => {
  expect(rotationScheduleOf(schedule)).toBe(rotation);
  expect(drillScheduleOf(schedule, 8 * dayMs)).toBe(`${drill} * * 0`);
  expect(drillScheduleOf(schedule, 8 * dayMs - 1)).toBe(`${drill} * * *`);
  expect(copyScheduleOf(schedule)).toBe(copies);
});

test('the periods of a moment are those of its zone, and an hour that comes twice is two', () => {
  const at = (text: string, zone: string) => {
    const calendar = calendarOf(zone);
    return (['hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const).map((tier) => calendar(new Date(text), tier));
  };

  expect(at('2026-12-31T23:30:00Z', 'UTC')).toEqual([
    '2026-12-31T23+00:00',
    '2026-12-31',
    '2026-W53',
    '2026-12',
    '2026',
  ]);
  expect(at('2026-12-31T23:30:00Z', 'Europe/Amsterdam')).toEqual([
    '2027-01-01T00+01:00',
    '2027-01-01',
    '2026-W53',
    '2027-01',
    '2027',
  ]);
  expect(at('2026-10-25T00:30:00Z', 'Europe/Amsterdam')[0]).toBe('2026-10-25T02+02:00');
  expect(at('2026-10-25T01:30:00Z', 'Europe/Amsterdam')[0]).toBe('2026-10-25T02+01:00');
  expect(at('2027-01-04T00:00:00Z', 'UTC')[2]).toBe('2027-W01');
  expect(at('2024-12-30T00:00:00Z', 'UTC')[2]).toBe('2025-W01');
  expect(at('2027-01-03T12:00:00Z', 'UTC')[2]).toBe('2026-W53');
});

test('the calendar of UTC is the one that Node has of it', () => {
  const [utc, ofNode] = [calendarOf('UTC'), calendarOf('Etc/UTC')];

  for (let moment = Date.UTC(1999, 11, 30); moment < Date.UTC(2031, 0, 1); moment += 999_999_999)
    for (const tier of ['hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const)
      expect([moment, utc(new Date(moment), tier)]).toEqual([moment, ofNode(new Date(moment), tier)]);
});

test.each<[string, string, [string, string] | undefined]>([
  ['30 2 * * *', 'Europe/Amsterdam', ['2027-03-28', '02:30']],
  [' 30 2 * * * ', 'Europe/Amsterdam', ['2027-03-28', '02:30']],
  ['30 1 * * *', 'Europe/London', ['2027-03-28', '01:30']],
  ['30 2 * * *', 'UTC', undefined],
  ['0 12 * * *', 'Europe/Amsterdam', undefined],
  // what comes when the hour is over, or an hour later, leaves no more time than there ever is
  ['0 3 * * *', 'Europe/Amsterdam', undefined],
  ['0 2,3 * * *', 'Europe/Amsterdam', undefined],
  ['0 2,4 * * *', 'Europe/Amsterdam', undefined],
  ['30 * * * *', 'Europe/Amsterdam', undefined],
])('of "%s" in %s the clock leaves out %p', (schedule, timeZone, expected) => {
  const lost = lostBackup(schedule, timeZone);
  expect(lost && [lost.day, lost.moment]).toEqual(expected);
});

test.each([
  ['0 2 * * *', 'Europe/Amsterdam', 25],
  ['0 2 * * 1-5', 'UTC', 72],
  // the 29th does not come in every February
  ['0 2 29 * *', 'UTC', 59 * 24],
  ['0 1 1 1 *', 'UTC', 366 * 24],
  ['*/20 * * * *', 'UTC', 1],
])('"%s" in %s leaves %d hours at most', (schedule, timeZone, hours) => {
  expect(longestGapHours(schedule, timeZone)).toBe(hours);
});

const utc = (text: string) => new Date(`2026-11-${text}Z`);

test('a schedule is five fields, with as many blanks as one likes', () => {
  for (const text of ['0 2 * * *', ' 0 2 * * * ', '0  2   * * *']) expect(isSchedule(text)).toBe(true);
  for (const text of ['x 0 2 * * *', '0 2 * * * x', '0\t2 * * *', '0 2 31 4 *', '60 2 * * *'])
    expect(isSchedule(text)).toBe(false);
  expect(gapMs(' 0 2 * * * ', utc('20T02:00'), 'UTC')).toBe(dayMs);
  expect(scheduleOf({ watch: { schedule: undefined }, timeZone: 'UTC' })).toBeUndefined();
  expect(scheduleOf({ watch: { schedule: '0 2 * * *' }, timeZone: 'UTC' })).toEqual({
    cron: '0 2 * * *',
    timeZone: 'UTC',
    windowMs: 0,
  });
  expect(scheduleOf({ watch: { schedule: '0 2 * * *', windowMs: 60_000 }, timeZone: 'UTC' })).toMatchObject({
    windowMs: 60_000,
  });
});

test('the moments of a schedule are counted to the very one, oldest first, and each check is of its own moment', () => {
  const nightly = { cron: '0 2 * * *', timeZone: 'UTC', windowMs: 0 };
  const amsterdam = { cron: '30 2 * * *', timeZone: 'Europe/Amsterdam', windowMs: 0 };

  expect(momentsOf(nightly, utc('20T02:00'), 2)).toEqual([utc('19T02:00'), utc('20T02:00')]);
  expect(momentsOf(nightly, utc('20T01:59:59'), 2)).toEqual([utc('18T02:00'), utc('19T02:00')]);
  expect(momentsOf(nightly, new Date(utc('20T02:00').getTime() - 1), 1)).toEqual([utc('19T02:00')]);
  expect(momentsOf(nightly, utc('20T02:00'), 1)).toEqual([utc('20T02:00')]);
  expect(momentsOf({ ...nightly, cron: '0 3 * * *' }, utc('20T03:00'), 1)).toEqual([utc('20T03:00')]);
  // neither the night that has no 02:30, nor the second one of the night that has two
  expect(momentsOf(amsterdam, new Date('2026-03-30T12:00:00Z'), 3).map((at) => at.toISOString())).toEqual([
    '2026-03-27T01:30:00.000Z',
    '2026-03-28T01:30:00.000Z',
    '2026-03-30T00:30:00.000Z',
  ]);
  expect(momentsOf(amsterdam, new Date('2026-10-26T12:00:00Z'), 2).map((at) => at.toISOString())).toEqual([
    '2026-10-25T00:30:00.000Z',
    '2026-10-26T01:30:00.000Z',
  ]);
});

test('the next moment is one that comes: not in an hour that is left out, and not for the second time', () => {
  const amsterdam = { cron: '30 2 * * *', timeZone: 'Europe/Amsterdam', windowMs: 0 };
  const next = (from: string, schedule = amsterdam) => nextMoment(schedule, new Date(from))?.toISOString();

  expect(next('2026-03-28T02:00:00Z')).toBe('2026-03-30T00:30:00.000Z');
  expect(next('2026-10-25T00:30:00Z')).toBe('2026-10-26T01:30:00.000Z');
  expect(next('2026-11-20T01:29:00Z')).toBe('2026-11-20T01:30:00.000Z');
  expect(next('2026-11-20T00:00:00Z', { ...amsterdam, cron: '0 2 30 2 *' })).toBeUndefined();
});

test('a run may begin an hour behind its window, and behind the second time of day where there are two', () => {
  const of = (timeZone: string) => ({ cron: '30 2 * * *', timeZone, windowMs: 15 * 60_000 });
  const late = (timeZone: string, at: string) => begunBy(of(timeZone), new Date(at)) - Date.parse(at);
  const usual = 75 * 60_000;

  expect(late('UTC', '2026-10-25T00:30:00Z')).toBe(usual);
  expect(late('Europe/Amsterdam', '2026-10-24T00:30:00Z')).toBe(usual);
  expect(late('Europe/Amsterdam', '2026-10-25T00:30:00Z')).toBe(usual + 60 * 60_000);
  expect(late('Australia/Lord_Howe', '2027-04-03T14:30:00Z')).toBe(usual + 30 * 60_000);
});

test('of two moments that are as near, a run is for the later one', () => {
  const schedule = { cron: '*/4 * * * *', timeZone: 'UTC', windowMs: 0 };
  expect(momentOf(schedule, utc('20T02:02'))).toEqual(utc('20T02:04'));
  expect(momentOf(schedule, utc('20T02:01'))).toEqual(utc('20T02:00'));
});

const now = new Date('2026-11-29T08:30:00Z');
const meant = (text: string, timeZone = 'Europe/Amsterdam') => momentMeant(text, { timeZone, now });

test('a moment that is now has come; one behind it has not', () => {
  expect(meant('2026-11-29T08:30Z')).toStrictEqual({ at: now });
  expect(meant('  yesterday 14:00 ')).toStrictEqual({ at: new Date('2026-11-28T13:00:59.999Z') });
  expect(() => meant('2026-11-29T08:31Z')).toThrow(
    expect.objectContaining({
      code: 'input-invalid',
      message: '"2026-11-29T08:31Z" has not come yet',
      hint: 'for the newest backup, say no moment',
    }),
  );
});

test.each([
  '',
  'x',
  'today x',
  '2026-02-30',
  '2026-11-20 24:00',
  'today 24:00',
  'today 7:60',
  'today Z',
  '2026-11-20 +01:00',
])('"%s" is no moment, and it is said how one is written', (text) => {
  expect(() => meant(text)).toThrow(
    expect.objectContaining({
      code: 'input-invalid',
      message: `"${text}" is no moment that can be understood`,
      hint: expect.stringContaining('as "yesterday 14:00", 2026-11-20,'),
    }),
  );
});

test('a day that begins in an hour which is left out begins, and the one before ends, at the change, without a word', () => {
  expect(meant('2026-03-29', 'Asia/Beirut')).toStrictEqual({ at: new Date('2026-03-29T20:59:59.999Z') });
  expect(meant('2026-03-28', 'Asia/Beirut')).toStrictEqual({ at: new Date('2026-03-28T21:59:59.999Z') });
});

test('a clock that is told between two looks is as ours; ahead and behind are told apart', () => {
  const ms = (seconds: number) => new Date(now.getTime() + seconds * 1000);
  const seen = (seconds: number) => observedClock('the server', { theirs: ms(seconds), before: now, after: now });

  expect([seen(60), seen(-60)].map(({ outcome }) => outcome)).toEqual(['fine', 'fine']);
  expect(seen(61).said).toBe('the clock of this machine is 1 min 1 s behind that of the server');
  expect(seen(-7200).said).toBe('the clock of this machine is 2 h ahead of that of the server');
});

test('a pause that ends on a day is over when that day begins where the source is', () => {
  const paused = (of: boolean | { until: string }, timeZone: string, at: string) =>
    isPaused({ watch: { paused: of }, timeZone }, new Date(at));
  const until = { until: '2026-11-29' };

  expect([paused(true, 'UTC', '2026-11-29T08:30:00Z'), paused(false, 'UTC', '2026-11-29T08:30:00Z')]).toEqual([
    true,
    false,
  ]);
  expect(paused(until, 'Europe/Amsterdam', '2026-11-28T22:59:00Z')).toBe(true);
  expect(paused(until, 'Europe/Amsterdam', '2026-11-28T23:00:00Z')).toBe(false);
  expect(paused(until, 'UTC', '2026-11-28T23:00:00Z')).toBe(true);
});
