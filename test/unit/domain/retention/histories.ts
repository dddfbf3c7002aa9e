import type { Retention } from '../../../../core/contract/config/settings/settings.ts';

/** A history of the documentation: local or UTC moments, a policy, a time zone. */
export type History = { name: string; title: string; retention: Retention; timeZone: string; starts: string[] };

const none = { last: 0, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0, keepWithinMs: 0 };
const defaults = { ...none, daily: 7, weekly: 4, monthly: 12, yearly: 5 };
const day = 86_400_000;

/** One backup every `stepHours`, from the first to the last moment. */
function every(stepHours: number, first: string, last: string): string[] {
  const starts: string[] = [];
  for (let at = Date.parse(first); at <= Date.parse(last); at += stepHours * 3_600_000)
    starts.push(new Date(at).toISOString());
  return starts;
}

export const histories: History[] = [
  {
    name: '01-first-week',
    title: 'Daily backups, in their first week: the defaults keep all of them',
    retention: defaults,
    timeZone: 'UTC',
    starts: every(24, '2026-11-16T02:00Z', '2026-11-20T02:00Z'),
  },
  {
    name: '02-defaults',
    title: 'Daily backups for two years, the defaults',
    retention: defaults,
    timeZone: 'UTC',
    starts: every(24, '2024-11-21T02:00Z', '2026-11-20T02:00Z'),
  },
  {
    name: '03-count',
    title: 'A plain count',
    retention: { count: 3 },
    timeZone: 'UTC',
    starts: every(24, '2026-11-14T02:00Z', '2026-11-20T02:00Z'),
  },
  {
    name: '04-count-of-more',
    title: 'A count of more than there are keeps all',
    retention: { count: 30 },
    timeZone: 'UTC',
    starts: every(24, '2026-11-17T02:00Z', '2026-11-20T02:00Z'),
  },
  {
    name: '05-last',
    title: '`last` counts backups, not periods',
    retention: { ...none, last: 3 },
    timeZone: 'UTC',
    starts: ['2026-11-20T02:00Z', '2026-11-20T02:05Z', '2026-11-20T02:10Z', '2026-11-20T02:15Z', '2026-11-20T02:20Z'],
  },
  {
    name: '06-newest-of-the-day',
    title: 'Of several backups of a day the newest stays',
    retention: { ...none, daily: 2 },
    timeZone: 'UTC',
    starts: every(6, '2026-11-18T02:00Z', '2026-11-20T08:00Z'),
  },
  {
    name: '07-hourly',
    title: 'Hours, days and weeks together',
    retention: { ...none, hourly: 6, daily: 3, weekly: 2 },
    timeZone: 'UTC',
    starts: every(1, '2026-11-16T00:10Z', '2026-11-20T14:10Z'),
  },
  {
    name: '08-gaps',
    title: 'Periods without a backup are not counted: seven days that have one',
    retention: { ...none, daily: 7 },
    timeZone: 'UTC',
    starts: [
      '2026-09-01T02:00Z',
      '2026-09-15T02:00Z',
      '2026-10-01T02:00Z',
      '2026-10-02T02:00Z',
      '2026-10-20T02:00Z',
      '2026-11-01T02:00Z',
      '2026-11-02T02:00Z',
      '2026-11-03T02:00Z',
      '2026-11-20T02:00Z',
    ],
  },
  {
    name: '09-stopped',
    title: 'A source whose backups stopped a year ago loses nothing by waiting',
    retention: defaults,
    timeZone: 'UTC',
    starts: every(24, '2025-11-10T02:00Z', '2025-11-20T02:00Z'),
  },
  {
    name: '10-oldest',
    title: 'While a tier has places left, the oldest backup holds one',
    retention: { ...none, monthly: 6 },
    timeZone: 'UTC',
    starts: every(24 * 7, '2026-09-07T02:00Z', '2026-11-16T02:00Z'),
  },
  {
    name: '11-oldest-goes',
    title: 'Once its places are filled, the oldest goes',
    retention: { ...none, monthly: 3 },
    timeZone: 'UTC',
    starts: every(24 * 7, '2026-09-07T02:00Z', '2026-11-16T02:00Z'),
  },
  {
    name: '12-iso-week',
    title: 'ISO weeks: 2026 has a week 53, and 3 January 2027 is in it',
    retention: { ...none, weekly: 3 },
    timeZone: 'UTC',
    starts: every(24, '2026-12-26T02:00Z', '2027-01-05T02:00Z'),
  },
  {
    name: '13-iso-week-year',
    title: '30 December 2024 is in the first week of 2025',
    retention: { ...none, weekly: 2, yearly: 2 },
    timeZone: 'UTC',
    starts: every(24, '2024-12-27T02:00Z', '2025-01-02T02:00Z'),
  },
  {
    name: '14-leap-day',
    title: 'A leap day ends its month',
    retention: { ...none, monthly: 2 },
    timeZone: 'UTC',
    starts: every(24, '2028-02-26T02:00Z', '2028-03-02T02:00Z'),
  },
  {
    name: '15-utc',
    title: 'Backups around midnight, counted in UTC',
    retention: { ...none, daily: 2 },
    timeZone: 'UTC',
    starts: ['2026-11-18T23:30Z', '2026-11-19T00:30Z', '2026-11-19T23:30Z', '2026-11-20T00:30Z'],
  },
  {
    name: '16-tokyo',
    title: 'The same ones in Tokyo, where all of them are in the morning',
    retention: { ...none, daily: 2 },
    timeZone: 'Asia/Tokyo',
    starts: ['2026-11-18T23:30Z', '2026-11-19T00:30Z', '2026-11-19T23:30Z', '2026-11-20T00:30Z'],
  },
  {
    name: '17-clocks-back',
    title: 'The night the clocks go back: the hour from two to three is two hours',
    retention: { ...none, hourly: 4 },
    timeZone: 'Europe/Amsterdam',
    starts: every(0.5, '2026-10-24T23:00Z', '2026-10-25T02:30Z'),
  },
  {
    name: '18-clocks-forward',
    title: 'The night the clocks go forward: there is no hour from two to three',
    retention: { ...none, hourly: 4 },
    timeZone: 'Europe/Amsterdam',
    starts: every(0.5, '2026-03-28T23:00Z', '2026-03-29T02:30Z'),
  },
  {
    name: '19-long-day',
    title: 'A day of 25 hours is one day',
    retention: { ...none, daily: 3 },
    timeZone: 'Europe/Amsterdam',
    starts: ['2026-10-23T22:00Z', '2026-10-24T22:00Z', '2026-10-25T22:59Z', '2026-10-25T23:00Z', '2026-10-26T22:59Z'],
  },
  {
    name: '20-skipped-day',
    title: 'Samoa had no 30 December 2011',
    retention: { ...none, daily: 3 },
    timeZone: 'Pacific/Apia',
    starts: every(12, '2011-12-28T20:00Z', '2012-01-01T08:00Z'),
  },
  {
    name: '21-within',
    title: '`keepWithin` counts back from the newest backup',
    retention: { ...none, keepWithinMs: 3 * day },
    timeZone: 'UTC',
    starts: every(24, '2026-11-14T02:00Z', '2026-11-20T02:00Z'),
  },
  {
    name: '22-within-and-tiers',
    title: '`keepWithin` beside tiers',
    retention: { ...none, monthly: 3, keepWithinMs: 2 * day },
    timeZone: 'UTC',
    starts: every(24 * 5, '2026-09-01T02:00Z', '2026-11-15T02:00Z').concat(
      every(8, '2026-11-17T02:00Z', '2026-11-20T02:00Z'),
    ),
  },
  {
    name: '23-yearly',
    title: 'Years, by a backup now and then',
    retention: { ...none, yearly: 3 },
    timeZone: 'America/New_York',
    starts: [
      '2022-06-01T06:00Z',
      '2023-12-31T23:00Z',
      '2024-01-01T04:59Z',
      '2024-01-01T05:00Z',
      '2025-03-01T06:00Z',
      '2026-11-20T06:00Z',
    ],
  },
  {
    name: '24-one',
    title: 'A single backup counts for everything',
    retention: defaults,
    timeZone: 'Europe/Amsterdam',
    starts: ['2026-11-20T01:00Z'],
  },
];
