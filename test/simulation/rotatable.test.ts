import { expect, test } from '@jest/globals';
import { Cron } from 'croner';
import fc from 'fast-check';
import type { Retention } from '../../core/contract/config/settings/settings.ts';
import { newBackupId, startOf } from '../../core/domain/keys.ts';
import { planRetention } from '../../core/domain/retention/retention.ts';
import type { Candidate } from '../../core/domain/retention/retention.ts';
import { refusedForEver } from '../../core/domain/retention/rotatable.ts';
import { exceeds, lostDays } from '../../core/domain/retention/rotation-share.ts';

const dayMs = 86_400_000;
const begin = Date.UTC(2026, 0, 1);
const none = { last: 0, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0, keepWithinMs: 0 };
const defaults: Retention = { ...none, daily: 7, weekly: 4, monthly: 12, yearly: 5 };
const rotations = { 'each day': '30 5 * * *', 'each six hours': '15 */6 * * *', 'each week': '30 5 * * 0' };

/** `streak`: how many were refused one after the other, at most. */
type Simulated = { refused: number; rotations: number; most: number; streak: number };
type Outage = (at: Date) => boolean;

/** Backups and rotations as they come, each by its own cron; `noBackup` and `noRotation` say when a machine is off. */
function simulate(
  schedule: string,
  rotate: string,
  retention: Retention,
  {
    from = begin,
    days = 400,
    timeZone = 'Europe/Amsterdam',
    maxShare = 60,
    noBackup = () => false,
    noRotation = () => false,
  }: {
    from?: number;
    days?: number;
    timeZone?: string;
    maxShare?: number;
    noBackup?: Outage;
    noRotation?: Outage;
  } = {},
): Simulated {
  const momentsOf = (cron: string): Date[] => {
    const moments: Date[] = [];
    const all = new Cron(cron, { timezone: timeZone, mode: '5-part' });
    for (let at = all.nextRun(new Date(from)); at !== null && at.getTime() < from + days * dayMs; at = all.nextRun(at))
      moments.push(at);
    return moments;
  };
  const made = momentsOf(schedule)
    .filter((at) => !noBackup(at))
    .map((at): Candidate => ({ id: newBackupId(at, 0), start: startOf(newBackupId(at, 0)) }));
  const seen: Simulated = { refused: 0, rotations: 0, most: 0, streak: 0 };
  let streak = 0;
  let kept: Candidate[] = [];
  let next = 0;
  for (const at of momentsOf(rotate).filter((moment) => !noRotation(moment))) {
    while (next < made.length && made[next]!.start < at) kept.push(made[next++]!);
    const stays = new Set(
      planRetention(kept, retention, timeZone).flatMap(({ id, reasons }) => (reasons.length > 0 ? [id] : [])),
    );
    const after = kept.filter(({ id }) => stays.has(id));
    seen.rotations += 1;
    if (
      exceeds(
        lostDays(
          kept.map(({ start }) => start),
          after.map(({ start }) => start),
          timeZone,
        ),
        maxShare,
      )
    ) {
      seen.refused += 1;
      streak += 1;
      seen.streak = Math.max(seen.streak, streak);
    } else [kept, streak] = [after, 0];
    seen.most = Math.max(seen.most, kept.length);
  }
  return seen;
}

/** For how many days: dense ones as long as it takes to fill the days and weeks, the others for more than a year. */
const schedules: [string, number][] = [
  ['*/5 * * * *', 9],
  ['*/30 * * * *', 20],
  ['0 * * * *', 41],
  ['0 */4 * * *', 60],
  ['45 */6 * * *', 60],
  ['0 3 * * *', 400],
  ['0 2 * * 1-5', 100],
  ['0 2 * * 0', 400],
  ['0 2 1 * *', 400],
];

test.each(Object.entries(rotations))(
  'the default retention, rotated %s, is never refused, whatever the schedule, and keeps few',
  (_, rotate) => {
    for (const [schedule, days] of schedules) {
      const seen = simulate(schedule, rotate, defaults, { days });

      expect({ schedule, refused: seen.refused }).toEqual({ schedule, refused: 0 });
      expect(seen.most).toBeLessThan(40);
    }
  },
);

test.each(Object.entries(rotations))(
  '… nor rotated %s after a week in which nothing was rotated, or nothing was made, early or late in a year',
  (_, rotate) => {
    for (const [schedule, most] of schedules.filter(([, days]) => days >= 40)) {
      for (const from of [10, 31].filter((day) => day + 10 < most)) {
        const off: Outage = (at) => at.getTime() >= begin + from * dayMs && at.getTime() < begin + (from + 7) * dayMs;
        const days = from + 24;

        expect({
          schedule,
          from,
          refused: simulate(schedule, rotate, defaults, { days, noRotation: off }).refused,
        }).toEqual({ schedule, from, refused: 0 });
        expect({
          schedule,
          from,
          refused: simulate(schedule, rotate, defaults, { days, noRotation: off, noBackup: off }).refused,
        }).toEqual({ schedule, from, refused: 0 });
      }
    }
  },
);

test('what is accepted when a configuration is read rotates, and what is refused then would be refused again and again', () => {
  const places = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 10 }));
  const retentions: fc.Arbitrary<Retention> = fc.oneof(
    fc.record({ count: fc.integer({ min: 1, max: 20 }) }),
    fc.record({
      last: places,
      hourly: places,
      daily: fc.integer({ min: 1, max: 10 }),
      weekly: places,
      monthly: places,
      yearly: fc.constant(0),
      keepWithinMs: fc.constantFrom(0, 2 * dayMs),
    }),
  );
  const rotate = fc.constantFrom(undefined, ...Object.values(rotations));
  fc.assert(
    fc.property(
      fc.constantFrom('0 */4 * * *', '0 3 * * *', '0 23 * * *', '0 2 * * 1-5', '0 4 * * 0'),
      rotate,
      retentions,
      fc.integer({ min: 30, max: 100 }),
      (schedule, rotated, retention, maxShare) => {
        const refused = refusedForEver({
          schedule,
          rotate: rotated,
          timeZone: 'Europe/Amsterdam',
          retention,
          maxShare,
        });
        const weekly = rotated === rotations['each week'];
        const sixHourly = rotated === rotations['each six hours'];
        const trying = (days: number): Simulated =>
          simulate(schedule, rotated ?? '30 5 * * *', retention, { from: Date.UTC(2024, 0, 1), days, maxShare });

        if (refused === undefined) {
          // the days that are tried when a file is read: what is just allowed depends on how months and weeks fall.
          // A day's rotation that may take half of the days is refused now and then, and catches up on the next days
          const seen = trying(weekly ? 400 : sixHourly ? 24 : 95);
          expect(seen.streak).toBeLessThanOrEqual(maxShare >= 50 && !weekly ? (sixHourly ? 12 : 3) : 0);
          return;
        }
        // refused again and again, if not each time: that is why it is told when the file is read
        expect(trying(400).refused).toBeGreaterThan(3);
      },
    ),
    // the same draws each time: an edge of the calendar is found here, and not by whoever runs the tests next
    { numRuns: 30, seed: 20_261_129 },
  );
});
