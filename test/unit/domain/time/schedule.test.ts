import { expect, test } from '@jest/globals';
import { begunBy, gapAround, gapMs, isSchedule, momentOf, momentsOf } from '../../../../core/domain/time/schedule.ts';

const hourMs = 3_600_000;

test.each([
  ['0 2 * * *', true],
  ['*/15 * * * *', true],
  ['0 2 L * *', true],
  ['0 2 29 2 *', true],
  ['0 2 30 2 *', false],
  ['0 25 * * *', false],
  ['0 2 * *', false],
  ['0 0 2 * * *', false],
  ['@daily', false],
  ['cron(0 2 * * ? *)', false],
  ['', false],
])('%p is a schedule: %p', (text, expected) => {
  expect(isSchedule(text)).toBe(expected);
});

test.each([
  ['0 2 * * 1-5', '2026-11-20T02:00:00Z', 'UTC', 72],
  ['0 2 * * 1-5', '2026-11-20T01:57:00Z', 'UTC', 72],
  ['0 2 * * 1-5', '2026-11-20T01:50:00Z', 'UTC', 24],
  ['0 2 * * 1-5', '2026-11-21T12:00:00Z', 'UTC', 72],
  ['0 4 * * *', '2026-10-24T02:00:00Z', 'Europe/Amsterdam', 25],
  ['0 4 * * *', '2026-03-28T03:00:00Z', 'Europe/Amsterdam', 23],
  ['0 * * * *', '2026-11-20T02:00:10Z', 'Asia/Kolkata', 1],
  ['0 * * * *', '2027-10-31T00:00:00Z', 'Europe/Amsterdam', 2],
  ['0 * * * *', '2027-10-31T01:00:00Z', 'Europe/Amsterdam', 2],
  ['0 * * * *', '2027-10-31T02:00:00Z', 'Europe/Amsterdam', 1],
  ['*/30 * * * *', '2027-04-03T14:30:00Z', 'Australia/Lord_Howe', 1],
  ['0 2 1 * *', '2026-02-01T02:00:00Z', 'UTC', 28 * 24],
])('%s leaves a backup of %s in %s for %d hours', (schedule, start, timeZone, hours) => {
  expect(gapMs(schedule, new Date(start), timeZone) / hourMs).toBe(hours);
});

const minute = 60_000;
const at = (text: string | undefined) => text && new Date(text);

test.each([
  ['0 2 * * *', '2026-11-20T02:00:09Z', '2026-11-20T02:00Z'],
  ['0 2 * * *', '2026-11-20T01:57:00Z', '2026-11-20T02:00Z'],
  ['0 2 * * *', '2026-11-20T03:10:00Z', '2026-11-20T02:00Z'],
  ['0 2 * * *', '2026-11-20T03:30:00Z', undefined],
  ['0 2 * * *', '2026-11-20T20:00:00Z', undefined],
  ['0 2 * * *', '2026-11-20T01:50:00Z', undefined],
  ['*/5 * * * *', '2026-11-20T02:00:10Z', '2026-11-20T02:00Z'],
  ['*/5 * * * *', '2026-11-20T02:04:50Z', '2026-11-20T02:05Z'],
  ['* * * * *', '2026-11-20T02:00:20Z', '2026-11-20T02:00Z'],
  ['0 */5 * * *', '2026-11-20T05:50:00Z', '2026-11-20T05:00Z'],
  ['0 2 29 2 *', '2028-02-29T02:20:00Z', '2028-02-29T02:00Z'],
])('of %s, a run that begins at %s is for %s', (cron, start, moment) => {
  expect(momentOf({ cron, timeZone: 'UTC', windowMs: 15 * minute }, new Date(start))).toEqual(at(moment));
});

test.each([
  ['30 2 * * *', 'Europe/Amsterdam', '2026-10-25T01:30:20Z', '2026-10-25T00:30Z'],
  ['30 2 * * *', 'Europe/Amsterdam', '2026-10-25T02:29:20Z', '2026-10-25T00:30Z'],
  ['30 2 * * *', 'Europe/Amsterdam', '2026-10-25T02:31:00Z', undefined],
  ['30 2 * * *', 'Europe/Amsterdam', '2026-10-26T02:30:20Z', undefined],
  ['30 * * * *', 'Europe/Amsterdam', '2026-10-25T01:30:20Z', '2026-10-25T00:30Z'],
  ['45 1 * * *', 'Australia/Lord_Howe', '2026-04-04T16:10:00Z', '2026-04-04T14:45Z'],
])(
  'of %s in %s, whose clock shows an hour twice, a run that begins at %s is for %s',
  (cron, timeZone, start, moment) => {
    expect(momentOf({ cron, timeZone, windowMs: 0 }, new Date(start))).toEqual(at(moment));
  },
);

test.each([
  [
    'a moment that the clock jumps over is none',
    '30 2 * * *',
    '2026-03-30T12:00Z',
    ['2026-03-28T01:30Z', '2026-03-30T00:30Z'],
  ],
  [
    'an hour that is shown twice has its moment once',
    '0 * * * *',
    '2026-10-25T02:30Z',
    ['2026-10-25T00:00Z', '2026-10-25T02:00Z'],
  ],
  ['a day of 25 hours has one', '30 2 * * *', '2026-10-26T12:00Z', ['2026-10-25T00:30Z', '2026-10-26T01:30Z']],
  ['the moment itself counts', '0 2 * * *', '2026-11-20T01:00Z', ['2026-11-19T01:00Z', '2026-11-20T01:00Z']],
])('moments in Amsterdam: %s', (_, cron, until, moments) => {
  expect(momentsOf({ cron, timeZone: 'Europe/Amsterdam', windowMs: 0 }, new Date(until), 3).slice(-2)).toEqual(
    moments.map((text) => new Date(text)),
  );
});

test('two schedules that are asked for one moment have moments of their own, and as many as are asked for', () => {
  const [until, zone] = [new Date('2026-11-20T12:00Z'), { timeZone: 'UTC', windowMs: 0 }];
  const of = (cron: string, most: number, timeZone = 'UTC') =>
    momentsOf({ ...zone, cron, timeZone }, until, most).map((moment) => moment.toISOString().slice(8, 13));

  expect(of('0 2 * * *', 1)).toEqual(['20T02']);
  expect(of('0 5 * * *', 1)).toEqual(['20T05']);
  expect(of('0 2 * * *', 2)).toEqual(['19T02', '20T02']);
  expect(of('0 2 * * *', 1, 'Asia/Tokyo')).toEqual(['19T17']);
});

test('a gap holds up to the next moment, but for those who start a little early; one that never ends has no end', () => {
  const gap = (cron: string, start: string) => gapAround(cron, new Date(start), 'UTC');

  expect(gap('0 2 * * *', '2026-11-20T02:00Z')).toEqual({
    ms: 24 * hourMs,
    untilMs: Date.parse('2026-11-21T01:55Z'),
  });
  expect(gap('0 2 30 2 *', '2026-11-20T02:00Z')).toEqual({ ms: Infinity, untilMs: Infinity });
});

test('a run begins in time up to the very moment', () => {
  const nightly = { cron: '0 2 * * *', timeZone: 'UTC', windowMs: 15 * minute };
  const moment = new Date('2026-11-20T02:00Z');
  const last = begunBy(nightly, moment);

  expect(momentOf(nightly, new Date(last))).toEqual(moment);
  expect(momentOf(nightly, new Date(last + 1))).toBeUndefined();
});
