import { CronPattern } from 'croner';

const weekdays = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const everyWeek = 0b11111;
/** The last week of a weekday in a month. */
const lastWeek = 32;

/** Expressions of systemd (systemd.time(7)), any of which may match; or why there is none. */
export type OnCalendar = { expressions: string[] } | { problem: string };

/**
 * Five fields of cron in systemd's form: `30 2 * * 1-5` in `Europe/Paris` becomes `Mon,Tue,Wed,Thu,Fri *-*-* 02:30:00
 * Europe/Paris`. Cron joins a day of the month and a weekday by "or", systemd by "and": such a schedule becomes two
 * expressions.
 */
export function onCalendar(schedule: string, timeZone: string): OnCalendar {
  const pattern = new CronPattern(schedule.trim(), undefined, { mode: '5-part' });
  if (pattern.lastWeekday || pattern.nearestWeekdays.some(Boolean))
    return { problem: 'systemd knows no weekday that is nearest to a day (15W, LW): name the day' };
  const time = `${listOf(pattern.hour, 0)}:${listOf(pattern.minute, 0)}:00 ${timeZone}`;
  const days = daysOf(pattern);
  const weeks = weekdaysOf(pattern);
  const both = pattern.useAndLogic || pattern.starDOM || pattern.starDOW;
  const dates = both
    ? days.flatMap((day) => weeks.flatMap((week) => joined(day, week)))
    : [...days.map((day) => ({ weekday: '', day })), ...weeks];
  const month = listOf(pattern.month, 1);
  return { expressions: dates.map(({ weekday, day }) => `${weekday}*-${month}${day} ${time}`) };
}

/** A day of the month with its sign (`-` counts from the first, `~` from the last), and a weekday. */
type DateForm = { weekday: string; day: string };

function daysOf({ starDOM, day, lastDayOfMonth }: CronPattern): string[] {
  if (starDOM) return ['-*'];
  const listed = day.some(Boolean) ? [`-${listOf(day, 1)}`] : [];
  return [...listed, ...(lastDayOfMonth ? ['~01'] : [])];
}

/** The weekdays of every week as one form; those of certain weeks of the month, one form each. */
function weekdaysOf({ starDOW, dayOfWeek }: CronPattern): DateForm[] {
  if (starDOW) return [{ weekday: '', day: '-*' }];
  const masks = dayOfWeek.slice(0, 7).map((mask, index) => ({ mask, name: weekdays[index]! }));
  const always = masks.filter(({ mask }) => (mask & everyWeek) === everyWeek).map(({ name }) => name);
  const certain = masks.filter(({ mask }) => mask !== 0 && (mask & everyWeek) !== everyWeek);
  return [
    ...(always.length > 0 ? [{ weekday: `${always.join(',')} `, day: '-*' }] : []),
    ...certain.flatMap(({ mask, name }) => weeksOf(mask).map((day) => ({ weekday: `${name} `, day }))),
  ];
}

function weeksOf(mask: number): string[] {
  const weeks = [0, 1, 2, 3, 4].filter((week) => mask & (1 << week)).map((week) => `-${week * 7 + 1}..${week * 7 + 7}`);
  return mask & lastWeek ? [...weeks, '~07/1'] : weeks;
}

/** A day that must also be a weekday; for certain weeks, only if the day is not restricted. */
function joined(day: string, week: DateForm): DateForm[] {
  return week.day === '-*' ? [{ weekday: week.weekday, day }] : day === '-*' ? [week] : [];
}

function listOf(set: readonly number[], first: number): string {
  const values = set.flatMap((is, index) => (is ? [String(index + first).padStart(2, '0')] : []));
  return values.length === set.length ? '*' : values.join(',');
}
