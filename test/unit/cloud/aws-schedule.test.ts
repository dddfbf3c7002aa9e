import { expect, test } from '@jest/globals';
import { awsCron, awsCronProblem, lostBackupWarning } from '../../../core/contract/cloud/aws-schedule.ts';
import { awsSchedules } from './aws-schedules.ts';

test.each(awsSchedules)('%s is %s', (schedule, expression) => {
  expect(awsCron(schedule)).toBe(expression);
  expect(awsCronProblem(schedule)).toBeUndefined();
});

test('the longest schedule that there can be is not too long for AWS', () => {
  // of all lists of a field, the one with the most characters: two in a row, and one left out
  const pairs = (from: number, to: number, skipped: number): string =>
    Array.from({ length: to - from + 1 }, (_, index) => from + index)
      .filter((value) => value % 3 !== skipped)
      .join(',');

  const expression = awsCron(`${pairs(0, 59, 2)} ${pairs(0, 23, 2)} ${pairs(1, 31, 0)} ${pairs(1, 12, 0)} *`);

  expect(expression.length).toBeGreaterThan(230);
  expect(expression.length).toBeLessThanOrEqual(256);
});

const fields =
  'expected five fields of cron (minute, hour, day, month, weekday) of a moment that comes, as "0 2 * * *"';
const oneDay =
  'AWS takes L, or one day as 15W (up to 28W), alone, and neither LW nor a list with them: write one of them';
const oneWeekday =
  'AWS takes one such weekday alone, as 1#2 (the second Monday) or 5L (the last Friday), and no list of them: write ' +
  'one of them';
const both = (meaning: string) =>
  `AWS takes a day of the month or a weekday, not both, and this says: ${meaning}; put * in one of the two fields ` +
  '(the first Monday of a month is 1#1 as weekday)';
const either = both('these days, and these weekdays too (cron means "or")');
const together = both('a day that is also one of the weekdays');

test.each([
  ['0 2 1 * 1', either],
  ['0 2 L * 1-5', either],
  ['0 2 LW * 1', either],
  ['0 2 1-7 * +1', together],
  ['0 2 L * +1', together],
  ['0 2 * * 1#1,1#3', oneWeekday],
  ['0 2 * * 1#1,2#1', oneWeekday],
  ['0 2 * * 1L,2L', oneWeekday],
  ['0 2 * * 1L,1#1', oneWeekday],
  ['0 2 * * 1,5L', oneWeekday],
  ['0 2 LW * *', oneDay],
  ['0 2 LW * +0-6', oneDay],
  ['0 2 L,15 * *', oneDay],
  ['0 2 L,15W * *', oneDay],
  ['0 2 15W,1 * *', oneDay],
  ['0 2 15W,20W * *', oneDay],
  ['0 2 29W * *', oneDay],
  ['0 2 30 2 *', fields],
  ['@daily', fields],
  ['0 2 * *', fields],
])('%s: AWS can’t have it, and what to write is said', (schedule, problem) => {
  expect(awsCronProblem(schedule)).toBe(problem);
  expect(() => awsCron(schedule)).toThrow(
    expect.objectContaining({
      code: 'config-invalid',
      message: `the schedule "${schedule}" can't be one of AWS: ${problem}`,
    }),
  );
});

test('a nightly backup in the hour that the clock jumps over is warned of, with the night and the remedy', () => {
  const warned = (moment: string, as: string) =>
    `there is no ${moment} in Europe/Amsterdam on 2027-03-28: the clock goes from 02:00 to 03:00, and AWS makes no ` +
    `backup that night; write a time outside of it (as ${as}), or timeZone: UTC`;

  expect(lostBackupWarning('30 2 * * *', 'Europe/Amsterdam')).toBe(warned('02:30', '03:00 or later'));
  // that very time of day is where the clock goes to
  expect(lostBackupWarning('0 2 * * *', 'Europe/Amsterdam')).toBe(warned('02:00', '03:00'));
  expect(lostBackupWarning('30 2 * * *', 'America/New_York')).toContain('2027-03-14');
  expect(lostBackupWarning('15 2 * * *', 'Australia/Lord_Howe')).toContain('from 02:00 to 02:30');
  expect(lostBackupWarning('0 0 * * *', 'Africa/Cairo')).toContain('from 00:00 to 01:00');
});

test.each([
  ['0 3 * * *', 'Europe/Amsterdam'],
  ['30 2 * * 1-5', 'Europe/Amsterdam'],
  ['0 2 1 * *', 'Europe/Amsterdam'],
  ['0 * * * *', 'Europe/Amsterdam'],
  ['0 */2 * * *', 'Europe/Amsterdam'],
  ['30 2 * * *', 'Asia/Kolkata'],
  ['30 2 * * *', 'UTC'],
])('%s in %s loses no backup', (schedule, timeZone) => {
  expect(lostBackupWarning(schedule, timeZone)).toBeUndefined();
});
