import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { CronExpressionParser } from 'cron-parser';
import { Cron } from 'croner';
import { awsCron, awsCronProblem, lostBackupWarning } from '../../../core/contract/cloud/aws-schedule.ts';
import { gapMs } from '../../../core/domain/time/schedule.ts';
import { parseConfig } from '../../../core/config-file.ts';
import { copyScheduleOf, drillScheduleOf, rotationScheduleOf } from '../../../core/domain/time/after-backups.ts';
import { firesAt } from './aws-clock.ts';

const year = 2027;
const hourMs = 3_600_000;

const table: [string, string][] = [
  ['0 2 * * *', 'cron(0 2 * * ? *)'],
  ['*/15 2 * * *', 'cron(0/15 2 * * ? *)'],
  ['0 */6 * * *', 'cron(0 0/6 * * ? *)'],
  ['7 1-20/5 */2 */3 *', 'cron(7 1,6,11,16 1/2 1/3 ? *)'],
  ['0 8-18,22 * * *', 'cron(0 8-18,22 * * ? *)'],
  ['30 3 1 * *', 'cron(30 3 1 * ? *)'],
  ['30 3 31 * *', 'cron(30 3 31 * ? *)'],
  ['30 3 L * *', 'cron(30 3 L * ? *)'],
  ['30 3 15W * *', 'cron(30 3 15W * ? *)'],
  ['30 3 1w * *', 'cron(30 3 1W * ? *)'],
  ['30 3 1 JAN,jul *', 'cron(30 3 1 1,7 ? *)'],
  ['0 2 29 2 *', 'cron(0 2 29 2 ? *)'],
  ['0 2 * * 1-5', 'cron(0 2 ? * MON-FRI *)'],
  ['0 2 ? * MON-FRI', 'cron(0 2 ? * MON-FRI *)'],
  ['0 2 * * 0', 'cron(0 2 ? * SUN *)'],
  ['0 2 * * 7', 'cron(0 2 ? * SUN *)'],
  ['0 2 * * 5-7', 'cron(0 2 ? * SUN,FRI,SAT *)'],
  ['0 2 * * */2', 'cron(0 2 ? * SUN,TUE,THU,SAT *)'],
  ['0 2 * * sat,sun', 'cron(0 2 ? * SUN,SAT *)'],
  ['0 2 * * 1#2', 'cron(0 2 ? * 2#2 *)'],
  ['0 2 * * 0#5', 'cron(0 2 ? * 1#5 *)'],
  ['0 2 * * FRIL', 'cron(0 2 ? * 6L *)'],
  ['0 2 * * 5#L', 'cron(0 2 ? * 6L *)'],
  ['0 2 * * +1', 'cron(0 2 ? * MON *)'],
  ['0 2 */1 * 1', 'cron(0 2 * * ? *)'],
  ['0 2 15 * 0-6', 'cron(0 2 * * ? *)'],
];

test.each(table)('%s is %s', (schedule, expression) => {
  expect(awsCron(schedule)).toBe(expression);
});

test.each(table)(
  '%s fires as it is written: croner, and a second reader of what AWS gets, agree on every moment of a year',
  (schedule, expression) => {
    const wanted = momentsOf(schedule, 'UTC');

    expect(wanted.length).toBeGreaterThan(expression.includes('29 2') ? -1 : 0);
    expect(difference(firesAt(expression, 'UTC', year), wanted)).toBeUndefined();
    if (!/\dW/.test(expression)) expect(difference(read(expression), wanted)).toBeUndefined(); // cron-parser knows no W
  },
);

test('15 schedules put together by chance fire as they are written', () => {
  const random = generator(20261121);
  const pick = <T>(choices: readonly T[]): T => choices[Math.floor(random() * choices.length)]!;
  const field = (from: number, to: number) => {
    const any = () => from + Math.floor(random() * (to - from + 1));
    const [a, b] = [any(), any()].sort((x, y) => x - y) as [number, number];
    return pick([
      `${a}`,
      `${a}`,
      `${a}-${b}`,
      `${a},${b}`,
      `${a}-${b}/${1 + Math.floor(random() * 5)}`,
      `*/${2 + Math.floor(random() * (to - from - 1))}`,
      '*',
    ]);
  };
  const schedules = Array.from({ length: 15 }, () => {
    const [day, weekday] = pick([
      ['*', field(0, 7)],
      [field(1, 28), '*'],
      ['*', '*'],
      ['*', `${Math.floor(random() * 7)}#${1 + Math.floor(random() * 5)}`],
    ]);
    return `${Math.floor(random() * 60)} ${field(0, 23)} ${day} ${field(1, 12)} ${weekday}`;
  });

  for (const schedule of schedules) {
    const wanted = momentsOf(schedule, 'UTC');
    expect([schedule, difference(firesAt(awsCron(schedule), 'UTC', year), wanted)]).toEqual([schedule, undefined]);
    expect([schedule, difference(read(awsCron(schedule)), wanted)]).toEqual([schedule, undefined]);
  }
});

const zones = [
  'UTC',
  'Europe/Amsterdam',
  'Europe/London',
  'America/New_York',
  'America/Santiago',
  'Africa/Cairo',
  'Asia/Kolkata',
  'Australia/Lord_Howe',
];
const nightly = [
  '0 0 * * *',
  '30 0 * * *',
  '0 1 * * *',
  '30 1 * * *',
  '0 2 * * *',
  '15 2 * * *',
  '59 2 * * *',
  '0 3 * * *',
  '30 4 * * *',
  '0 2 * * 0',
  '0 2 * * 1-5',
  '0 2 28 * *',
  '0 2,14 * * *',
];
/** Many moments are slow to compare: two zones do. */
const often = ['0 */2 * * *', '17 0-4 * * *'];
const schedulesOf = (timeZone: string) =>
  timeZone === 'Europe/Amsterdam' || timeZone === 'Australia/Lord_Howe' ? [...nightly, ...often] : nightly;

test.each(zones)(
  'in %s a year of AWS has each backup that the schedule says, but for the one that a warning tells of',
  (timeZone) => {
    for (const schedule of schedulesOf(timeZone)) {
      const fires = firesAt(awsCron(schedule), timeZone, year);
      const said = momentsOf(schedule, timeZone).filter((moment) => !isRepeat(moment, timeZone));
      const warned = lostBackupWarning(schedule, timeZone);

      if (warned === undefined) expect([schedule, difference(fires, said)]).toEqual([schedule, undefined]);
      else expect([schedule, momentsOf(schedule, 'UTC').length - fires.length]).toEqual([schedule, 1]);
    }
  },
);

test.each(zones)('in %s no backup that AWS makes on time is ever called stale', (timeZone) => {
  for (const schedule of schedulesOf(timeZone).filter((one) => lostBackupWarning(one, timeZone) === undefined)) {
    const fires = firesAt(awsCron(schedule), timeZone, year);
    const pairs = fires
      .slice(1)
      .map((next, index) => ({ moment: fires[index]!, next }))
      .filter(({ moment }) => isNearChange(moment, timeZone));
    const late = pairs.filter(
      ({ moment, next }) => next.getTime() - moment.getTime() > gapMs(schedule, moment, timeZone),
    );
    expect({ schedule, late }).toEqual({ schedule, late: [] });
  }
});

const folder = new URL('../../../examples/', import.meta.url);

test('every schedule of the examples fires as it is written, changes of the clock included', () => {
  const configs = readdirSync(folder)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => parseConfig(readFileSync(new URL(file, folder), 'utf8'), file));
  const sources = configs.flatMap((config) => [...config.sources.values()]);
  const backups = sources.map(({ watch, timeZone }) => [watch.schedule!, timeZone] as const);
  const rotations = sources.map(
    ({ watch, timeZone, cloud }) => [cloud.rotate ?? rotationScheduleOf(watch.schedule!), timeZone] as const,
  );
  const drills = sources.flatMap(({ watch, timeZone, cloud }) =>
    watch.drillEveryMs === undefined
      ? []
      : [[cloud.drill ?? drillScheduleOf(watch.schedule!, watch.drillEveryMs), timeZone] as const],
  );
  expect(drills.length).toBeGreaterThan(0);
  const checks = configs.map(({ cloud }) => [cloud!.check, cloud!.timeZone] as const);
  const all = new Map([...backups, ...rotations, ...drills, ...checks].map((one) => [one.join(' '), one]));

  expect(configs.length).toBeGreaterThanOrEqual(5);
  for (const [schedule, timeZone] of all.values()) {
    const said = momentsOf(schedule, timeZone).filter((moment) => !isRepeat(moment, timeZone));
    expect([schedule, difference(firesAt(awsCron(schedule), timeZone, year), said)]).toEqual([schedule, undefined]);
  }
  expect(
    backups
      .map(([schedule, timeZone]) => lostBackupWarning(schedule, timeZone))
      .filter((problem) => problem !== undefined),
  ).toEqual([]);
});

test.each([
  ['30 3 * * *', 8, '30 8 * * 0'],
  ['30 3 * * *', 7, '30 8 * * *'],
  ['0 22 * * 1-5', 14, '0 3 * * 0'],
  ['*/15 * * * *', 30, '30 5 * * 0'],
])('of backups at "%s" that must be proven every %i days, one is drilled at "%s"', (schedule, days, drilled) => {
  expect(drillScheduleOf(schedule, days * 24 * hourMs)).toBe(drilled);
});

test('a nightly backup in the hour that the clock jumps over is warned of, with the night and the remedy', () => {
  expect(lostBackupWarning('30 2 * * *', 'Europe/Amsterdam')).toBe(
    'there is no 02:30 in Europe/Amsterdam on 2027-03-28: the clock goes from 02:00 to 03:00, and AWS makes no ' +
      'backup that night; write a time outside of it (as 03:00 or later), or timeZone: UTC',
  );
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

test.each([
  ['0 2 1 * 1', 'these days, and these weekdays too'],
  ['0 2 1-7 * +1', 'a day that is also one of the weekdays'],
  ['0 2 * * 1#1,1#3', 'no list of them'],
  ['0 2 * * 1,5L', 'no list of them'],
  ['0 2 LW * *', 'neither LW'],
  ['0 2 L,15 * *', 'write one of them'],
  ['0 2 31W * *', 'up to 28W'],
  ['0 2 30 2 *', 'five fields of cron'],
  ['@daily', 'five fields of cron'],
  [
    `${Array.from({ length: 30 }, (_, index) => index * 2 + (index > 3 ? 1 : 0)).join(',')} ` +
      `${'1,3,6,8,11,13,16,18,21,23'} ${'1,3,5,8,10,12,15,17,19,22,24,26,29,31'} ${'1,3,5,8,10,12'} *`,
    undefined,
  ],
])('%s: AWS refuses it, and %p is said', (schedule, why) => {
  if (why === undefined) return expect(awsCron(schedule).length).toBeLessThanOrEqual(256);
  expect(awsCronProblem(schedule)).toContain(why);
  expect(() => awsCron(schedule)).toThrow(why);
});

function momentsOf(schedule: string, timeZone: string): Date[] {
  const cron = new Cron(schedule, { timezone: timeZone, mode: '5-part' });
  const yearOf = new Intl.DateTimeFormat('en', { timeZone, year: 'numeric' });
  const moments: Date[] = [];
  for (
    let next = cron.nextRun(new Date(Date.UTC(year, 0, 1) - 30 * hourMs));
    next !== null && next.getTime() < Date.UTC(year + 1, 0, 2, 6);
    next = cron.nextRun(next)
  )
    moments.push(next);
  return moments.filter((moment) => yearOf.format(moment) === String(year));
}

/** AWS's expression, read by cron-parser: weekdays counted from 0, and * for ?. */
function read(expression: string): Date[] {
  const [minute, hour, day, month, weekday = ''] = expression
    .slice(5, -1)
    .split(' ')
    .map((field) => field.replace('?', '*'));
  const fromZero = weekday.replace(/^([1-7])(?=[#L])/, (number) => String(Number(number) - 1));
  const found = CronExpressionParser.parse([minute, hour, day, month, fromZero].join(' '), {
    tz: 'UTC',
    currentDate: new Date(Date.UTC(year, 0, 1) - 1000),
    endDate: new Date(Date.UTC(year + 1, 0, 1) - 1000),
  });
  const moments: Date[] = [];
  while (found.hasNext()) moments.push(found.next().toDate());
  return moments;
}

/** The first moment that only one of the two has. Comparing thousands of dates one by one takes jest minutes. */
function difference(fires: Date[], wanted: Date[]): string | undefined {
  const [left, right] = [new Set(fires.map(Number)), new Set(wanted.map(Number))];
  const extra = fires.find((moment) => !right.has(moment.getTime()));
  const missing = wanted.find((moment) => !left.has(moment.getTime()));
  return extra
    ? `fires at ${extra.toISOString()}, and should not`
    : missing
      ? `does not fire at ${missing.toISOString()}`
      : fires.length === wanted.length
        ? undefined
        : 'fires twice at one time';
}

const offsets: Record<string, Intl.DateTimeFormat> = {};

/** Within two days of a change of the clock, and in a week without any for good measure. */
function isNearChange(moment: Date, timeZone: string): boolean {
  const offset = (offsets[timeZone] ??= new Intl.DateTimeFormat('en', {
    timeZone,
    timeZoneName: 'longOffset',
    year: 'numeric',
  }));
  const around = [-2, 2].map((days) =>
    offset
      .format(moment.getTime() + days * 24 * hourMs)
      .split(' ')
      .at(-1),
  );
  return around[0] !== around[1] || (moment.getUTCMonth() === 6 && moment.getUTCDate() < 8);
}

const clocks: Record<string, Intl.DateTimeFormat> = {};

/** The clock showed this very time before: it was set back in between. */
function isRepeat(moment: Date, timeZone: string): boolean {
  const shown = (clocks[timeZone] ??= new Intl.DateTimeFormat('en-GB', {
    timeZone,
    dateStyle: 'short',
    timeStyle: 'short',
  }));
  return [0.5, 1].some((hours) => shown.format(moment.getTime() - hours * hourMs) === shown.format(moment));
}

/** A small generator of numbers from 0 to 1 that always gives the same ones (mulberry32). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 4_294_967_296;
  };
}

test.each([
  ['30 3 * * *', '30 4,5 * * *'],
  ['30 23 * * 1-5', '30 0,1 * * *'],
  ['0 1 * * *', '0 2,3 * * *'],
  ['0 */6 * * *', '30 * * * *'],
  ['45 8-18,22 * * *', '15 * * * *'],
  ['*/15 * * * *', '*/15 * * * *'],
])('backups by %s are copied by %s', (schedule, copied) => {
  expect(copyScheduleOf(schedule)).toBe(copied);
  // never more than a day and a bit apart, also when the clocks change
  const fires = firesAt(awsCron(copied), 'Europe/Amsterdam', year).map((one) => Number(one));
  const gaps = fires.slice(1).map((at, index) => at - fires[index]!);
  expect(Math.max(...gaps)).toBeLessThanOrEqual(25 * hourMs);
});
