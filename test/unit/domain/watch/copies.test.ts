import { expect, test } from '@jest/globals';
import type { Ledger } from '../../../../core/contract/memory/ledger.ts';
import type { Alert } from '../../../../core/contract/memory/outbox.ts';
import { newBackupId } from '../../../../core/domain/keys.ts';
import type { SourceName } from '../../../../core/domain/keys.ts';
import { manifestKey, partKey } from '../../../../core/domain/layout/places.ts';
import { proofKey } from '../../../../core/domain/layout/records.ts';
import { historyOf } from '../../../../core/domain/verdict/history.ts';
import type { SourceVerdict } from '../../../../core/domain/verdict/verdict.ts';
import { copySeen, copySightings, offeredBy, withCopies } from '../../../../core/domain/watch/copies.ts';
import { judge } from '../../../../core/domain/watch/freshness.ts';
import type { Judgement } from '../../../../core/domain/watch/freshness.ts';
import { hourMs, minuteMs, seenOf, shop, watching } from '../../../support/vaults/seen.ts';

// One backup a night; how long it took to arrive in another vault, in minutes, and whether it did.
const night = (day: number) => new Date(Date.UTC(2026, 10, day, 2));
const idOf = (day: number) => newBackupId(night(day), 0.5);
type There = { day: number; after?: number; bytes?: number; failed?: true };

function listed(there: readonly There[]) {
  return historyOf(
    shop,
    there.flatMap(({ day, after = 0, bytes = 10, failed }) => {
      const modified = new Date(night(day).getTime() + after * minuteMs);
      const proof = proofKey(shop, idOf(day), { kind: 'verify', outcome: 'failed', at: modified });
      return [
        { key: partKey(shop, idOf(day), 'data/0001.sql.zst'), bytes, modified },
        { key: manifestKey(shop, idOf(day)), bytes: 5, modified },
        ...(failed ? [{ key: proof, bytes: 1, modified }] : []),
      ];
    }),
  );
}
const verdict = (more: Partial<Record<keyof SourceVerdict, unknown>>) =>
  ({ newest: undefined, backups: [], adopted: [], ...more }) as SourceVerdict;
const ledger = (more: Partial<Ledger> = {}): Ledger => ({ version: 1, backups: [], ...more });
const firstHas = (...days: number[]) => listed(days.map((day) => ({ day, after: 5 })));
const offered = (days: number[], adopted: number[] = []) =>
  offeredBy(
    firstHas(...days),
    verdict({ newest: { id: idOf(days.at(-1)!) }, adopted: adopted.map((day) => ({ id: idOf(day) })) }),
    ledger(),
  )!;

test('what is offered is the newest good backup, and since when there are any', () => {
  const history = firstHas(20, 21);
  const newest = { id: idOf(21) };

  expect(offeredBy(history, verdict({}), ledger())).toBeUndefined();
  expect(offeredBy(history, verdict({ newest }), ledger())).toMatchObject({ newest: idOf(21), since: night(21) });
  expect(offeredBy(history, verdict({ newest, backups: [{ id: idOf(20) }] }), ledger())).toMatchObject({
    since: night(20),
  });
  const baseline = { from: idOf(3) } as unknown as NonNullable<Ledger['baseline']>;
  const known = offeredBy(history, verdict({ newest, adopted: [{ id: idOf(9) }] }), ledger({ baseline }))!;
  expect([known.since, known.adopted]).toEqual([night(3), new Set([idOf(9)])]);
  expect([...known.shapes.keys()]).toEqual([idOf(20), idOf(21)]);
  expect(known.shapes.get(idOf(20))!.completed).toEqual(new Date(night(20).getTime() + 5 * minuteMs));
});

test('a copy is whole where it lies as the first one does, by what its manifest names where that is known', () => {
  const facts = { parts: 'as its manifest says' };
  const entries = [{ id: idOf(20), facts }, { id: idOf(21) }] as unknown as Ledger['backups'];
  const known = offeredBy(firstHas(20, 21), verdict({ newest: { id: idOf(21) } }), ledger({ backups: entries }))!;

  expect(copySeen(known, firstHas(20, 21))).toMatchObject({ newest: idOf(21), hasAll: true });
  expect(copySeen(known, firstHas(20))).toMatchObject({ newest: undefined, hasAll: false });
});

test.each<[string, There[], number | undefined, boolean]>([
  ['nothing', [], undefined, false],
  ['all', [{ day: 20 }, { day: 21 }], 21, true],
  ['an older one', [{ day: 20 }], 20, false],
  ['the newest, cut', [{ day: 20 }, { day: 21, bytes: 9 }], 20, false],
  ['the newest, whose last look failed', [{ day: 20 }, { day: 21, failed: true }], 20, false],
  ['one that the first vault no longer has', [{ day: 18 }], 18, false],
  ['one that the first vault would have to have', [{ day: 20 }, { day: 22 }], 20, false],
  ['an adopted one', [{ day: 19 }, { day: 20 }], 20, false],
])('of a further vault that has %s, the newest whole one counts', (_, there, newest, hasAll) => {
  const seen = copySeen(offered([19, 20, 21], [19]), listed(there));
  expect([seen.newest, seen.hasAll]).toEqual([newest === undefined ? undefined : idOf(newest), hasAll]);
});

test('how long a copy takes to arrive is the usual of the last seven that both have', () => {
  const days = [11, 12, 13, 14, 15, 16, 17, 18, 19];
  const lags = [600, 500, 15, 25, 35, 45, 55, 65, 75];
  const lag = (there: There[]) => copySeen(offered(days), listed(there)).lagMs / minuteMs;

  // the first vault had each after five minutes
  expect(lag(days.map((day, at) => ({ day, after: lags[at]! })))).toBe(40);
  expect(lag([{ day: 18, after: 1 }])).toBe(0);
  expect(lag([{ day: 3, after: 500 }])).toBe(0);
  expect(lag([])).toBe(0);
});

const now = new Date(night(21).getTime() + 10 * hourMs);
const judgement = judge(watching({ limit: { ms: 25 * hourMs } }), seenOf([{ start: night(21) }]), now);
const [nas, away] = [{ vault: 'nas' }, { vault: 'away', freshnessMs: 5 * hourMs }];
const lacks = (day: number | undefined, lagMs = 0) => ({ newest: day && idOf(day), hasAll: false, lagMs });

test('a copy is behind where it lacks the newest and what it has is older than its limit and the time to arrive', () => {
  const standing = (seen: ReturnType<typeof lacks>, copy: { vault: string; freshnessMs?: number } = nas) =>
    withCopies(judgement, [copy], offered([20, 21]), new Map([[copy.vault, seen as never]]), now).copies![0]!;

  // 34 hours old, where 25 are allowed
  expect(standing(lacks(20))).toEqual({ vault: 'nas', state: 'behind', newest: idOf(20), limitMs: 25 * hourMs });
  expect(standing(lacks(20, 9 * hourMs))).toMatchObject({ state: 'fresh', limitMs: 34 * hourMs });
  expect(standing(lacks(20, 9 * hourMs - 1))).toMatchObject({ state: 'behind' });
  expect(standing({ ...lacks(20), hasAll: true })).toMatchObject({ state: 'fresh', limitMs: 25 * hourMs });
  // no more than as much again
  expect(standing(lacks(19, 99 * hourMs))).toMatchObject({ state: 'behind', limitMs: 50 * hourMs });
  expect(standing(lacks(20, 9 * hourMs), away)).toMatchObject({ state: 'behind', limitMs: 10 * hourMs });
  const fresh = withCopies(judgement, [nas], offered([20, 21]), new Map([['nas', lacks(21) as never]]), now);
  expect([fresh.findings, fresh.state]).toEqual([judgement.findings, 'fresh']);
  // with none, by when the first vault had its first
  expect(standing(lacks(undefined))).toEqual({ vault: 'nas', state: 'fresh', newest: undefined, limitMs: 25 * hourMs });
  expect(standing(lacks(undefined), away)).toMatchObject({ state: 'behind', limitMs: 5 * hourMs });
});

test('copies of a source without copies are none; what could not be seen is unknown', () => {
  const seen = new Map([['nas', lacks(20) as never]]);
  const unknown = [{ vault: 'nas', state: 'unknown' }];
  const paused = judge(watching({ paused: true }), seenOf([{ start: night(21) }]), now);

  expect(withCopies(judgement, [], offered([20, 21]), seen, now)).toBe(judgement);
  expect(withCopies(judgement, [nas], undefined, seen, now)).toMatchObject({ state: 'fresh', copies: unknown });
  expect(withCopies(judgement, [nas], offered([20, 21]), new Map(), now).copies).toEqual(unknown);
  expect(withCopies(paused, [nas], offered([20, 21]), seen, now)).toMatchObject({ state: 'paused', copies: unknown });
});

test('a copy that is behind is a finding before a drill that is overdue, and behind all others', () => {
  const overdue = judge(watching({ drillEveryMs: hourMs, limit: { ms: hourMs } }), seenOf([{ start: night(21) }]), now);
  const found = (of: Judgement, copies = [nas, away]) =>
    withCopies(of, copies, offered([20, 21]), new Map(copies.map(({ vault }) => [vault, lacks(20) as never])), now);

  expect(overdue.findings.map(({ kind }) => kind)).toEqual(['stale', 'overdue-drill']);
  expect(found(overdue).findings).toMatchObject([
    { kind: 'stale' },
    { kind: 'copy-behind', vault: 'nas', newest: idOf(20), limitMs: hourMs },
    { kind: 'copy-behind', vault: 'away', newest: idOf(20), limitMs: 5 * hourMs },
    { kind: 'overdue-drill' },
  ]);
  expect([found(overdue).state, found(judgement).state]).toEqual(['stale', 'copy-behind']);
});

const named = (source: string, copies?: Judgement['copies']) =>
  ({ standing: { source: source as SourceName }, ...(copies && { copies }) }) as Judgement;
const alert = (kind: string, source?: string, cause?: string) => ({ kind, source, cause }) as unknown as Alert;

test('what is told of copies goes by their vault: who is behind, whose vault can’t be read, and what is over', () => {
  const judgements = [
    named('shop', [
      { vault: 'nas', state: 'behind' },
      { vault: 'away', state: 'fresh' },
      { vault: 'lost', state: 'unknown' },
    ]),
    named('blog'),
  ];
  const behind = { judged: ['copy-behind'], found: ['copy-behind'] };
  const isNot = { judged: ['copy-behind'], found: [] };

  expect(
    copySightings({ whole: false, judgements, further: [{ name: 'nas' }, { name: 'lost', unread: {} }] }, []),
  ).toEqual([
    { source: 'shop', cause: 'nas', ...behind },
    { source: 'shop', cause: 'away', ...isNot },
    { source: undefined, cause: 'nas', judged: ['copy-unknown'], found: [] },
    { source: undefined, cause: 'lost', judged: ['copy-unknown'], found: ['copy-unknown'] },
  ]);
  expect(
    copySightings({ whole: false, judgements, further: [] }, [
      alert('copy-behind', 'shop', 'nas'),
      alert('copy-behind', 'shop', 'old'),
      alert('copy-behind', 'blog', 'nas'),
      alert('copy-behind', 'other', 'nas'),
      alert('copy-unknown', undefined, 'nas'),
      alert('stale', 'shop', 'old'),
      alert('copy-behind', 'blog'),
    ]).slice(2),
  ).toEqual([
    { source: 'shop', cause: 'old', ...isNot },
    { source: 'blog', cause: 'nas', ...isNot },
    { source: 'blog', cause: '', ...isNot },
  ]);
});

const isOver = { source: undefined, judged: ['copy-unknown'], found: [] };

test('a vault to which nothing is copied any more is over, where all that is copied was looked at', () => {
  const judgements = [named('shop')];
  const known = [alert('copy-unknown', undefined, 'nas'), alert('copy-unknown', undefined, 'usb')];
  const over = (whole: boolean, further?: { name: string; unread?: object }[]) =>
    copySightings({ whole, judgements, further }, known).map(({ cause, found }) => `${cause}: ${found.length}`);

  expect(over(true)).toEqual(['nas: 0', 'usb: 0']);
  expect(copySightings({ whole: true, judgements }, known)[0]).toEqual({ ...isOver, cause: 'nas' });
  expect(over(true, [{ name: 'nas', unread: {} }])).toEqual(['nas: 1', 'usb: 0']);
  expect(over(false, [{ name: 'nas', unread: {} }])).toEqual(['nas: 1']);
  expect(copySightings({ whole: true, judgements }, [alert('copy-behind', 'blog', 'nas')])).toEqual([]);
});

test('who has no further vaults, and was told of none, hears nothing of copies', () => {
  const judgements = [named('shop')];

  expect(copySightings({ whole: false, judgements }, [alert('stale', 'shop')])).toEqual([]);
  expect(copySightings({ whole: false, judgements }, [alert('copy-behind', 'shop', 'nas')])).toHaveLength(1);
  expect(copySightings({ whole: false, judgements }, [alert('copy-unknown', undefined, 'nas')])).toEqual([]);
});
