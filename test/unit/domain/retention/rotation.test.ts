import { expect, test } from '@jest/globals';
import { newBackupId, objectKey } from '../../../../core/domain/keys.ts';
import type { BackupId } from '../../../../core/domain/keys.ts';
import { failureKey, startKey } from '../../../../core/domain/layout/records.ts';
import { staleFailures, staleRequests, staleStarts, sweepable } from '../../../../core/domain/retention/leftovers.ts';
import { planRetention, reasonText } from '../../../../core/domain/retention/retention.ts';
import type { Reason } from '../../../../core/domain/retention/retention.ts';
import { firstRefusal, isPlainlyAllowed, refusedForEver } from '../../../../core/domain/retention/rotatable.ts';
import { planRotation, removedBy } from '../../../../core/domain/retention/rotation.ts';
import { exceeds, lostDays } from '../../../../core/domain/retention/rotation-share.ts';
import { longestTier, tierTags, tiersOfNew } from '../../../../core/domain/retention/tiers.ts';
import { historyOf } from '../../../../core/domain/verdict/history.ts';
import type { ListedObject } from '../../../../core/domain/verdict/history.ts';
import type { SourceVerdict, Verdict } from '../../../../core/domain/verdict/verdict.ts';
import { none, policyOf } from '../../../support/vaults/history.ts';
import { shop } from '../../../support/vaults/seen.ts';

const now = new Date('2026-11-20T12:00:00Z');
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const at = (day: number, hour = 2) => new Date(Date.UTC(2026, 10, day, hour));
const night = (day: number, hour = 2): BackupId => newBackupId(at(day, hour), 0);
const lying = (key: string, modified = new Date(0)): ListedObject => ({ key: objectKey(key), bytes: 5, modified });
const whole = (id: BackupId, ...more: string[]) =>
  ['manifest.json', 'data/0001.sql.zst', ...more].map((path) => lying(`shop/${id}/${path}`));

type Judged = Partial<Verdict> & { id: BackupId };
const verdictOf = ({ id, ...more }: Judged): Verdict => ({
  id,
  start: at(Number(id.slice(6, 8))),
  ms: 0,
  known: true,
  damage: undefined,
  misdated: undefined,
  shrunk: undefined,
  other: undefined,
  accepted: false,
  good: true,
  full: true,
  proven: false,
  ...more,
});

/** What is planned of backups that are worth this; `more`: of the verdict on their source. */
function planning(
  judged: Judged[],
  {
    policy = policyOf({ count: 1 }),
    pinned = [] as BackupId[],
    anyShare = true,
    ...more
  }: Partial<SourceVerdict> & { policy?: ReturnType<typeof policyOf>; pinned?: BackupId[]; anyShare?: boolean } = {},
) {
  const backups = judged.map(verdictOf);
  const ids = [...backups, ...(more.adopted ?? [])].map(({ id }) => id);
  const history = historyOf(
    shop,
    ids.flatMap((id) => whole(id, ...(pinned.includes(id) ? ['pin.json'] : []))),
  );
  const newest = backups.findLast(({ good }) => good);
  const seen = {
    backups,
    adopted: [],
    newest,
    full: newest,
    proven: undefined,
    hold: [],
    gone: undefined,
    lost: undefined,
    ...more,
  };
  const plan = planRotation(history, seen, policy, now, { anyShare });
  return {
    plan,
    reasons: Object.fromEntries(plan.backups.map(({ found, reasons }) => [found.id, reasons.map(reasonText)])),
  };
}
const unreadable = { damage: { kind: 'unreadable', why: '' }, good: false, full: false } as const;
const damaged = { damage: { kind: 'gone', why: '' }, good: false, full: false } as const;
const misdated = { misdated: { kind: 'late', why: '' }, good: false, full: false } as const;

test('what nothing keeps goes, and what is damaged goes when it would as a good one; what can’t be judged stays', () => {
  const { plan, reasons } = planning(
    [
      { id: night(13) },
      { id: night(14), ...damaged },
      { id: night(15), ...unreadable },
      { id: night(16), ...misdated },
      { id: night(17) },
      { id: night(18) },
      { id: night(19), ...damaged },
    ],
    { policy: policyOf({ count: 2 }) },
  );

  expect(reasons).toEqual({
    [night(13)]: [],
    [night(14)]: [],
    [night(15)]: ['unreadable: left alone'],
    [night(16)]: ['its date is wrong: left alone'],
    [night(17)]: ['last 2 of 2'],
    [night(18)]: ['last 1 of 2'],
    [night(19)]: ['damaged: takes no good one’s place'],
  });
  expect(removedBy(plan).map(({ found, bytes, tiers }) => [found.id, bytes, tiers])).toEqual([
    [night(13), 10, []],
    [night(14), 10, []],
  ]);
  expect(plan.backups.at(-2)).toMatchObject({ action: 'keep', tiers: ['last'] });
});

test('kept besides is what is pinned, adopted, the newest good one, the one that was proven, and what is held', () => {
  const ids = [13, 14, 15, 16, 17, 18].map((day) => ({ id: night(day) }));
  const [, proven, full] = ids.map(verdictOf);
  const { reasons } = planning(ids, {
    pinned: [night(13), night(18)],
    proven,
    full,
    hold: [night(15), night(16), night(18)],
    adopted: [verdictOf({ id: night(12) })],
  });

  expect(reasons).toEqual({
    [night(12)]: ['adopted: a person’s to remove'],
    [night(13)]: ['pinned'],
    [night(14)]: ['the last one that was proven'],
    [night(15)]: ['the last full one, until accepted'],
    [night(16)]: ['the most rows, until accepted'],
    [night(17)]: [],
    [night(18)]: ['last 1 of 1', 'pinned'],
  });
  const both = planning(ids, { policy: policyOf(none), newest: verdictOf(ids[2]!), proven: verdictOf(ids[2]!) });
  expect(both.reasons[night(15)]).toEqual(['the last good one', 'the last one that was proven']);
  // what can't be judged takes no damaged one's place either
  for (const odd of [misdated, unreadable])
    expect(
      planning([{ id: night(13) }, { id: night(18), ...damaged }, { id: night(19), ...odd }]).reasons,
    ).toMatchObject({
      [night(13)]: ['last 1 of 1'],
      [night(18)]: ['damaged: takes no good one’s place'],
    });
  const noneGood = planning(
    [
      { id: night(16), ...damaged },
      { id: night(17), ...damaged },
      { id: night(18), ...damaged },
    ],
    { policy: policyOf(none) },
  );
  expect(noneGood.reasons).toMatchObject({ [night(17)]: [], [night(18)]: ['the last good one'] });
});

test('a clock that may be wrong removes nothing, and it is said how to go on', () => {
  const { plan } = planning([{ id: night(19) }, { id: night(21) }, { id: night(22) }]);
  expect(plan.refusal).toMatchObject({
    code: 'rotation-refused',
    message:
      'shop: the clock says 2026-11-20T12:00:00.000Z, and the newest backup is of 2026-11-22T02:00:00.000Z: nothing was removed',
    hint: `set the clock of this machine; if it is right, ${night(22)} was not made then: nightjar accept shop`,
  });
  expect(planning([{ id: night(19) }, { id: night(21), accepted: true }]).plan.refusal).toBeUndefined();
  const atNow = planning([{ id: night(19) }, { id: night(20), start: now }]);
  expect(atNow.plan.refusal).toBeUndefined();
  const years = (days: number): Partial<Verdict> => ({ start: new Date(now.getTime() + days * dayMs) });
  const far = (...ahead: number[]) =>
    planning([
      { id: night(18) },
      { id: night(19) },
      ...ahead.map((days, index) => ({ id: night(21 + index), ...years(days) })),
    ]).plan.refusal;
  expect(far(366)).toBeUndefined();
  expect(far(365)).toMatchObject({ code: 'rotation-refused' });
  expect(far(500, 501)).toBeUndefined();
  expect(far(500, 501, 502)).toMatchObject({ hint: expect.stringContaining(night(23)) });
});

test('nothing would be left, or too many days at once: nothing is removed, and it is said how to see why', () => {
  const all = planning([], { adopted: [] });
  expect(all.plan).toMatchObject({ backups: [], refusal: undefined });
  const ids = [16, 17, 18, 19].map((day) => ({ id: night(day) }));
  const share = (maxShare: number, anyShare = false) =>
    planning(ids, { policy: policyOf({ count: 1 }, { maxShare }), anyShare }).plan.refusal;

  expect(share(74)).toMatchObject({
    code: 'rotation-refused',
    message:
      'shop: 3 of 4 backups would be removed and 3 of 4 days left without one, more than 74 % at once: nothing was removed',
    hint: 'see what and why: nightjar rotate shop --dry-run; if that is meant: nightjar rotate shop --any-share; for good: rotation.maxShare',
  });
  expect([share(75), share(74, true)]).toEqual([undefined, undefined]);
  const empty = { backups: [], newest: undefined, policy: policyOf(none) };
  expect(planning(ids, empty).plan.refusal).toMatchObject({
    code: 'rotation-refused',
    message: 'shop: nothing would be left of 4 backups: nothing was removed',
  });
  expect(planning(ids.slice(3), empty).plan.refusal).toMatchObject({ message: expect.stringContaining('1 backup:') });
});

test('days are counted, and not backups; in the time zone of the source', () => {
  const starts = [at(18, 2), at(18, 20), at(19, 2)];
  expect(lostDays(starts, [at(19, 2)], 'UTC')).toEqual({ lost: 1, of: 2 });
  expect(lostDays(starts, [at(18, 20), at(19, 2)], 'UTC')).toEqual({ lost: 0, of: 2 });
  expect(lostDays(starts, [at(19, 2)], 'Asia/Tokyo')).toEqual({ lost: 1, of: 2 });
  expect(lostDays([at(18, 20), at(19, 2)], [at(19, 2)], 'Asia/Tokyo')).toEqual({ lost: 0, of: 1 });
  expect([exceeds({ lost: 1, of: 2 }, 50), exceeds({ lost: 1, of: 2 }, 49)]).toEqual([false, true]);
});

test('every reason for which a backup is kept has its words', () => {
  const words: [Reason, string][] = [
    [{ rule: 'count', place: 1, of: 3 }, 'last 1 of 3'],
    [{ rule: 'within', ms: dayMs }, 'within 1 d of the newest'],
    [{ rule: 'adopted' }, 'adopted: a person’s to remove'],
    [{ rule: 'last-proven' }, 'the last one that was proven'],
    [{ rule: 'last-full' }, 'the last full one, until accepted'],
    [{ rule: 'most-rows' }, 'the most rows, until accepted'],
    [{ rule: 'misdated' }, 'its date is wrong: left alone'],
    [{ rule: 'unreadable' }, 'unreadable: left alone'],
    [{ rule: 'daily', place: 2, of: 7, period: '2026-11-18', oldest: false }, 'daily 2 of 7 (2026-11-18)'],
    [{ rule: 'hourly', place: 2, of: 7, period: '2026-11-18 02', oldest: false }, 'hourly 2 of 7 (11-18 02)'],
    [{ rule: 'daily', place: 2, of: 7, period: '2026-11-18', oldest: true }, 'daily 2 of 7 (the oldest)'],
  ];
  for (const [reason, text] of words) expect(reasonText(reason)).toBe(text);
});

test('of two backups of one second the one of the later name is the newer', () => {
  const [first, second] = ['20261120T020000Z-000001', '20261120T020000Z-000002'] as BackupId[];
  const both = [first!, second!].map((id) => ({ id, start: at(20) }));
  for (const given of [both, both.toReversed()])
    expect(planRetention(given, { count: 1 }, 'UTC').map(({ id, reasons }) => [id, reasons.length])).toEqual([
      [first, 0],
      [second, 1],
    ]);
});

test('a new backup counts as the newest of all that are not of the future, and is tagged by what keeps it longest', () => {
  const one = { id: night(20), start: at(20) };
  const others = [
    { id: night(19), start: at(19) },
    { id: night(25), start: at(25) },
  ];
  expect(tiersOfNew(one, others, { ...none, daily: 1, yearly: 1 }, 'UTC')).toEqual(['daily', 'yearly']);
  expect(tiersOfNew(one, [{ id: newBackupId(at(20), 0.5), start: at(20) }], { count: 1 }, 'UTC')).toEqual([]);
  expect([longestTier([]), longestTier(['daily', 'monthly', 'yearly'])]).toEqual(['last', 'yearly']);
  expect(tierTags([])).toEqual({ 'nightjar-tier': 'last', 'nightjar-tiers': 'none' });
  expect(tierTags(['daily', 'monthly'])).toEqual({ 'nightjar-tier': 'monthly', 'nightjar-tiers': 'daily-monthly' });
});

test('what dead runs have left is swept once all of it is older than the grace time: run, parts and uploads', () => {
  const old = new Date(now.getTime() - dayMs - 1);
  const young = new Date(now.getTime() - dayMs);
  const part = (id: BackupId, modified: Date) => lying(`shop/${id}/data/0001.sql.zst`, modified);
  const early = newBackupId(new Date(now.getTime() - dayMs - 1000), 0);
  const history = historyOf(shop, [
    part(night(10), old),
    part(night(11), young),
    part(newBackupId(young, 0), old),
    part(early, old),
  ]);
  const upload = (key: string, begun: Date) => ({ key: objectKey(key), upload: key, begun });
  const uploads = [
    upload(`shop/${night(10)}/data/0001.sql.zst`, old),
    upload(`shop/${night(10)}/data/0002.sql.zst`, young),
    upload(`shop/${newBackupId(young, 0)}/data/0001.sql.zst`, old),
    upload(`other/${night(10)}/data/0001.sql.zst`, old),
    upload(`shop/${night(10)}/notes.txt`, old),
    upload('shop/notes.txt', old),
  ];

  const swept = sweepable(history, uploads, dayMs, now);

  expect(swept.objects.map(({ key }) => key)).toEqual([part(night(10), old).key, part(early, old).key]);
  expect(swept.uploads).toEqual([uploads[0]]);
});

test('records of failures go that are older than the grace time, the newest backup, and the starts that stay', () => {
  const failed = (day: number) => failureKey(shop, { at: at(day), run: 'run', code: 'vault-full' });
  const started = (day: number, hour: number) => startKey(shop, { id: night(day, hour), run: 'run', meant: undefined });
  const stale = (keys: string[], graceMs = dayMs) =>
    staleFailures(
      historyOf(
        shop,
        keys.map((key) => lying(key)),
      ),
      graceMs,
      now,
    );
  const failures = [failed(16), failed(17), failed(18), failed(19)];
  const made = (day: number) => `shop/${night(day)}/manifest.json`;

  expect(stale(failures)).toEqual([]);
  expect(stale([...failures, made(20)])).toEqual([failed(16), failed(17), failed(18), failed(19)]);
  expect(stale([...failures, made(20)], 3 * dayMs)).toEqual([failed(16), failed(17)]);
  expect(stale([...failures, made(18)])).toEqual([failed(16), failed(17)]);
  expect(stale([...failures, made(20), started(17, 1), started(19, 1)])).toEqual([failed(16)]);
  const many = Array.from({ length: 32 }, (_, index) => started(18, index % 24 === 0 ? 3 : 3 + (index % 20)));
  const busy = Array.from({ length: 32 }, (_, index) =>
    startKey(shop, { id: newBackupId(at(19, 1), index / 0x1000000), run: 'run', meant: undefined }),
  );
  expect(many).toHaveLength(32);
  expect(stale([...failures, made(20), started(16, 1), ...busy])).toEqual([failed(16), failed(17), failed(18)]);
});

test('the newest thirty-two records of starts stay, and every one of the grace time; requests stay for ninety days', () => {
  const starts = Array.from({ length: 40 }, (_, index) =>
    startKey(shop, {
      id: newBackupId(new Date(now.getTime() - (40 - index) * hourMs), 0),
      run: 'run',
      meant: undefined,
    }),
  );
  const history = historyOf(
    shop,
    starts.map((key) => lying(key)),
  );
  expect(staleStarts(history, hourMs, now)).toEqual(starts.slice(0, 8));
  expect(staleStarts(history, 35 * hourMs, now)).toEqual(starts.slice(0, 5));
  const asked = (name: string, days: number) =>
    lying(`shop/restores/${name}-1-begun.json`, new Date(now.getTime() - days * dayMs));
  const requests = historyOf(shop, [asked('0123456789abcdea', 90), asked('0123456789abcdeb', 90.1)]);
  expect(staleRequests(requests, now)).toEqual(['shop/restores/0123456789abcdeb-1-begun.json']);
});

test('a policy is refused for ever whose first rotation would always take more than its share', () => {
  const daily = { schedule: '0 2 * * *', rotate: undefined, timeZone: 'UTC', retention: { count: 1 }, maxShare: 49 };
  expect(refusedForEver(daily)).toEqual({ lost: 1, of: 2 });
  expect(refusedForEver({ ...daily, maxShare: 50 })).toBeUndefined();
  expect(refusedForEver({ ...daily, retention: { count: 2 } })).toBeUndefined();
  expect(refusedForEver({ ...daily, retention: { count: 1 }, rotate: '0 5 * * 0', maxShare: 60 })).toMatchObject({
    lost: 6,
    of: 7,
  });
  expect(refusedForEver({ ...daily, rotate: '0 5 * * *', maxShare: 50 })).toBeUndefined();
  expect(refusedForEver({ ...daily, rotate: '0 5 30 2 *' })).toBeUndefined();
  expect(refusedForEver({ ...daily, schedule: '*/10 * * * *' })).toEqual({ lost: 1, of: 2 });
  expect([refusedForEver(daily), refusedForEver(daily)]).toEqual(Array(2).fill({ lost: 1, of: 2 }));
  expect(refusedForEver({ ...daily, schedule: ' 0 2 30 2 * ' })).toBeUndefined();
});

test('half of the days and more, rotated each day, are allowed without a trial, which takes a second', () => {
  const half = { schedule: '0 2 * * *', rotate: undefined, timeZone: 'UTC', retention: { count: 1 }, maxShare: 50 };
  const needsTrial = (more: Partial<Omit<typeof half, 'rotate'>> & { rotate?: string }) =>
    !isPlainlyAllowed({ ...half, ...more });

  expect([needsTrial({}), needsTrial({ rotate: '0 5 * * *' }), needsTrial({ rotate: '15 */6 * * *' })]).toEqual([
    false,
    false,
    false,
  ]);
  // a day of 25 hours is one
  expect(needsTrial({ rotate: '0 5 * * *', timeZone: 'Europe/Amsterdam' })).toBe(false);
  expect([needsTrial({ maxShare: 49 }), needsTrial({ rotate: '0 5 * * 1-5' })]).toEqual([true, true]);
});

test('a policy is tried for so many rotations, or for those of so many backups', () => {
  // on the fifth night the day of the first backup is the only one that goes
  const late = { schedule: '0 2 * * *', rotate: undefined, timeZone: 'UTC', retention: { count: 4 }, maxShare: 19 };
  const tried = (rotations: number, backups: number) => firstRefusal(late, { rotations, backups });

  expect([tried(5, 5), tried(9, 9)]).toEqual(Array(2).fill({ lost: 1, of: 5 }));
  expect([tried(4, 9), tried(9, 4)]).toEqual([undefined, undefined]);
  expect(firstRefusal({ ...late, maxShare: 20 }, { rotations: 9, backups: 9 })).toBeUndefined();
});
