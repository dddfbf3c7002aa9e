import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { CronExpressionParser } from 'cron-parser';
import { Cron } from 'croner';
import { awsCron, lostBackupWarning } from '../../../core/contract/cloud/aws-schedule.ts';
import { gapMs } from '../../../core/domain/time/schedule.ts';
import { parseConfig } from '../../../core/config-file.ts';
import { copyScheduleOf, drillScheduleOf, rotationScheduleOf } from '../../../core/domain/time/after-backups.ts';
import { awsSchedules } from '../../unit/cloud/aws-schedules.ts';
import { firesAt } from './aws-clock.ts';

const year = 2027;
const hourMs = 3_600_000;

test.each(awsSchedules)(
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
