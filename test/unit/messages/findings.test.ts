import { describe, expect, test } from '@jest/globals';
import type { Shrinking } from '../../../core/contract/memory/ledger.ts';
import type { BackupId, SourceName } from '../../../core/domain/keys.ts';
import { messageOfFinding } from '../../../core/domain/messages/check.ts';
import { accountOver, isAccountKind } from '../../../core/domain/messages/findings/account.ts';
import { byTagChanged } from '../../../core/domain/messages/findings/by-tag.ts';
import { damaged, gone, otherDatabase, shrunk, shrunkText } from '../../../core/domain/messages/findings/content.ts';
import { copyBehind, copyUnknown } from '../../../core/domain/messages/findings/copies.ts';
import { databasesChanged } from '../../../core/domain/messages/findings/databases.ts';
import { missed, overdueDrill, stale } from '../../../core/domain/messages/findings/missing.ts';
import { recovered } from '../../../core/domain/messages/findings/over.ts';
import { facts, newestFew } from '../../../core/domain/messages/findings/standing.ts';
import type { SourceStanding } from '../../../core/domain/messages/findings/standing.ts';
import { unknown } from '../../../core/domain/messages/findings/unreadable.ts';
import { toolsOutdated, unconfigured } from '../../../core/domain/messages/findings/upkeep.ts';
import type { Moment } from '../../../core/domain/watch/expectation.ts';
import type { Finding, Judgement } from '../../../core/domain/watch/freshness.ts';

// What the golden texts of texts.test.ts leave out: the other words of each sentence.
const hourMs = 3_600_000;
const at = new Date('2026-11-20T12:00:00Z');
const telling = { at };
const [newest, full] = ['20261120T020000Z-00000b', '20261110T020000Z-00000a'] as [BackupId, BackupId];
const standing: SourceStanding = {
  source: 'the shop' as SourceName,
  place: '/vault',
  limitMs: 25 * hourMs,
  newest,
  failures: 0,
  count: 3,
};
const { newest: _, ...without } = standing;
const values = (all: readonly { label: string; value: string }[]) =>
  all.map(({ label, value }) => `${label}: ${value}`);

test('what is known of a source stands in each message about it', () => {
  expect(values(facts(standing, at))).toEqual([
    'Vault: /vault',
    `Newest good: ${newest} (2026-11-20 02:00 UTC)`,
    'Age: 10 h',
    'Limit: 25 h',
    'Newest proven: none',
    'Failures since: 0',
    'Backups in the vault: 3',
  ]);
  const more = { ...without, proven: full, failures: 1200, lastFailure: 'vault-full', timeZone: 'Europe/Berlin' };
  expect(values(facts(more, at))).toEqual([
    'Vault: /vault',
    'Newest good: none',
    'Limit: 25 h',
    `Newest proven: ${full} (2026-11-10 03:00 Europe/Berlin, 02:00 UTC)`,
    'Failures since: 1,200',
    'Last failure: vault-full',
    'Backups in the vault: 3',
  ]);
  // of a clock that is ahead, nothing is younger than now
  expect(values(facts(standing, new Date('2026-11-19T00:00:00Z')))[2]).toBe('Age: 0.0 s');
});

test('of a database that is gone from its server no backup is asked for', () => {
  const gone = { server: 'main' as SourceName, database: 'a b', since: at };
  const [kept, never] = [
    stale({ ...standing, gone }, telling),
    missed({ ...without, gone }, [{ at, outcome: 'missed' }], telling),
  ];

  expect(values(kept.facts)).toEqual(
    expect.arrayContaining([
      'Gone: database a b is not on the server main since 2026-11-20 12:00 UTC',
      'Meant: then write exclude: ["a b"] at sources.main',
    ]),
  );
  expect(kept.next.at(-1)).toBe("nightjar restore 'the shop' --to 'a b'");
  expect(never.next).toEqual(["nightjar check 'the shop'", "nightjar list 'the shop'"]);
});

test('of many, the last five are shown, the newest first', () => {
  expect([newestFew([1, 2, 3]), newestFew([1, 2, 3, 4, 5, 6, 7])]).toEqual([
    [3, 2, 1],
    [7, 6, 5, 4, 3],
  ]);
  const many = (length: number) =>
    values(gone(standing, { count: length, of: 9, ids: Array.from({ length }, (__, n) => `${n}`) }, telling).facts);
  expect(many(5).slice(4, 6)).toEqual(['Gone: 0', 'Vault: /vault']);
  expect(many(6).slice(4, 6)).toEqual(['Gone: 1', 'And: 1 more']);
});

const moment = (day: number, more: Partial<Moment> = {}): Moment => ({
  at: new Date(Date.UTC(2026, 10, day, 2)),
  outcome: 'missed',
  ...more,
});

test.each<[Moment[], string]>([
  [[], 'no backup is missing'],
  [[moment(19)], 'the backup of 2026-11-19 02:00 UTC was missed: nothing has begun'],
  [
    [moment(19, { outcome: 'failed', code: 'vault-full' })],
    'the backup of 2026-11-19 02:00 UTC failed with vault-full',
  ],
  [[moment(19, { outcome: 'killed' })], 'the backup of 2026-11-19 02:00 UTC began and was killed'],
  [
    [moment(18), moment(19, { outcome: 'killed' })],
    '2 backups of its schedule are missing; the last one, of 2026-11-19 02:00 UTC, began and was killed',
  ],
  [
    [moment(19, { began: new Date('2026-11-19T09:00:00Z') })],
    'the backup of 2026-11-19 02:00 UTC was missed: nothing began in time, and the run of 2026-11-19 09:00 UTC counts as made by hand',
  ],
])('of moments without a backup: %#', (moments, subject) => {
  const message = missed(standing, moments, telling);
  expect(message.subject).toBe(subject);
  expect(message.facts.filter(({ label }) => label === 'Missing')).toHaveLength(moments.length);
  expect(missed(standing, moments, telling, new Date('2026-11-20T02:00:00Z')).subject).toBe(
    `${subject}; the one of 2026-11-20 02:00 UTC was made`,
  );
});

test('a source without a backup is missing it; one without a proof never had one', () => {
  expect(stale(without, telling).subject).toBe('the newest backup is missing, over the limit of 25 h');
  expect(stale(standing, telling)).toMatchObject({
    subject: 'the newest backup is 10 h old, over the limit of 25 h',
    next: ["nightjar check 'the shop'", "nightjar list 'the shop'", "nightjar backup 'the shop'"],
  });
  expect(overdueDrill(standing, hourMs, telling).subject).toBe('no backup has ever been proven');
  expect(overdueDrill({ ...standing, proven: full }, hourMs, telling)).toMatchObject({
    subject: 'the newest proven backup is 10 d 10 h old, over the limit of 1 h',
    next: ["nightjar drill 'the shop'"],
  });
});

test.each<[Shrinking, string]>([
  [
    { what: 'table', now: 1, before: 2000, table: 'public.orders' },
    'the newest backup holds 1 row of table public.orders, where 2,000 were',
  ],
  [
    { what: 'table', now: 0, before: 2, table: 'a', more: 1 },
    'the newest backup holds 0 rows of table a, where 2 were, and 1 more table lost theirs',
  ],
  [{ what: 'rows', now: 1, before: 3 }, 'the newest backup holds 1 row, where 3 rows are usual (33 %)'],
  [{ what: 'rows', now: 0, before: 0 }, 'the newest backup holds no row at all'],
  [
    { what: 'bytes', now: 1_500_000, before: 3_000_000 },
    'the newest backup holds 1.50 MB, where 3.00 MB are usual (50 %)',
  ],
])('less in %j is said', (shrinking, text) => {
  expect(shrunkText(shrinking)).toBe(text);
});

test('of a backup that holds less, those are named that hold more, each with its restore', () => {
  const shrinking: Shrinking = { what: 'rows', now: 1, before: 3 };
  const most = '20261109T020000Z-000009' as BackupId;
  expect(shrunk(standing, shrinking, telling).next).toEqual(["nightjar list 'the shop'", "nightjar accept 'the shop'"]);
  const message = shrunk({ ...standing, full, most }, shrinking, telling);
  expect(message.next).toEqual([
    "nightjar list 'the shop'",
    `nightjar restore 'the shop' ${full}`,
    `nightjar restore 'the shop' ${most}`,
    "nightjar accept 'the shop'",
  ]);
  expect(values(message.facts).slice(0, 4)).toEqual([
    `Last full: ${full} (2026-11-10 02:00 UTC)`,
    `Most rows: ${most} (2026-11-09 02:00 UTC)`,
    'Vault: /vault',
    `Newest, and shrunk: ${newest} (2026-11-20 02:00 UTC)`,
  ]);
});

test('of backups that are damaged, gone or of another database, it is said which', () => {
  const bad = (id: BackupId) => ({ id, why: 'a part is gone' });
  expect(damaged(standing, [bad(full)], telling).subject).toBe(`the backup ${full} is damaged: a part is gone`);
  const two = damaged(standing, [bad(full), bad(newest)], telling);
  expect(two.subject).toBe('2 backups are damaged');
  expect(values(two.facts).slice(0, 3)).toEqual([
    `${newest}: a part is gone`,
    `${full}: a part is gone`,
    'Vault: /vault',
  ]);
  expect(two.next).toEqual(["nightjar list 'the shop'", "nightjar backup 'the shop'"]);

  const some = gone(standing, { count: 1, of: 4, ids: [full] }, telling);
  expect(some.subject).toBe('1 of 4 backups are gone, and no rotation removed them');
  expect(some.next).toEqual(["nightjar list 'the shop'", "nightjar accept 'the shop'"]);
  const all = gone({ ...without, count: 0 }, { count: 4, of: 0, ids: [] }, telling);
  expect(all.subject).toBe('no backup is left: all that there were are gone, and no rotation removed them');
  expect(all.next).toEqual(["nightjar backup 'the shop'"]);

  const other = { what: 'server', now: 'a', before: 'b' } as const;
  expect(otherDatabase(standing, other, telling).subject).toBe(
    'the newest backup is of another server: a instead of b',
  );
  expect(values(otherDatabase({ ...standing, full }, other, telling).facts).at(-1)).toBe(
    `Last of the old: ${full} (2026-11-10 02:00 UTC)`,
  );
  expect(otherDatabase(standing, other, telling).facts).toEqual(facts(standing, at));
});

describe('what is over says why', () => {
  const over = (was: Parameters<typeof recovered>[1]['was'], of: SourceStanding = standing, vault?: string) =>
    recovered(of, { was, since: new Date(at.getTime() - 3 * hourMs), vault }, at);

  test.each<[Parameters<typeof recovered>[1]['was'], Partial<SourceStanding>, string]>([
    ['stale', {}, 'fresh again: the newest backup is 10 h old'],
    ['missed', {}, 'nothing of its schedule is missing any more: the newest backup is 10 h old'],
    ['lease-stuck', {}, 'its lease is free again: the newest backup is 10 h old'],
    ['never', {}, 'there is a backup: the newest is 10 h old'],
    ['unknown', {}, 'the vault can be read again: the newest backup is 10 h old'],
    ['copy-behind', {}, 'not copied any more to where it was behind: the newest backup is 10 h old'],
    ['overdue-drill', {}, 'no proof is asked for any more (drillEvery)'],
    ['overdue-drill', { drillEveryMs: hourMs }, 'no proof is due'],
    [
      'overdue-drill',
      { drillEveryMs: 48 * hourMs, proven: newest },
      'the newest proven backup is 10 h old, within the limit of 2 d',
    ],
    ['shrunk', {}, 'as large as usual again, or accepted: the newest backup is 10 h old'],
    [
      'shrunk',
      { shrink: { rows: 0, bytes: 0, since: undefined } },
      'nobody is told any more how much its backups hold: shrink is 0 in the configuration',
    ],
    [
      'shrunk',
      { shrink: { rows: 0, bytes: 5, since: undefined } },
      'as large as usual again, or accepted: the newest backup is 10 h old',
    ],
    [
      'shrunk',
      { shrink: { rows: 5, bytes: 0, since: '2026-11-20' } },
      'compared from 2026-11-20 on, as the configuration says: the newest backup is 10 h old',
    ],
    ['damaged', {}, 'no damaged backup is left: the newest backup is 10 h old'],
    ['gone', {}, 'what is gone was accepted, or is back: the newest backup is 10 h old'],
    [
      'other-database',
      {},
      'of the database that was expected again, or it was accepted: the newest backup is 10 h old',
    ],
    ['test', {}, 'no longer test: the newest backup is 10 h old'],
  ])('%s with %j', (was, more, subject) => {
    const message = over(was, { ...standing, ...more });
    expect(message).toMatchObject({ kind: 'recovered', severity: 'recovered', subject, next: [] });
    expect(values(message.facts)[0]).toBe(`Was: ${was}, for 3 h`);
  });

  test('also without a backup, of a copy, and by a clock that went back', () => {
    expect(over('stale', without).subject).toBe('fresh again: there is no backup');
    expect(over('never', without).subject).toBe('there is a backup: the newest is unknown');
    expect(over('copy-behind', standing, 'nas').subject).toBe(
      'the copies in nas are fresh again: the newest backup is 10 h old',
    );
    const early = recovered(standing, { was: 'stale', since: new Date(at.getTime() + hourMs) }, at);
    expect(values(early.facts)[0]).toBe('Was: stale, for 0.0 s');
  });
});

test('what was found in the account is over in its own words', () => {
  expect(accountOver('uncovered', 'instance shop')).toBe('instance shop is covered now, or gone');
  expect([isAccountKind('schedule-missing'), isAccountKind('stale')]).toEqual([true, false]);
});

test('changes of databases are counted by what they are; forty are shown', () => {
  const one = (label: string) => ({ label, text: `of ${label}` });
  const many = Array.from({ length: 42 }, () => one('New'));
  const tagged = (...untold: { label: string; text: string }[]) => byTagChanged(untold, at);
  const listed = (...untold: { label: string; text: string }[]) => databasesChanged({ name: 'main', untold }, at);

  expect(tagged(one('New'), one('Gone'), one('New'), one('Trouble'), one('Trouble'))).toMatchObject({
    subject: 'databases by tag: 2 new, 1 gone, 2 troubles',
    severity: 'problem',
    next: ['nightjar check'],
  });
  expect(tagged(one('Gone'))).toMatchObject({ subject: 'databases by tag: 1 gone', severity: 'problem' });
  expect(tagged(one('Trouble'))).toMatchObject({ subject: 'databases by tag: 1 trouble', severity: 'problem' });
  expect(tagged(one('Left out'))).toMatchObject({ severity: 'info', next: [], facts: [{ value: 'of Left out' }] });
  expect(listed(one('Back'), one('Gone'))).toMatchObject({
    subject: 'databases on the server main: 1 back, 1 gone',
    severity: 'problem',
    next: ['nightjar check'],
  });
  expect(listed(one('New'))).toMatchObject({ severity: 'info', next: [] });
  for (const { facts: shown } of [tagged(...many), listed(...many)]) {
    expect(shown).toHaveLength(41);
    expect(shown.at(-1)).toEqual({ label: 'And', value: '2 more' });
  }
  for (const { facts: shown } of [tagged(...many.slice(2)), listed(...many.slice(2))]) expect(shown).toHaveLength(40);
});

test('of a vault that can’t be read, it is said whose backups nobody knows, and where the copies are', () => {
  const lost = { place: '/vault', why: 'no such folder' };
  expect(unknown(lost, telling)).toMatchObject({
    subject: "the vault can't be read: nobody knows how the backups stand",
    facts: [
      { label: 'Vault', value: '/vault' },
      { label: 'Error', value: 'no such folder' },
    ],
    next: ['nightjar check'],
  });
  const copied = unknown({ ...lost, source: standing.source, hint: 'mount it', copies: ['nas', 'my usb'] }, telling);
  expect(copied.subject).toBe("the vault can't be read: nobody knows how its backups stand");
  expect(values(copied.facts).slice(2)).toEqual(['Hint: mount it', 'Copies in: nas, my usb']);
  expect(copied.next).toEqual(['nightjar check', 'nightjar list --vault nas', "nightjar list --vault 'my usb'"]);
});

test('of a further vault that can’t be read, the hint is said where there is one', () => {
  const said = (hint?: string) => values(copyUnknown('nas', { why: 'off', hint }, telling).facts);
  expect([said(), said('switch it on')]).toEqual([['Error: off'], ['Error: off', 'Hint: switch it on']]);
});

test('of copies that are behind, each vault is named with what it has', () => {
  const behind = [
    { vault: 'nas', newest: undefined, limitMs: hourMs },
    { vault: 'my usb', newest: full, limitMs: hourMs },
  ];
  const message = copyBehind({ ...standing, timeZone: 'UTC' }, behind, telling);
  expect(message.subject).toBe(
    'there is no copy in nas; the newest copy in my usb is 10 d 10 h old, over the limit of 1 h',
  );
  expect(values(message.facts).slice(-2)).toEqual([
    'Newest in nas: none',
    `Newest in my usb: ${full} (2026-11-10 02:00 UTC)`,
  ]);
  expect(message.next.slice(1)).toEqual([
    "nightjar list 'the shop' --vault nas",
    "nightjar list 'the shop' --vault 'my usb'",
  ]);
});

test('a hint that several share is said once', () => {
  const notice = (text: string) => ({ text, hint: 'renew it' });
  expect(values(toolsOutdated([notice('a'), notice('b')], telling).facts)).toEqual([
    'Notice: a',
    'Notice: b',
    'Hint: renew it',
  ]);
  expect(values(unconfigured({ ...without, count: 1234 }, telling).facts)).toEqual([
    'Vault: /vault',
    'Newest good: none',
    'Backups in the vault: 1,234',
  ]);
});

describe('a finding becomes a message', () => {
  const judgement = (findings: Finding[], more: Partial<SourceStanding> = {}, rest: Partial<Judgement> = {}) =>
    ({ standing: { ...standing, ...more }, state: 'stale', findings, ...rest }) as Judgement;
  const backup = "nightjar backup 'the shop'";

  test('none of its kind, none is made', () => {
    expect(messageOfFinding(judgement([]), 'stale', telling)).toBeUndefined();
    expect(messageOfFinding(judgement([{ kind: 'never' }]), 'stale', telling)).toBeUndefined();
  });

  test.each<[Finding, string]>([
    [{ kind: 'shrunk', id: newest, what: 'rows', now: 0, before: 0 }, 'the newest backup holds no row at all'],
    [{ kind: 'damaged', backups: [{ id: full, why: 'cut' }] }, `the backup ${full} is damaged: cut`],
    [{ kind: 'gone', count: 1, of: 2, ids: [] }, '1 of 2 backups are gone, and no rotation removed them'],
    [
      { kind: 'other-database', id: newest, what: 'database', now: 'a', before: 'b' },
      'the newest backup is of another database: a instead of b',
    ],
    [{ kind: 'overdue-drill', everyMs: hourMs }, 'no backup has ever been proven'],
  ])('of its own kind: %j', (finding, subject) => {
    const message = messageOfFinding(judgement([{ kind: 'stale' }, finding]), finding.kind, telling)!;
    expect(message).toMatchObject({ kind: finding.kind, subject, severity: 'problem' });
  });

  test('a backup is not what to make while one is being made', () => {
    const running = new Date('2026-11-20T11:30:00Z');
    const message = messageOfFinding(judgement([{ kind: 'never' }], { running }), 'never', telling)!;
    expect(messageOfFinding(judgement([{ kind: 'never' }]), 'never', telling)!.next).toEqual([backup]);
    expect(message.next).toEqual(["nightjar check 'the shop'"]);
    expect(values(message.facts).at(-1)).toBe('Running: a backup, since 2026-11-20 11:30 UTC');
    const late = messageOfFinding(judgement([{ kind: 'stale' }], { running }), 'stale', telling)!;
    expect(late.next).toEqual(["nightjar check 'the shop'", "nightjar list 'the shop'"]);
    const shown = messageOfFinding(judgement([{ kind: 'paused', until: undefined }], { running }), 'paused', telling)!;
    expect(values(shown.facts).some((one) => one.startsWith('Running'))).toBe(false);
  });

  test('nor while the lease keeps it out', () => {
    const stuck: Finding = { kind: 'lease-stuck', why: 'it is no lease' };
    const running = new Date('2026-11-20T11:30:00Z');
    expect(messageOfFinding(judgement([{ kind: 'stale' }, stuck], { running }), 'stale', telling)!.next).toEqual([
      "nightjar check 'the shop'",
      "nightjar list 'the shop'",
      "nightjar unlock 'the shop'",
    ]);
    const lease = messageOfFinding(judgement([stuck]), 'lease-stuck', telling)!;
    expect([lease.next, values(lease.facts)[0]]).toEqual([["nightjar unlock 'the shop'"], 'Lease: it is no lease']);
  });

  test('of copies, those of one vault alone where that is asked for', () => {
    const behind = (vault: string): Finding => ({ kind: 'copy-behind', vault, newest: undefined, limitMs: 1 });
    const both = judgement([behind('nas'), { kind: 'stale' }, behind('usb')]);
    const subject = (vault?: string) => messageOfFinding(both, 'copy-behind', telling, vault)?.subject;
    expect([subject(), subject('usb'), subject('none')]).toEqual([
      'there is no copy in nas; there is no copy in usb',
      'there is no copy in usb',
      undefined,
    ]);
  });

  test('what can’t be judged of some backups is said with every why, and each hint once', () => {
    const doubt = (why: string, hint?: string): Finding => ({ kind: 'unknown', whole: false, why, hint });
    const of = judgement([doubt('a', 'ask'), { kind: 'stale' }, doubt('b', 'ask'), doubt('c')]);
    expect(messageOfFinding(of, 'unknown', telling)).toMatchObject({
      subject: 'not every backup can be judged: nobody knows whether it is good',
      facts: [
        { label: 'Vault', value: '/vault' },
        { label: 'Error', value: 'a' },
        { label: 'Error', value: 'b' },
        { label: 'Error', value: 'c' },
        { label: 'Hint', value: 'ask' },
      ],
      next: ["nightjar list 'the shop'"],
    });
    expect(messageOfFinding(of, 'unknown', telling)!.kind).toBe('unknown');
    const whole = judgement([{ kind: 'unknown', whole: true, why: 'no such folder' }]);
    expect(messageOfFinding(whole, 'unknown', telling)!.subject).toMatch(/^the vault can't be read/);
  });

  test('a pause says until when, where that is known', () => {
    const of = (until: string | undefined) =>
      values(messageOfFinding(judgement([{ kind: 'paused', until }]), 'paused', telling)!.facts)[0];
    expect([of('2026-12-01'), of(undefined)]).toEqual(['Until: 2026-12-01', 'Vault: /vault']);
  });

  test('of missed moments, the last one that was made since is said', () => {
    const moments = [
      moment(17),
      moment(18, { outcome: 'made' }),
      moment(19, { outcome: 'late' }),
      moment(20, { outcome: 'due' }),
    ];
    const expectation = { memory: { plan: '', since: '' }, moments, lost: [] };
    const said = (of: Moment[], more: object = { expectation }) =>
      messageOfFinding(judgement([{ kind: 'missed', moments: of }], {}, more), 'missed', telling)!.subject;
    expect(said([moments[0]!])).toMatch(/; the one of 2026-11-19 02:00 UTC was made$/);
    expect(said([moments[0]!, moments[3]!])).not.toContain('was made');
    expect(said([moments[2]!])).not.toContain('was made');
    const before = { expectation: { ...expectation, moments: moments.slice(0, 2) } };
    expect(said([moments[0]!], before)).toMatch(/; the one of 2026-11-18 02:00 UTC was made$/);
    expect(said([moments[0]!], {})).not.toContain('was made');
    expect(said([])).toMatch(/^no backup is missing; the one of 2026-11-19/);
  });
});
