import { expect, test } from '@jest/globals';
import { lostBackupWarning } from '../../../../core/contract/cloud/aws-schedule.ts';
import { copyScheduleOf, drillScheduleOf, rotationScheduleOf } from '../../../../core/domain/time/after-backups.ts';
import { jumpsOf, lostBackup, offsetsOf } from '../../../../core/domain/time/clock-change.ts';
import { observedClock } from '../../../../core/domain/time/clocks.ts';
import { longestGapHours } from '../../../../core/domain/time/longest-gap.ts';
import { onCalendar } from '../../../../core/domain/time/on-calendar.ts';

const dayMs = 86_400_000;

test.each([
  ['0 2 * * *', '0 5 * * *', '0 7 * * *', '0 3,4 * * *'],
  ['15 22 * * *', '15 1 * * *', '15 3 * * *', '15 0,23 * * *'],
  ['30 23 * * 1-5', '30 2 * * *', '30 4 * * *', '30 0,1 * * *'],
  ['0 2,14 * * *', '0 5 * * *', '0 7 * * *', '30 * * * *'],
  ['0 8-18 * * *', '0 11 * * *', '0 13 * * *', '30 * * * *'],
  ['45 */6 * * *', '30 5 * * *', '30 5 * * *', '15 * * * *'],
  ['*/15 2 * * *', '30 5 * * *', '30 5 * * *', '*/15 2 * * *'],
  ['  0   2 * * *', '0 5 * * *', '0 7 * * *', '0 3,4 * * *'],
])('behind backups of "%s" come rotations "%s", drills "%s", copies "%s"', (schedule, rotate, drill, copy) => {
  expect(rotationScheduleOf(schedule)).toBe(rotate);
  expect(drillScheduleOf(schedule, 7 * dayMs)).toBe(drill);
  expect(drillScheduleOf(schedule, 8 * dayMs)).toBe(drill.replace(/\*$/, '0'));
  expect(copyScheduleOf(schedule)).toBe(copy);
});

// checked by eye against systemd.time(7); `systemd-analyze calendar` reads them in test/real/machine
test.each<[string, string[]]>([
  ['30 2 * * *', ['*-*-* 02:30:00 Europe/Paris']],
  ['0 2 * * 1-5', ['Mon,Tue,Wed,Thu,Fri *-*-* 02:00:00 Europe/Paris']],
  ['0 2 * * 0', ['Sun *-*-* 02:00:00 Europe/Paris']],
  ['0 2 * * 7', ['Sun *-*-* 02:00:00 Europe/Paris']],
  ['*/30 * * * *', ['*-*-* *:00,30:00 Europe/Paris']],
  ['5 8-10 * * *', ['*-*-* 08,09,10:05:00 Europe/Paris']],
  ['0 2 1,15 1-3 *', ['*-01,02,03-01,15 02:00:00 Europe/Paris']],
  ['0 2 L * *', ['*-*~01 02:00:00 Europe/Paris']],
  ['0 2 1,L * *', ['*-*-01 02:00:00 Europe/Paris', '*-*~01 02:00:00 Europe/Paris']],
  ['0 2 * * 1#2', ['Mon *-*-8..14 02:00:00 Europe/Paris']],
  ['0 2 * * 5L', ['Fri *-*~07/1 02:00:00 Europe/Paris']],
  ['0 2 * * 1#1,3', ['Wed *-*-* 02:00:00 Europe/Paris', 'Mon *-*-1..7 02:00:00 Europe/Paris']],
  ['0 2 13 * 5', ['*-*-13 02:00:00 Europe/Paris', 'Fri *-*-* 02:00:00 Europe/Paris']],
  ['0 2 13 * +5', ['Fri *-*-13 02:00:00 Europe/Paris']],
  ['0 2 * * +5', ['Fri *-*-* 02:00:00 Europe/Paris']],
])('systemd has "%s" as %j', (schedule, expressions) => {
  expect(onCalendar(schedule, 'Europe/Paris')).toEqual({ expressions });
});

test.each(['0 2 15W * *', '0 2 LW * *'])('systemd has no "%s"', (schedule) => {
  expect(onCalendar(schedule, 'UTC')).toEqual({
    problem: 'systemd knows no weekday that is nearest to a day (15W, LW): name the day',
  });
});

// rules of the zones: tz database (Europe: last Sunday of March, 01:00 UTC; New York: second Sunday of March, 02:00;
// Lord Howe: half an hour)
test('where clocks are put forward is known of each zone', () => {
  const clock = ({ fromMs, toMs }: { fromMs: number; toMs: number }) =>
    [fromMs, toMs].map((ms) => new Date(ms).toISOString().slice(0, 16));

  expect(clock(jumpsOf('Europe/Amsterdam')[0]!)).toEqual(['2027-03-28T02:00', '2027-03-28T03:00']);
  expect(clock(jumpsOf('America/New_York')[0]!)).toEqual(['2027-03-14T02:00', '2027-03-14T03:00']);
  expect(clock(jumpsOf('Australia/Lord_Howe')[0]!)).toEqual(['2027-10-03T02:00', '2027-10-03T02:30']);
  expect(jumpsOf('Europe/Amsterdam')).toHaveLength(10);
  expect([jumpsOf('UTC'), jumpsOf('Asia/Tokyo')]).toEqual([[], []]);
  expect(offsetsOf('Asia/Kathmandu')(Date.UTC(2027, 0, 1))).toBe(345 * 60_000);
});

test.each<[string, string, object | undefined]>([
  ['30 2 * * *', 'Europe/Amsterdam', { day: '2027-03-28', moment: '02:30', from: '02:00', to: '03:00' }],
  ['0 2 * * *', 'Europe/Amsterdam', { day: '2027-03-28', moment: '02:00', from: '02:00', to: '03:00' }],
  ['0 3 * * *', 'Europe/Amsterdam', undefined],
  ['59 1 * * *', 'Europe/Amsterdam', undefined],
  ['30 2 * * *', 'UTC', undefined],
  ['30 * * * *', 'Europe/Amsterdam', undefined],
  ['30 2,14 * * *', 'Europe/Amsterdam', { day: '2027-03-28', moment: '02:30', from: '02:00', to: '03:00' }],
  ['30 2 * * 1', 'Europe/Amsterdam', undefined],
  ['15 2 * * *', 'Australia/Lord_Howe', { day: '2027-10-03', moment: '02:15', from: '02:00', to: '02:30' }],
])('of "%s" in %s is lost %j', (schedule, zone, lost) => {
  expect(lostBackup(schedule, zone)).toEqual(lost);
});

test('a backup that the clock leaves out is told with a time that it does not', () => {
  const end = 'and AWS makes no backup that night; write a time outside of it';
  expect(lostBackupWarning('30 2 * * *', 'Europe/Amsterdam')).toBe(
    `there is no 02:30 in Europe/Amsterdam on 2027-03-28: the clock goes from 02:00 to 03:00, ${end} (as 03:00 or later), or timeZone: UTC`,
  );
  expect(lostBackupWarning('0 2 * * *', 'Europe/Amsterdam')).toContain(`${end} (as 03:00), or timeZone: UTC`);
  expect(lostBackupWarning('0 4 * * *', 'Europe/Amsterdam')).toBeUndefined();
});

test.each([
  ['0 * * * *', 'UTC', 1],
  ['0 2 * * *', 'UTC', 24],
  ['0 2 * * *', 'Europe/Amsterdam', 25],
  ['0 2,14 * * *', 'UTC', 12],
  ['0 2 * * 1', 'UTC', 168],
  ['0 2 1 * *', 'UTC', 744],
])('between two moments of "%s" in %s are at most %d hours', (schedule, zone, hours) => {
  expect(longestGapHours(schedule, zone)).toBe(hours);
});

test('a clock is out of step by more than a minute alone, whatever the answer took', () => {
  const at = (ms: number) => new Date(Date.UTC(2026, 10, 20) + ms);
  const told = (theirs: number) => observedClock('the server', { theirs: at(theirs), before: at(0), after: at(1000) });
  const fine = { outcome: 'fine', said: 'the server and this machine tell the same time' };
  const remedy =
    'set the one that is wrong, and keep both by NTP (timedatectl): backups are named and judged by the clock here';

  for (const ms of [0, 500, 1000, 61_000, -60_000]) expect(told(ms)).toEqual(fine);
  expect(told(121_000)).toEqual({
    outcome: 'warning',
    said: 'the clock of this machine is 2 min behind that of the server',
    remedy,
  });
  expect(told(-120_000)).toEqual({
    outcome: 'warning',
    said: 'the clock of this machine is 2 min ahead of that of the server',
    remedy,
  });
});
