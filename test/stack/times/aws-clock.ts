/**
 * When EventBridge Scheduler fires, by its user guide alone ("Schedule types"): `cron(minute hour day month weekday
 * year)`, weekdays from 1 (Sunday), `?`, `L`, `3W`, `6L`, `2#1`; a time that the clock leaves out does not fire, one
 * that it repeats fires once (here: the first of the two).
 */
export function firesAt(expression: string, timeZone: string, year: number): Date[] {
  const [minute = '', hour = '', day = '', month = '', weekday = '', years = ''] =
    /^cron\((.+)\)$/.exec(expression)?.[1]?.split(' ') ?? [];
  if ([day, weekday].filter((field) => field === '?').length !== 1 || years !== '*')
    throw new Error(`AWS refuses ${expression}`);
  const [minutes, hours, months] = [valuesOf(minute, 0, 59), valuesOf(hour, 0, 23), valuesOf(month, 1, 12)];
  const instantOf = clockOf(timeZone);
  const moments: Date[] = [];
  for (
    let date = new Date(Date.UTC(year, 0, 1));
    date.getUTCFullYear() === year;
    date = new Date(date.getTime() + 86_400_000)
  ) {
    if (!months.has(date.getUTCMonth() + 1)) continue;
    if (!(day === '?' ? isWeekday(weekday, date) : isDay(day, date))) continue;
    for (const h of hours) for (const m of minutes) moments.push(...instantOf(date.getTime() + (h * 60 + m) * 60_000));
  }
  return moments.sort((a, b) => a.getTime() - b.getTime());
}

const names = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

function valuesOf(field: string, from: number, to: number): Set<number> {
  const all = (first: number, last: number, step = 1) =>
    Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, index) => first + index * step);
  return new Set(
    field.split(',').flatMap((item) => {
      const [, first, last, step] = /^(\d+)(?:-(\d+)|\/(\d+))?$/.exec(item) ?? [];
      if (item === '*') return all(from, to);
      if (
        first === undefined ||
        Number(first) < from ||
        Number(last ?? first) > to ||
        Number(last ?? first) < Number(first)
      )
        throw new Error(`AWS refuses ${field}`);
      return step === undefined ? all(Number(first), Number(last ?? first)) : all(Number(first), to, Number(step));
    }),
  );
}

function isDay(field: string, date: Date): boolean {
  const last = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  if (field === 'L') return date.getUTCDate() === last;
  const near = /^(\d+)W$/.exec(field)?.[1];
  if (near === undefined) return valuesOf(field, 1, 31).has(date.getUTCDate());
  const on = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), Number(near)));
  const move =
    on.getUTCDay() === 6 ? (near === '1' ? 2 : -1) : on.getUTCDay() === 0 ? (Number(near) === last ? -2 : 1) : 0;
  return date.getUTCDate() === Number(near) + move;
}

function isWeekday(field: string, date: Date): boolean {
  const own = date.getUTCDay() + 1;
  const [, weekday, nth] = /^([1-7])(?:#([1-5])|L)$/.exec(field) ?? [];
  if (weekday !== undefined && Number(weekday) !== own) return false;
  if (nth !== undefined) return Math.ceil(date.getUTCDate() / 7) === Number(nth);
  if (weekday !== undefined) return new Date(date.getTime() + 7 * 86_400_000).getUTCMonth() !== date.getUTCMonth();
  return valuesOf(
    field.replace(/[A-Z]{3}/g, (name) => String(names.indexOf(name) + 1)),
    1,
    7,
  ).has(own);
}

/**
 * The moment at which a clock of the zone first shows a time of day (written as if it were UTC): none where it never
 * does.
 */
function clockOf(timeZone: string): (wall: number) => Date[] {
  const format = new Intl.DateTimeFormat('en-GB', { timeZone, dateStyle: 'short', timeStyle: 'short' });
  const known = new Map<number, number>();
  const offsetAt = (at: number) => {
    const quarter = Math.floor(at / 900_000) * 900_000;
    const found = known.get(quarter) ?? shownAt(format, quarter) - quarter;
    known.set(quarter, found);
    return found;
  };
  return (wall) => {
    const offsets = [...new Set([offsetAt(wall - 86_400_000), offsetAt(wall + 86_400_000)])].sort((a, b) => b - a);
    return offsets
      .map((offset) => wall - offset)
      .filter((at) => at + offsetAt(at) === wall)
      .slice(0, 1)
      .map((at) => new Date(at));
  };
}

function shownAt(format: Intl.DateTimeFormat, at: number): number {
  const [day = 0, month = 0, year = 0, hour, minute] = format.format(at).split(/\D+/).map(Number);
  return Date.UTC(year, month - 1, day, hour, minute);
}
