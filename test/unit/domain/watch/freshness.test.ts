import { expect, test } from '@jest/globals';
import { judge, unseen } from '../../../../core/domain/watch/freshness.ts';
import type { Finding } from '../../../../core/domain/watch/freshness.ts';
import { before, hourMs, minuteMs, seenOf, watching } from '../../../support/vaults/seen.ts';
import type { Made } from '../../../support/vaults/seen.ts';

const now = new Date('2026-11-20T12:00:00Z');
const dayMs = 24 * hourMs;
const made = (ageMs: number, more: Partial<Made> = {}): Made => ({ start: before(now, ageMs), ...more });
const seenAt = (backups: readonly Made[], failures: readonly Date[] = [], at = now) =>
  seenOf(backups, failures, { at });
const kinds = (findings: readonly Finding[]) => findings.map(({ kind }) => kind);

test.each([
  ['now', 0, 'fresh'],
  ['at the limit', 25 * hourMs, 'fresh'],
  ['a second over it', 25 * hourMs + 1000, 'stale'],
  ['a week over it', 7 * dayMs, 'stale'],
] as const)('a backup made %s is judged by 25 hours', (_, ageMs, state) => {
  expect(judge(watching(), seenAt([made(ageMs)]), now).state).toBe(state);
});

test('the time that a backup usually takes comes on top of the limit', () => {
  const usual = [4, 3, 2, 1].map((days) => made(days * dayMs + 2 * hourMs, { ms: 90 * minuteMs }));
  const quick = made(25 * hourMs + 89 * minuteMs, { ms: 5 * minuteMs });

  const { standing, state } = judge(watching(), seenAt([...usual, quick]), now);

  expect({ limitMs: standing.limitMs, state }).toEqual({ limitMs: 25 * hourMs + 90 * minuteMs, state: 'fresh' });
});

test('what the last seven took is usual, and not what it was before', () => {
  const slow = Array.from({ length: 8 }, (_, index) => made((20 - index) * dayMs, { ms: 5 * hourMs }));
  const quick = Array.from({ length: 7 }, (_, index) => made((7 - index) * dayMs, { ms: 2 * hourMs }));

  expect(judge(watching(), seenAt([...slow, ...quick]), now).standing.limitMs).toBe(27 * hourMs);
  expect(judge(watching(), seenAt([...slow, ...quick.slice(0, 1)]), now).standing.limitMs).toBe(30 * hourMs);
});

test('a limit of a day does not alarm at 86,403 seconds while the next backup runs as it usually does', () => {
  const daily = [3, 2, 1].map((days) => made(days * dayMs + 3000, { ms: 4000 }));

  expect(judge(watching({ limit: { ms: dayMs } }), seenAt(daily), now)).toMatchObject({ state: 'fresh' });
  expect(judge(watching({ limit: { ms: dayMs } }), seenAt(daily), new Date(now.getTime() + 2000))).toMatchObject({
    state: 'stale',
  });
});

test.each([
  ['Friday’s backup on Monday morning', '2026-11-20T02:00:00Z', '2026-11-23T02:59:00Z', 'fresh'],
  ['Friday’s backup an hour after Monday’s should have begun', '2026-11-20T02:00:00Z', '2026-11-23T03:00:01Z', 'stale'],
  [
    'Tuesday’s backup an hour after Wednesday’s should have begun',
    '2026-11-17T02:00:30Z',
    '2026-11-18T03:00:31Z',
    'stale',
  ],
  ['Tuesday’s backup that began early, on Wednesday', '2026-11-17T01:59:30Z', '2026-11-18T02:59:00Z', 'fresh'],
  [
    'one made by hand on Wednesday evening, on Thursday evening',
    '2026-11-18T20:00:00Z',
    '2026-11-19T20:59:00Z',
    'fresh',
  ],
] as const)('of a schedule on weekdays, %s', (_, start, at, state) => {
  expect(
    judge(watching({ limit: { schedule: '0 2 * * 1-5' } }), seenAt([{ start: new Date(start) }]), new Date(at)).state,
  ).toBe(state);
});

test('the limit of a schedule follows the clocks of its time zone', () => {
  const limitOn = (day: string) =>
    judge(watching({ limit: { schedule: '0 4 * * *' } }, 'Europe/Amsterdam'), seenAt([{ start: new Date(day) }]), now)
      .standing.limitMs / hourMs;

  expect(['2026-10-24T02:00:00Z', '2026-03-28T03:00:00Z', '2026-06-01T02:00:00Z'].map(limitOn)).toEqual([26, 24, 25]);
});

test('no backup at all is never, with all that has failed', () => {
  const { state, standing } = judge(watching(), seenAt([], [before(now, hourMs), before(now, 2 * hourMs)]), now);

  expect({ state, standing }).toMatchObject({
    state: 'never',
    standing: { count: 0, failures: 2, lastFailure: 'vault-full, 2026-11-20 11:00 UTC' },
  });
});

test('failures count since the newest good backup began', () => {
  const { standing } = judge(
    watching(),
    seenAt([made(5 * hourMs)], [before(now, 6 * hourMs), before(now, 4 * hourMs), before(now, 3 * hourMs)]),
    now,
  );

  expect(standing.failures).toBe(2);
});

test('everything is looked at, not only until something is found', () => {
  const shrunken = seenAt([made(4 * dayMs), made(3 * dayMs), made(2 * dayMs, { rows: 10 })]);

  expect(kinds(judge(watching({ drillEveryMs: 7 * dayMs }), shrunken, now).findings)).toEqual([
    'stale',
    'shrunk',
    'overdue-drill',
  ]);
});

test.each([
  ['a drill that passed', [{ kind: 'drill', outcome: 'passed', at: before(now, hourMs) }], 'fresh'],
  ['a restore that was proven', [{ kind: 'restore', outcome: 'passed', at: before(now, hourMs) }], 'fresh'],
  ['bytes that could be read', [{ kind: 'verify', outcome: 'passed', at: before(now, hourMs) }], 'overdue-drill'],
  ['a drill that failed', [{ kind: 'drill', outcome: 'failed', at: before(now, hourMs) }], 'damaged'],
  [
    'damage found after a drill',
    [
      { kind: 'drill', outcome: 'passed', at: before(now, 2 * hourMs) },
      { kind: 'verify', outcome: 'failed', at: before(now, hourMs) },
    ],
    'damaged',
  ],
  [
    'a drill that failed and a later one that passed',
    [
      { kind: 'drill', outcome: 'failed', at: before(now, 2 * hourMs) },
      { kind: 'drill', outcome: 'passed', at: before(now, hourMs) },
    ],
    'fresh',
  ],
  [
    'a drill that passed and a later one that failed',
    [
      { kind: 'drill', outcome: 'passed', at: before(now, 2 * hourMs) },
      { kind: 'restore', outcome: 'failed', at: before(now, hourMs) },
    ],
    'damaged',
  ],
  ['nothing', [], 'overdue-drill'],
] as const)('with a drill a month, %s makes a backup of today %p', (_, proofs, state) => {
  expect(
    judge(watching({ drillEveryMs: 30 * dayMs }), seenAt([made(2 * hourMs, { proofs: [...proofs] })]), now).state,
  ).toBe(state);
});

test('the newest proven backup is judged apart from the newest one', () => {
  const proof = { kind: 'drill', outcome: 'passed', at: before(now, hourMs) } as const;
  const seen = seenAt([made(31 * dayMs, { proofs: [proof] }), made(hourMs)]);

  expect(judge(watching({ drillEveryMs: 30 * dayMs }), seen, now)).toMatchObject({
    state: 'overdue-drill',
    standing: { proven: seen.history.backups[0]!.id, newest: seen.history.backups[1]!.id },
  });
  expect(judge(watching({ drillEveryMs: 32 * dayMs }), seen, now).state).toBe('fresh');
  expect(judge(watching(), seenAt([made(hourMs)]), now).state).toBe('fresh');
});

test('of several proven backups the newest one counts', () => {
  const proofs = [{ kind: 'drill', outcome: 'passed', at: before(now, hourMs) }] as const;
  const seen = seenAt([
    made(60 * dayMs, { proofs: [...proofs] }),
    made(3 * dayMs, { proofs: [...proofs] }),
    made(2 * dayMs),
    made(hourMs),
  ]);

  expect(judge(watching({ drillEveryMs: 30 * dayMs }), seen, now)).toMatchObject({
    state: 'fresh',
    standing: { proven: seen.history.backups[1]!.id },
  });
  expect(judge(watching({ drillEveryMs: 2 * dayMs }), seen, now).state).toBe('overdue-drill');
});

test('a backup of the future is no fresh one, and is told', () => {
  const { findings, standing } = judge(watching(), seenAt([made(30 * hourMs), made(-400 * dayMs)]), now);

  expect(findings).toMatchObject([
    { kind: 'stale' },
    { kind: 'unknown', whole: false, why: expect.stringContaining('in the future') },
  ]);
  expect(standing.count).toBe(2);
  expect(judge(watching(), seenAt([made(-4 * minuteMs)]), now).state).toBe('fresh');
});

test('a manifest that can’t be understood is told, and the others are judged', () => {
  expect(
    kinds(judge(watching(), seenAt([made(26 * hourMs), made(hourMs, { unreadable: true })]), now).findings),
  ).toEqual(['stale', 'unknown']);
  expect(kinds(judge(watching(), seenAt([made(hourMs, { unreadable: true })]), now).findings)).toEqual(['unknown']);
});

test('while it is paused nothing counts, until its day has come in the time zone of the source', () => {
  const state = (at: string, paused: boolean | { until: string }) =>
    judge(watching({ paused }, 'Pacific/Auckland'), seenAt([]), new Date(at)).state;

  expect(state('2026-11-20T12:00:00Z', true)).toBe('paused');
  expect(state('2026-11-30T10:59:00Z', { until: '2026-12-01' })).toBe('paused');
  expect(state('2026-11-30T11:00:00Z', { until: '2026-12-01' })).toBe('never');
});

test('what could not be read is unknown, never fresh and never empty', () => {
  expect(unseen(watching(), { why: 'access denied (vault-denied)' }, now)).toMatchObject({
    state: 'unknown',
    findings: [{ kind: 'unknown', whole: true, why: 'access denied (vault-denied)' }],
  });
  expect(unseen(watching({ paused: true }), { why: 'x' }, now).state).toBe('paused');
});
