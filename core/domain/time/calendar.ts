import type { Tier } from '../../contract/manifest/manifest.ts';
import { remembered } from './remembered.ts';

/** A tier whose places are periods of the calendar. */
export type PeriodTier = Exclude<Tier, 'last'>;

/**
 * The period of a tier that a moment falls into, as text: `2026-11-20`, `2026-W47`. Periods of one tier sort by time,
 * except for hours that a clock repeats.
 */
export type Calendar = (moment: Date, tier: PeriodTier) => string;

/**
 * The calendar of an IANA time zone. An hour that a clock repeats counts as two, whose texts differ by their offset.
 * Weeks are those of ISO 8601.
 */
export function calendarOf(timeZone: string): Calendar {
  const partsOf = clockOf(timeZone);
  return (moment, tier) => {
    const { day, hour } = partsOf(moment.getTime());
    switch (tier) {
      case 'hourly':
        return `${day}T${hour}`;
      case 'daily':
        return day;
      case 'weekly':
        return isoWeek(day);
      case 'monthly':
        return day.slice(0, 7);
      case 'yearly':
        return day.slice(0, 4);
    }
  };
}

/** `hour`: with the offset of its zone. */
type ClockParts = { day: string; hour: string };

/** Making and asking a clock is slow, and every tier and source asks for the same moments. */
const clockOf = remembered(newClock);
const mostKnown = 5000;

function newClock(timeZone: string): (ms: number) => ClockParts {
  if (timeZone === 'UTC') return utcParts;
  const format = new Intl.DateTimeFormat('en-CA', {
    timeZone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    hourCycle: 'h23',
    timeZoneName: 'longOffset',
  });
  const partsAt = (ms: number): ClockParts => {
    const parts = new Map(format.formatToParts(ms).map(({ type, value }) => [type as string, value]));
    return {
      day: `${parts.get('year')}-${parts.get('month')}-${parts.get('day')}`,
      hour: `${parts.get('hour')}${offsetOf(String(parts.get('timeZoneName')))}`,
    };
  };
  return remembered(partsAt, mostKnown);
}

/** Without asking for a format: the first one in a process takes 10 ms (docs/performance.md). */
function utcParts(ms: number): ClockParts {
  const [day = '', time = ''] = new Date(ms).toISOString().split('T');
  return { day, hour: `${time.slice(0, 2)}+00:00` };
}

/** `GMT+02:00` as `+02:00`. */
function offsetOf(name: string): string {
  return name.replace('GMT', '');
}

/** ISO 8601: a week belongs to the year of its Thursday, and the first week has the year's first Thursday. */
function isoWeek(day: string): string {
  const thursday = new Date(`${day}T00:00:00Z`);
  thursday.setUTCDate(thursday.getUTCDate() + 4 - (thursday.getUTCDay() || 7));
  const year = thursday.getUTCFullYear();
  const week = Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / (7 * 86_400_000)) + 1;
  return `${year}-W${String(week).padStart(2, '0')}`;
}
