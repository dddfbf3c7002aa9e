import { CronPattern } from 'croner';
import { BackupError } from '../../domain/errors.ts';
import { lostBackup } from '../../domain/time/clock-change.ts';
import { isSchedule } from '../../domain/time/schedule.ts';

const weekdays = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];
const everyWeek = 63;
const lastOfMonth = 32;

/**
 * Five fields of cron in EventBridge Scheduler's form: `0 2 * * 1-5` becomes `cron(0 2 ? * MON-FRI *)`. Values are
 * written out, so that nothing depends on how AWS reads a range with a step or the weekdays 0 and 7: at most 240
 * characters, where AWS accepts 256 (EventBridge Scheduler API reference, CreateSchedule). Throws `config-invalid` with
 * what `awsCronProblem` says.
 */
export function awsCron(schedule: string): string {
  const translated = translate(schedule);
  if ('problem' in translated)
    throw new BackupError('config-invalid', `the schedule "${schedule}" can't be one of AWS: ${translated.problem}`);
  return translated.expression;
}

/** Why EventBridge Scheduler can't express this schedule, and what to write instead; undefined if it can. */
export function awsCronProblem(schedule: string): string | undefined {
  const translated = translate(schedule);
  return 'problem' in translated ? translated.problem : undefined;
}

/**
 * A warning if the moment of a backup's schedule does not exist on the night when the clock is put forward. AWS skips
 * that backup (EventBridge Scheduler user guide, schedule types), which leaves a day without one. Undefined if no
 * backup is lost.
 */
export function lostBackupWarning(schedule: string, timeZone: string): string | undefined {
  const lost = lostBackup(schedule, timeZone);
  if (lost === undefined) return undefined;
  return `there is no ${lost.moment} in ${timeZone} on ${lost.day}: the clock goes from ${lost.from} to ${lost.to}, and AWS makes no backup that night; write a time outside of it (as ${lost.from === lost.moment ? lost.to : `${lost.to} or later`}), or timeZone: UTC`;
}

type Translated = { expression: string } | { problem: string };
type Days = { day: string; weekday: string } | { problem: string };

function translate(schedule: string): Translated {
  if (!isSchedule(schedule))
    return {
      problem:
        'expected five fields of cron (minute, hour, day, month, weekday) of a moment that comes, as "0 2 * * *"',
    };
  const pattern = new CronPattern(schedule);
  const days = daysOf(pattern);
  if ('problem' in days) return days;
  const fields = [
    listOf(pattern.minute, 0),
    listOf(pattern.hour, 0),
    days.day,
    listOf(pattern.month, 1),
    days.weekday,
    '*',
  ];
  return { expression: `cron(${fields.join(' ')})` };
}

/**
 * Exactly one of the two is `?`, because AWS accepts no day together with a weekday. Where cron joins the two by "or",
 * every day in one of them means every day.
 */
function daysOf(pattern: CronPattern): Days {
  const ownDays = dayOf(pattern);
  const ownWeekdays = weekdayOf(pattern);
  if (pattern.starDOW || (pattern.useAndLogic && ownWeekdays === '*')) return dayAlone(ownDays);
  if (pattern.starDOM || (pattern.useAndLogic && ownDays === '*')) return weekdayAlone(ownWeekdays);
  if (!pattern.useAndLogic && (ownDays === '*' || ownWeekdays === '*')) return { day: '*', weekday: '?' };
  const meaning = pattern.useAndLogic
    ? 'a day that is also one of the weekdays'
    : 'these days, and these weekdays too (cron means "or")';
  return {
    problem:
      `AWS takes a day of the month or a weekday, not both, and this says: ${meaning}; put * in one of the two ` +
      'fields (the first Monday of a month is 1#1 as weekday)',
  };
}

function dayAlone(day: string | undefined): Days {
  return day === undefined
    ? {
        problem:
          'AWS takes L, or one day as 15W (up to 28W), alone, and neither LW nor a list with them: write one of them',
      }
    : { day, weekday: '?' };
}

function weekdayAlone(weekday: string | undefined): Days {
  return weekday === undefined
    ? {
        problem:
          'AWS takes one such weekday alone, as 1#2 (the second Monday) or 5L (the last Friday), and no list of ' +
          'them: write one of them',
      }
    : { day: '?', weekday };
}

function dayOf(pattern: CronPattern): string | undefined {
  const days = pattern.starDOM ? '*' : listOf(pattern.day, 1);
  const nearest = pattern.nearestWeekdays.flatMap((set, index) => (set ? [index + 1] : []));
  if (pattern.lastWeekday) return undefined;
  if (pattern.lastDayOfMonth) return days === '' && nearest.length === 0 ? 'L' : undefined;
  if (nearest.length === 0) return days;
  // not every month has the 29th to the 31st, and AWS does not document what 31W means in April
  return days === '' && nearest.length === 1 && nearest[0]! <= 28 ? `${nearest[0]}W` : undefined;
}

function weekdayOf(pattern: CronPattern): string | undefined {
  const masks = pattern.dayOfWeek;
  const some = masks.flatMap((mask, weekday) => (mask ? [{ mask, weekday }] : []));
  if (some.every(({ mask }) => (mask & everyWeek) === everyWeek)) return listOf(masks, 0, weekdays);
  const [only, ...others] = some;
  if (only === undefined || others.length > 0) return undefined;
  if (only.mask === lastOfMonth) return `${only.weekday + 1}L`;
  const nth = Math.log2(only.mask);
  return Number.isInteger(nth) ? `${only.weekday + 1}#${nth + 1}` : undefined;
}

/** The values that are set, in AWS's form: `*`, `0/15` for steps up to the end, else a list with ranges. */
function listOf(set: readonly number[], first: number, names?: readonly string[]): string {
  const values = set.flatMap((is, index) => (is ? [index] : []));
  if (values.length === set.length) return '*';
  const name = (value: number) => names?.[value] ?? String(value + first);
  const [start = 0, second = 0] = values;
  const step = second - start;
  const isSteps =
    names === undefined &&
    values.length > 2 &&
    step > 1 &&
    values.every((value, index) => value === start + index * step) &&
    start + values.length * step >= set.length;
  if (isSteps) return `${name(start)}/${step}`;
  return runsOf(values)
    .map(([from, to]) => (to === from ? name(from) : `${name(from)}${to === from + 1 ? ',' : '-'}${name(to)}`))
    .join(',');
}

function runsOf(values: readonly number[]): [number, number][] {
  const runs: [number, number][] = [];
  for (const value of values) {
    const last = runs.at(-1);
    if (last !== undefined && last[1] === value - 1) last[1] = value;
    else runs.push([value, value]);
  }
  return runs;
}
