import { expect, test } from '@jest/globals';
import type { BackupId } from '../../../../core/domain/keys.ts';
import { messageOfFinding } from '../../../../core/domain/messages/check.ts';
import type { Moment } from '../../../../core/domain/watch/expectation.ts';
import type { Expectation } from '../../../../core/domain/watch/expected.ts';
import { isFirstAtWork, judge, limitOf, unseen, withStuckLease } from '../../../../core/domain/watch/freshness.ts';
import type { Finding, Judgement, Seen, WatchedSource } from '../../../../core/domain/watch/freshness.ts';
import type { SourceHistory } from '../../../../core/domain/verdict/history.ts';
import { emptyHistory } from '../../../../core/domain/verdict/history.ts';
import type { Verdict } from '../../../../core/domain/verdict/verdict.ts';
import { hourMs, minuteMs, shop, watching } from '../../../support/vaults/seen.ts';

const now = new Date('2026-11-20T12:00:00Z');
const ago = (hours: number) => new Date(now.getTime() - hours * hourMs);
const idOf = (start: Date, tail = '000001') =>
  `${start.toISOString().slice(0, 19).replace(/[-:]/g, '')}Z-${tail}` as BackupId;
/** What one backup is worth that began so many hours ago: all right, unless said otherwise. */
const backup = (hours: number, more: Partial<Verdict> = {}): Verdict => ({
  id: idOf(ago(hours)),
  start: ago(hours),
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
const bad = { good: false, full: false } as const;
const damage = (kind: 'gone' | 'unreadable' | 'unsigned') => ({ ...bad, damage: { kind, why: `it is ${kind}` } });

type More = Partial<Seen['verdict']> & { history?: Partial<SourceHistory>; expectation?: Expectation };
function seen(backups: Verdict[], { history, expectation, ...more }: More = {}): Seen {
  const newest = backups.findLast(({ good }) => good);
  const full = backups.findLast((one) => one.full);
  const there = backups.map(({ id, start }) => ({ id, start, objects: [{ key: id, bytes: 5, modified: start }] }));
  return {
    history: { ...emptyHistory(shop), backups: there as never, ...history },
    verdict: {
      backups,
      adopted: [],
      newest,
      full,
      proven: backups.findLast(({ proven }) => proven),
      hold: [],
      gone: undefined,
      lost: undefined,
      ...more,
    },
    expectation,
  };
}
const found = (of: Seen, watched: WatchedSource = watching()) => judge(watched, of, now).findings;
const kinds = (of: Seen, watched?: WatchedSource) => found(of, watched).map(({ kind }) => kind);
const doubts = (of: Seen) => found(of).flatMap((one) => (one.kind === 'unknown' ? [[one.why, one.hint]] : []));

test('backups that are gone, or gone with the memory of them, are found; a memory alone that is lost is a doubt', () => {
  const gone = { count: 2, of: 9, ids: ['a'] };
  expect(found(seen([backup(1)], { gone }))).toEqual([{ kind: 'gone', ...gone }]);
  expect(found(seen([], { lost: 'it is gone' }))).toEqual([{ kind: 'gone', count: 0, of: 0, ids: [] }]);
  expect(doubts(seen([backup(1)], { lost: 'it is gone' }))).toEqual([
    [
      'what the vault remembered of this source is lost: it is gone',
      'look whether its backups hold what they should, then: nightjar accept shop',
    ],
  ]);
});

test('damage that nobody has accepted is found, of adopted ones, too; what can’t be read is a doubt', () => {
  const [broken, accepted] = [backup(9, damage('gone')), backup(8, { ...damage('gone'), accepted: true })];
  const adopted = [backup(7, damage('gone'))];
  expect(found(seen([broken, accepted, backup(1)], { adopted }))).toEqual([
    { kind: 'damaged', backups: [broken, adopted[0]!].map(({ id }) => ({ id, why: 'it is gone' })) },
  ]);
  const unread = [
    backup(9, damage('unreadable')),
    backup(8, damage('unsigned')),
    backup(7, { ...damage('unreadable'), accepted: true }),
  ];
  expect(doubts(seen([...unread, backup(1)]))).toEqual([
    [
      `the backup ${unread[0]!.id} can't be read: it is unreadable`,
      'was it written by a newer Nightjar, or changed by hand?',
    ],
    [`the backup ${unread[1]!.id} is not to be trusted: it is unsigned`, expect.stringContaining('signing.since')],
  ]);
  const late = backup(5, { ...bad, misdated: { kind: 'late', why: 'it came late' } });
  const future = backup(-9, { ...bad, misdated: { kind: 'future', why: 'it is of the future' } });
  expect(doubts(seen([late, backup(1), future]))).toEqual([
    ['it came late', 'who wrote it? It counts for nothing; if you put it there yourself: nightjar accept shop'],
    ['it is of the future', 'a clock is wrong, here or where the backup was made'],
  ]);
});

test('a removal that has not ended is a doubt after a quarter of an hour, as long as the backup is there', () => {
  const [there] = [backup(1)];
  const removed = (minutes: number, id = there.id) =>
    doubts(seen([there], { history: { removed: [{ id, at: new Date(now.getTime() - minutes * minuteMs) }] } }));

  expect(removed(15)).toEqual([]);
  expect(removed(15.1)).toEqual([
    [
      `the removal of ${there.id} has begun and has not ended: if the backup were lost now, nobody would be told`,
      `end it: nightjar remove shop ${there.id} --reason …; or, to keep the backup, delete shop/removals/${there.id}.json in the vault`,
    ],
  ]);
  expect(removed(60, idOf(ago(99)))).toEqual([]);
});

test('the gravest comes first, of the newest good backup alone what it holds less or else', () => {
  const shrunk = { what: 'rows', now: 1, before: 9 } as const;
  const other = { what: 'database', now: 'a', before: 'b' } as const;
  const watched = watching({ drillEveryMs: 24 * hourMs });
  const all = seen(
    [
      backup(99, { shrunk, other }),
      backup(50, damage('gone')),
      backup(40, damage('unreadable')),
      backup(30, { shrunk, other, full: false }),
    ],
    {
      gone: { count: 1, of: 4, ids: [] },
    },
  );

  expect(kinds(all, watched)).toEqual([
    'stale',
    'gone',
    'damaged',
    'other-database',
    'unknown',
    'shrunk',
    'overdue-drill',
  ]);
  expect(found(all).filter(({ kind }) => kind === 'shrunk' || kind === 'other-database')).toEqual([
    { kind: 'other-database', id: idOf(ago(30)), ...other },
    { kind: 'shrunk', id: idOf(ago(30)), ...shrunk },
  ]);
  expect(kinds(seen([]), watched)).toEqual(['never']);
  expect(kinds(seen([backup(1, damage('gone'))]), watched)).toEqual(['damaged', 'overdue-drill']);
  expect(judge(watching(), seen([backup(1)]), now)).toMatchObject({ state: 'fresh', findings: [] });
});

test('a proof is overdue when none is young enough; of a source that asks for none, never', () => {
  const watched = watching({ drillEveryMs: 24 * hourMs });
  expect(found(seen([backup(1)]), watched)).toEqual([{ kind: 'overdue-drill', everyMs: 24 * hourMs }]);
  expect(kinds(seen([backup(24, { proven: true }), backup(1)]), watched)).toEqual([]);
  expect(kinds(seen([backup(24.01, { proven: true }), backup(1)]), watched)).toEqual(['overdue-drill']);
});

const moment = (hours: number, outcome: Moment['outcome'], more: Partial<Moment> = {}): Moment => ({
  at: ago(hours),
  outcome,
  ...more,
});
const expecting = (moments: Moment[], lost: Moment[] = []): Expectation => ({
  memory: { plan: 'p', since: ago(999).toISOString() },
  moments,
  lost,
});
const nightly = watching({ schedule: '0 2 * * *', limit: { schedule: '0 2 * * *' } });

test('where a schedule is known its moments decide, and not the age; where age is limited, both do', () => {
  const lost = [moment(10, 'missed')];
  expect(found(seen([backup(34)], { expectation: expecting(lost, lost) }), nightly)).toEqual([
    { kind: 'missed', moments: lost },
  ]);
  expect(kinds(seen([backup(34)], { expectation: expecting([]) }), nightly)).toEqual([]);
  expect(kinds(seen([backup(34)]), nightly)).toEqual(['stale']);
  const both = watching({ schedule: '0 2 * * *', limit: { ms: 25 * hourMs } });
  expect(kinds(seen([backup(34)], { expectation: expecting(lost, lost) }), both)).toEqual(['stale', 'missed']);
});

test('a backup may be as old as it is when the next one has to have begun', () => {
  const limitHours = (of: Seen, watched = nightly) => judge(watched, of, now).standing.limitMs / hourMs;

  // usually 24 hours and one; here until an hour after the next night, 3 o'clock
  expect(limitHours(seen([backup(10)], { expectation: expecting([]) }))).toBe(25);
  expect(limitHours(seen([backup(34)], { expectation: expecting([]) }))).toBe(34 + 15);
  expect(limitHours(seen([backup(34)], { expectation: expecting([moment(0, 'due')]) }))).toBe(35);
  expect(limitHours(seen([backup(34)], { expectation: expecting([moment(2, 'made')]) }))).toBe(49);
  const lost = [moment(10, 'missed')];
  expect(limitHours(seen([backup(34)], { expectation: expecting(lost, lost) }))).toBe(25);
  expect(limitHours(seen([backup(34)]))).toBe(25);
  expect(
    limitHours(
      seen([backup(34)], { expectation: expecting([]) }),
      watching({ schedule: '0 2 * * *', limit: { ms: 25 * hourMs } }),
    ),
  ).toBe(25);
  expect(limitOf(watching({ limit: { schedule: '0 2 * * *', windowMs: 9 } }), ago(10), 7)).toBe(25 * hourMs + 16);
});

test('what stands of a source: newest, full and most, what failed since, and how much it takes', () => {
  const failures = [ago(9), ago(2), ago(1)].map((at) => ({ at, run: 'r', code: 'vault-full', key: '' }));
  const [full, newest] = [backup(20), backup(5, { full: false })];
  const of = seen([full, newest, backup(3, damage('gone'))], {
    hold: [full.id, idOf(ago(30))],
    history: { failures: failures as never },
  });

  expect(judge({ ...watching(), on: 'db-1' }, of, now).standing).toMatchObject({
    source: 'shop',
    place: '/vault',
    timeZone: 'UTC',
    on: 'db-1',
    newest: newest.id,
    full: full.id,
    most: idOf(ago(30)),
    proven: undefined,
    failures: 2,
    lastFailure: 'vault-full, 2026-11-20 11:00 UTC',
    count: 3,
    storedBytes: 15,
  });
  expect(judge(watching(), seen([], { history: { failures: failures as never } }), now).standing.failures).toBe(3);
});

test('what a backup usually takes is known of good ones', () => {
  const slow = backup(9, { ...damage('gone'), ms: 9 * hourMs });
  const quick = [8, 7, 6].map((hours) => backup(hours, { ms: hourMs }));
  expect(judge(watching(), seen([slow, slow, slow, slow, ...quick]), now).standing.limitMs).toBe(26 * hourMs);
  expect(judge(watching(), seen([backup(1, { ms: undefined })]), now).standing.limitMs).toBe(25 * hourMs);
});

test('a pause goes before all, and says until when', () => {
  const of = seen([], { gone: { count: 1, of: 1, ids: [] } });
  expect(found(of, watching({ paused: true }))).toEqual([{ kind: 'paused', until: undefined }]);
  expect(found(of, watching({ paused: { until: '2026-11-21' } }))).toEqual([{ kind: 'paused', until: '2026-11-21' }]);
  expect(kinds(of, watching({ paused: { until: '2026-11-20' } }))).toEqual(['gone']);
  const why = { why: 'down', hint: 'wait' };
  expect(unseen(watching({ paused: true }), why, now).state).toBe('paused');
  expect(unseen(watching(), why, now)).toMatchObject({
    state: 'unknown',
    findings: [{ kind: 'unknown', whole: true, ...why }],
    standing: { count: 0, failures: 0 },
  });
});

test('a first backup that is at work is no alarm yet; a lease that keeps every run out is one', () => {
  const never = judge(watching(), seen([]), now);
  const at = (running: Date | undefined, more: Partial<Judgement> = {}) =>
    isFirstAtWork({ ...never, standing: { ...never.standing, running }, ...more } as Judgement, now);

  expect([at(ago(1)), at(ago(25)), at(ago(25.1)), at(undefined)]).toEqual([true, true, false, false]);
  expect(at(ago(1), { findings: [{ kind: 'stale' }] })).toBe(false);
  expect(at(ago(1), { findings: [{ kind: 'never' }, { kind: 'stale' }] })).toBe(true);
  expect(at(ago(1), { standing: { ...never.standing, running: ago(1), newest: idOf(ago(3)) } })).toBe(false);
  expect(withStuckLease(never, 'it is garbage')).toMatchObject({
    state: 'lease-stuck',
    findings: [{ kind: 'lease-stuck', why: 'it is garbage' }, { kind: 'never' }],
  });
});

const backUp = 'nightjar backup shop';
const told = (judgement: Judgement, kind: Finding['kind'], vault?: string) =>
  messageOfFinding(judgement, kind, { at: now }, vault);

test('of what is missing, the message says to make a backup: not while one is made, and not while the lease is stuck', () => {
  const stale = judge(watching(), seen([backup(30)]), now);
  expect(told(stale, 'stale')!.next).toContain(backUp);
  expect(told(stale, 'never')).toBeUndefined();

  const running = { ...stale, standing: { ...stale.standing, running: ago(1) } };
  const message = told(running, 'stale')!;
  expect([message.next[0], message.next.includes(backUp)]).toEqual(['nightjar check shop', false]);
  expect(message.next.filter((one) => one === 'nightjar check shop')).toHaveLength(1);
  expect(message.facts.at(-1)).toEqual({ label: 'Running', value: 'a backup, since 2026-11-20 11:00 UTC' });

  const stuck = withStuckLease(running, 'garbage');
  expect(told(stuck, 'stale')!.next.slice(-1)).toEqual(['nightjar unlock shop']);
  expect(told(stuck, 'stale')!.next).not.toContain(backUp);
  expect(told(stuck, 'lease-stuck')!.next).toEqual(['nightjar unlock shop']);
});

test('copies that are behind are told of the vault that is asked for, or of all', () => {
  const one = judge(watching(), seen([backup(1)]), now);
  const behind = (vault: string): Finding => ({
    kind: 'copy-behind',
    vault,
    newest: idOf(ago(50)),
    limitMs: 25 * hourMs,
  });
  const judgement: Judgement = { ...one, findings: [{ kind: 'stale' }, behind('nas'), behind('away')] };

  const text = (vault?: string) => JSON.stringify(told(judgement, 'copy-behind', vault));
  expect([text('nas').includes('nas'), text('nas').includes('away')]).toEqual([true, false]);
  expect([text().includes('nas'), text().includes('away')]).toEqual([true, true]);
  expect(told(judgement, 'stale', 'nas')).toBeUndefined();
});

test('moments that are missed say which later one has its backup; doubts are told together, each remedy once', () => {
  const lost = [moment(34, 'missed'), moment(10, 'failed', { code: 'vault-full' })];
  const missed = (moments: Moment[]) =>
    told(judge(nightly, seen([backup(50)], { expectation: expecting(moments, lost) }), now), 'missed')!.subject;
  expect(missed([...lost, moment(9, 'late'), moment(8, 'made'), moment(7, 'running')])).toMatch(
    /^2 backups of its schedule are missing; the last one, of 2026-11-20 02:00 UTC, failed with vault-full; the one of 2026-11-20 04:00 UTC was made$/,
  );
  expect(missed([moment(40, 'made'), ...lost, moment(9, 'late')])).toMatch(/the one of 2026-11-20 03:00 UTC was made$/);
  expect(missed([moment(40, 'made'), ...lost])).toMatch(/failed with vault-full$/);

  const unread = [backup(9, damage('unreadable')), backup(8, damage('unreadable'))];
  const doubtful = told(judge(watching(), seen([...unread, backup(1)]), now), 'unknown')!;
  expect(doubtful).toMatchObject({
    subject: 'not every backup can be judged: nobody knows whether it is good',
    next: ['nightjar list shop'],
  });
  expect(doubtful.facts.map(({ label }) => label)).toEqual(['Vault', 'Error', 'Error', 'Hint']);
  expect(told(judge(watching({ paused: { until: '2026-11-21' } }), seen([]), now), 'paused')!.facts[0]).toEqual({
    label: 'Until',
    value: '2026-11-21',
  });
  expect(told(judge(watching({ paused: true }), seen([]), now), 'paused')!.facts[0]!.label).not.toBe('Until');
});
