import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Retention } from '../../../../core/contract/config/settings/settings.ts';
import { calendarOf } from '../../../../core/domain/time/calendar.ts';
import { newBackupId, startOf } from '../../../../core/domain/keys.ts';
import { planRetention, reasonText, tiersOf } from '../../../../core/domain/retention/retention.ts';
import type { Candidate } from '../../../../core/domain/retention/retention.ts';
import { tiersOfNew, tierTags } from '../../../../core/domain/retention/tiers.ts';
import { keptByOracle } from './oracle.ts';
import { draws } from '../../../support/random/draws.ts';

const zones = [
  'UTC',
  'Europe/Amsterdam',
  'America/New_York',
  'America/Sao_Paulo',
  'Asia/Kolkata',
  'Asia/Tokyo',
  'Pacific/Apia',
  'Pacific/Chatham',
  'Australia/Lord_Howe',
  'Africa/Casablanca',
  'America/St_Johns',
  'Asia/Tehran',
];
const hour = 3_600_000;
const none = { last: 0, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0, keepWithinMs: 0 };

const zone = fc.constantFrom(...zones);
const places = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 15 }));
const policy: fc.Arbitrary<Retention> = fc.oneof(
  { weight: 1, arbitrary: fc.record({ count: fc.integer({ min: 1, max: 40 }) }) },
  {
    weight: 9,
    arbitrary: fc.record({
      last: places,
      hourly: places,
      daily: places,
      weekly: places,
      monthly: places,
      yearly: fc.integer({ min: 0, max: 5 }),
      keepWithinMs: fc.constantFrom(0, 0, hour, 48 * hour, 30 * 24 * hour),
    }),
  },
);
/** Hours before a clock was set back or forward, or a day left out, in one of the zones. */
const changes = [
  '2025-10-25T22:00Z',
  '2025-03-29T22:00Z',
  '2025-11-02T03:00Z',
  '2018-02-17T23:00Z',
  '2025-04-05T12:00Z',
  '2025-04-05T11:30Z',
  '2011-12-29T20:00Z',
  '2022-09-21T17:00Z',
].map((at) => Date.parse(at) / 1000);
const gaps = (gap: fc.Arbitrary<number>): fc.Arbitrary<number[]> => fc.array(gap, { maxLength: 60 });
/**
 * Starts at any moment from 2008 on, gaps from seconds to years: dense, sparse, in bursts, around changes of the clock.
 */
const history: fc.Arbitrary<Candidate[]> = fc
  .tuple(
    fc.oneof(
      fc.integer({ min: Date.UTC(2008, 0, 1) / 1000, max: Date.UTC(2026, 0, 1) / 1000 }),
      fc.constantFrom(...changes),
    ),
    fc.oneof(
      gaps(fc.integer({ min: 300, max: 2400 })),
      gaps(
        fc.oneof(
          fc.integer({ min: 0, max: 7200 }),
          fc.constantFrom(3600, 86_400, 82_800, 90_000, 604_800),
          fc.integer({ min: 0, max: 40 * 86_400 }),
          fc.integer({ min: 0, max: 500 * 86_400 }),
        ),
      ),
    ),
    fc.array(fc.double({ min: 0, max: 0.999_999, noNaN: true }), { minLength: 61, maxLength: 61 }),
  )
  .map(([first, steps, tails]) => {
    let at = first;
    const starts = [first, ...steps.map((gap) => (at += gap))];
    return [...new Set(starts.map((start, index) => newBackupId(new Date(start * 1000), tails[index]!)))].map((id) => ({
      id,
      start: startOf(id),
    }));
  });

const kept = (backups: readonly Candidate[], retention: Retention, timeZone: string): string[] =>
  planRetention(backups, retention, timeZone)
    .filter(({ reasons }) => reasons.length > 0)
    .map(({ id }) => String(id));

test('what is kept is what an independent reading of the rules keeps, for thousands of histories, policies and time zones', () => {
  fc.assert(
    fc.property(history, policy, zone, (backups, retention, timeZone) => {
      expect(kept(backups, retention, timeZone)).toEqual([...keptByOracle(backups, retention, timeZone)].sort());
    }),
    draws(4000),
  );
});

test('the order in which a vault lists backups changes nothing', () => {
  fc.assert(
    fc.property(history, policy, zone, fc.infiniteStream(fc.nat()), (backups, retention, timeZone, keys) => {
      const shuffled = backups
        .map((one) => ({ one, key: keys.next().value as number }))
        .sort((a, b) => a.key - b.key)
        .map(({ one }) => one);
      expect(planRetention(shuffled, retention, timeZone)).toEqual(planRetention(backups, retention, timeZone));
    }),
    draws(300),
  );
});

test('rotating after every backup keeps no less of each tier than rotating once in the end, and a second rotation removes nothing', () => {
  fc.assert(
    fc.property(history, policy, zone, (backups, retention, timeZone) => {
      let left: Candidate[] = [];
      for (const backup of backups.toSorted((a, b) => (a.id < b.id ? -1 : 1))) {
        const all = [...left, backup];
        const ids = new Set(kept(all, retention, timeZone));
        left = all.filter(({ id }) => ids.has(id));
      }
      const once = new Set(kept(backups, retention, timeZone));
      const again = kept(left, retention, timeZone);

      expect(again).toEqual(left.map(({ id }) => String(id)));
      // but for the oldest, which a growing history hands on
      const oldest = backups.map(({ id }) => String(id)).sort()[0];
      expect([...once].filter((id) => id !== oldest && !again.includes(id))).toEqual([]);
    }),
    draws(500),
  );
});

test('the newest backup is always kept, and a new one is tagged with all that it counts for', () => {
  fc.assert(
    fc.property(history, policy, zone, (backups, retention, timeZone) => {
      fc.pre('count' in retention || Object.values(retention).some((value) => value > 0));
      const ordered = backups.toSorted((a, b) => (a.id < b.id ? -1 : 1));
      const newest = ordered.at(-1)!;

      expect(kept(backups, retention, timeZone)).toContain(newest.id);
      const expected =
        'count' in retention
          ? ['last']
          : (['last', 'hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const).filter((tier) => retention[tier] > 0);
      expect(tiersOfNew(newest, ordered.slice(0, -1), retention, timeZone)).toEqual(expected);
    }),
    draws(300),
  );
});

test.each([
  [
    'Europe/Amsterdam',
    '2026-10-25T00:30:00Z',
    '2026-10-25T01:30:00Z',
    'hourly',
    '2026-10-25T02+02:00',
    '2026-10-25T02+01:00',
  ],
  [
    'Europe/Amsterdam',
    '2026-03-29T00:59:59Z',
    '2026-03-29T01:00:00Z',
    'hourly',
    '2026-03-29T01+01:00',
    '2026-03-29T03+02:00',
  ],
  ['Europe/Amsterdam', '2026-10-24T21:59:59Z', '2026-10-24T22:00:00Z', 'daily', '2026-10-24', '2026-10-25'],
  ['America/New_York', '2027-01-01T04:59:59Z', '2027-01-01T05:00:00Z', 'yearly', '2026', '2027'],
  ['UTC', '2027-01-03T23:59:59Z', '2027-01-04T00:00:00Z', 'weekly', '2026-W53', '2027-W01'],
  ['UTC', '2024-12-29T23:59:59Z', '2024-12-30T00:00:00Z', 'weekly', '2024-W52', '2025-W01'],
  ['Pacific/Apia', '2011-12-30T09:59:59Z', '2011-12-30T10:00:00Z', 'daily', '2011-12-29', '2011-12-31'],
  ['Asia/Kolkata', '2026-05-31T18:29:59Z', '2026-05-31T18:30:00Z', 'monthly', '2026-05', '2026-06'],
] as const)(
  'in %s, %s and %s are in different periods of the tier %s',
  (timeZone, before, after, tier, first, second) => {
    const calendar = calendarOf(timeZone);

    expect([calendar(new Date(before), tier), calendar(new Date(after), tier)]).toEqual([first, second]);
  },
);

test('every reason fits its column', () => {
  const reasons = [
    ...(['hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const).map((rule) => ({
      rule,
      place: 100,
      of: 100,
      period: calendarOf('Pacific/Chatham')(new Date(0), rule),
      oldest: false,
    })),
    { rule: 'within', ms: 36_500 * 24 * hour } as const,
    ...(['pinned', 'last-good', 'last-proven', 'unreadable', 'damaged'] as const).map((rule) => ({ rule })),
  ];

  expect(reasons.map(reasonText).filter((text) => text.length > 35)).toEqual([]);
});

test('tags name every tier, and the one that keeps longest by itself', () => {
  const backups = ['20261120T020000Z-aaaaaa', '20261119T020000Z-aaaaaa'].map((id) => ({
    id: id as Candidate['id'],
    start: startOf(id as Candidate['id']),
  }));
  const [older, newer] = planRetention(backups, { ...none, daily: 2, monthly: 1 }, 'UTC').map((decision) =>
    tierTags(tiersOf(decision)),
  );

  expect(newer).toEqual({ 'nightjar-tier': 'monthly', 'nightjar-tiers': 'daily-monthly' });
  expect(older).toEqual({ 'nightjar-tier': 'daily', 'nightjar-tiers': 'daily' });
  expect(tierTags([])).toEqual({ 'nightjar-tier': 'last', 'nightjar-tiers': 'none' });
});
