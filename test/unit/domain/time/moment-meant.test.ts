import { expect, test } from '@jest/globals';
import { momentMeant } from '../../../../core/domain/time/moment-meant.ts';

const now = new Date('2026-11-29T08:30:00.123Z');
const meant = (text: string, timeZone = 'Europe/Amsterdam', at = now) => momentMeant(text, { timeZone, now: at });
const iso = (...asked: Parameters<typeof meant>) => meant(...asked).at.toISOString();

// Amsterdam is an hour before UTC in winter and two in summer
test.each([
  ['yesterday 14:00', '2026-11-28T13:00:59.999Z'],
  ['Yesterday  9:05', '2026-11-28T08:05:59.999Z'],
  ['yesterday', '2026-11-28T22:59:59.999Z'],
  ['today 09:00', '2026-11-29T08:00:59.999Z'],
  ['today', '2026-11-29T08:30:00.123Z'],
  ['today 09:30', '2026-11-29T08:30:00.123Z'],
  ['2026-11-20', '2026-11-20T22:59:59.999Z'],
  ['2026-07-20', '2026-07-20T21:59:59.999Z'],
  ['2026-11-20 14:00', '2026-11-20T13:00:59.999Z'],
  ['2026-11-20T14:00:30', '2026-11-20T13:00:30.999Z'],
  ['2026-07-20 14:00', '2026-07-20T12:00:59.999Z'],
  ['2026-11-20T14:00Z', '2026-11-20T14:00:59.999Z'],
  ['2026-11-20T14:00:00.000Z', '2026-11-20T14:00:00.999Z'],
  ['2026-11-20 14:00 UTC', '2026-11-20T14:00:59.999Z'],
  ['2026-11-20T14:00+05:30', '2026-11-20T08:30:59.999Z'],
  ['2026-11-20T14:00:00-0800', '2026-11-20T22:00:00.999Z'],
  ['yesterday 23:59Z', '2026-11-28T23:59:59.999Z'],
])('%s is meant to its end: %s', (text, at) => {
  expect(iso(text)).toBe(at);
  expect(meant(text).odd).toBeUndefined();
});

test('what day it is depends on where one is', () => {
  const late = new Date('2026-11-29T23:30:00Z');

  expect(iso('yesterday 10:00', 'UTC', late)).toBe('2026-11-28T10:00:59.999Z');
  expect(iso('yesterday 10:00', 'Asia/Tokyo', late)).toBe('2026-11-29T01:00:59.999Z');
  expect(iso('yesterday 10:00 +09:00', 'UTC', late)).toBe('2026-11-29T01:00:59.999Z');
});

test.each([
  ['2026-10-25 02:30', 'Europe/Amsterdam', '2026-10-25T00:30:59.999Z', '2026-10-25T00:30Z', '2026-10-25T01:30Z'],
  ['2026-11-01 01:00', 'America/New_York', '2026-11-01T05:00:59.999Z', '2026-11-01T05:00Z', '2026-11-01T06:00Z'],
  ['2026-04-05 01:45', 'Australia/Lord_Howe', '2026-04-04T14:45:59.999Z', '2026-04-04T14:45Z', '2026-04-04T15:15Z'],
])('%s comes twice in %s: the first is meant, and both are said', (text, timeZone, at, first, second) => {
  expect(iso(text, timeZone)).toBe(at);
  expect(meant(text, timeZone).odd).toBe(
    `there are two ${text.slice(11)} on ${text.slice(0, 10)} in ${timeZone}, where the clock is put back: the ` +
      `first is meant, ${first}; the second is ${second}`,
  );
});

test.each([
  ['2026-03-29 02:30', 'Europe/Amsterdam', '2026-03-29T00:59:59.999Z', '2026-03-29T01:00Z'],
  ['2026-03-08 02:00', 'America/New_York', '2026-03-08T06:59:59.999Z', '2026-03-08T07:00Z'],
])('%s is left out in %s: the change of the clock is meant, and said', (text, timeZone, at, change) => {
  expect(iso(text, timeZone)).toBe(at);
  expect(meant(text, timeZone).odd).toBe(
    `there is no ${text.slice(11)} on ${text.slice(0, 10)} in ${timeZone}, where the clock is put forward: the ` +
      `moment of that is meant, ${change}`,
  );
});

test.each([
  ['2026-10-25', 'Europe/Amsterdam', '2026-10-25T22:59:59.999Z'],
  ['2026-03-29', 'Europe/Amsterdam', '2026-03-29T21:59:59.999Z'],
  // in Santiago this day begins at one o'clock
  ['2026-09-05', 'America/Santiago', '2026-09-06T03:59:59.999Z'],
  ['2026-09-06', 'America/Santiago', '2026-09-07T02:59:59.999Z'],
])('a day on which the clock is changed is all of it: %s in %s', (text, timeZone, at) => {
  expect(iso(text, timeZone)).toBe(at);
  expect(meant(text, timeZone).odd).toBeUndefined();
});

test.each([
  '',
  'tomorrow 14:00',
  'yesterday at 14:00',
  '14:00',
  '2026-02-30',
  '2026-11-20 24:00',
  '2026-11-20 14:60',
  '2026-11-20 14',
  '2026-11-20Z',
  '20-11-2026 14:00',
  '20261120T020000Z',
])('%j can not be understood, and is not guessed', (text) => {
  expect(() => meant(text)).toThrow(
    expect.objectContaining({ code: 'input-invalid', message: `"${text}" is no moment that can be understood` }),
  );
});

test.each(['2026-11-30', '2026-11-29 09:31', '2026-11-29T08:31Z'])('%s has not come yet', (text) => {
  expect(() => meant(text)).toThrow(expect.objectContaining({ message: `"${text}" has not come yet` }));
});
