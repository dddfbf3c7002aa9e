import { expect, test } from '@jest/globals';
import { gapMs, isSchedule } from '../../core/domain/schedule.ts';

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
