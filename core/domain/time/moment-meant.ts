import { BackupError } from '../errors.ts';
import { offsetsOf } from './clock-change.ts';

/**
 * A moment that somebody has named. `odd`: what a person should know about how it was understood around a clock change.
 */
export type MomentMeant = { at: Date; odd?: string };

type Zone = { timeZone: string; now: Date };

const dayMs = 24 * 3_600_000;
const minuteMs = 60_000;
const written =
  /^(today|yesterday|\d{4}-\d\d-\d\d)(?:[T ]+(\d\d?):(\d\d)(?::(\d\d)(?:\.\d+)?)?)?(?:\s*(Z|UTC|[+-]\d\d:?\d\d))?$/i;
const hint =
  'as "yesterday 14:00", 2026-11-20, "2026-11-20 14:00" (in the time zone of the source), or 2026-11-20T14:00Z';

/**
 * The moment that a text names: a day (`today`, `yesterday`, `2026-11-20`), with or without a time of day, in a time
 * zone or at the offset in the text. What is left out extends to its end: a day without a time means all of it, and so
 * does a minute without seconds; but nothing is later than now. Of an hour that comes twice, the first is meant; one
 * that is skipped ends when the clock is put forward. Throws `input-invalid`.
 */
export function momentMeant(text: string, { timeZone, now }: Zone): MomentMeant {
  const found = written.exec(text.trim());
  if (found === null) throw unreadable(text);
  const [, named, hour, minute, second, offset] = found;
  if (offset !== undefined && hour === undefined) throw unreadable(text);
  const zone = offset === undefined ? offsetsOf(timeZone) : () => offsetMs(offset);
  const [time, unitMs] = timeOf(hour, minute, second);
  const day = dayOf(named!, now.getTime() + zone(now.getTime()));
  const wall = Date.parse(`${day}T${time}Z`);
  if (Number.isNaN(wall) || !isReal(day, time, wall)) throw unreadable(text);
  const { ms, odd } = onTheClock(wall, zone, { text: `${time.slice(0, 5)} on ${isoDay(wall)} in ${timeZone}`, unitMs });
  // days with a clock change are longer or shorter
  const end = unitMs === dayMs ? onTheClock(wall + dayMs, zone, { text, unitMs }).ms : ms + unitMs;
  if (ms > now.getTime())
    throw new BackupError('input-invalid', `"${text}" has not come yet`, {
      hint: 'for the newest backup, say no moment',
    });
  const at = new Date(Math.min(end - 1, now.getTime()));
  return { at, ...(odd !== undefined && { odd }) };
}

type Understood = { ms: number; odd?: string };

/** `wall`: what the clock shows, as if it were UTC. */
function onTheClock(
  wall: number,
  offsetAt: (ms: number) => number,
  { text, unitMs }: { text: string; unitMs: number },
): Understood {
  const [before, after] = [offsetAt(wall - dayMs), offsetAt(wall + dayMs)];
  // there are two moments if the clock is put back: `before` is the larger offset then
  const [first, second] = [...new Set([wall - before, wall - after])].filter((ms) => ms + offsetAt(ms) === wall);
  if (first === undefined) {
    const change = changeBetween(wall - after, wall - before, offsetAt);
    // a day that begins in a skipped hour begins at the change
    if (unitMs === dayMs) return { ms: change };
    const odd = `there is no ${text}, where the clock is put forward: the moment of that is meant, ${utc(change)}`;
    return { ms: change - unitMs, odd };
  }
  if (second === undefined || unitMs === dayMs) return { ms: first };
  const both = `the first is meant, ${utc(first)}; the second is ${utc(second)}`;
  const odd = `there are two ${text}, where the clock is put back: ${both}`;
  return { ms: first, odd };
}

/** When the offset changes, to the minute: the first moment with the new one. */
function changeBetween(from: number, to: number, offsetAt: (ms: number) => number): number {
  let [low, high] = [from, to];
  while (high - low > minuteMs) {
    const middle = low + Math.floor((high - low) / (2 * minuteMs)) * minuteMs;
    if (offsetAt(middle) === offsetAt(from)) low = middle;
    else high = middle;
  }
  return high;
}

/** A time of day, and the length of the unit that was written last. */
function timeOf(hour?: string, minute?: string, second?: string): [time: string, unitMs: number] {
  if (hour === undefined) return ['00:00:00', dayMs];
  return [`${hour.padStart(2, '0')}:${minute}:${second ?? '00'}`, second === undefined ? minuteMs : 1000];
}

function dayOf(day: string, here: number): string {
  const word = day.toLowerCase();
  if (word === 'today') return isoDay(here);
  return word === 'yesterday' ? isoDay(here - dayMs) : day;
}

/** JavaScript reads the 30th of February as another day, and 24:00, too. */
function isReal(day: string, time: string, wall: number): boolean {
  return new Date(wall).toISOString().startsWith(`${day}T${time}`);
}

function offsetMs(offset: string): number {
  const found = /([+-])(\d\d):?(\d\d)/.exec(offset);
  if (found === null) return 0;
  const [, sign, hours, minutes] = found;
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * minuteMs;
}

const isoDay = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
const utc = (ms: number): string => `${new Date(ms).toISOString().slice(0, 16)}Z`;

function unreadable(text: string): BackupError {
  return new BackupError('input-invalid', `"${text}" is no moment that can be understood`, { hint });
}
