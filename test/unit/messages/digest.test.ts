import { expect, test } from '@jest/globals';
import type { BackupId, SourceName } from '../../../core/domain/keys.ts';
import { digestMessage } from '../../../core/domain/messages/digest.ts';
import type { Judgement } from '../../../core/domain/watch/freshness.ts';

const at = new Date('2026-11-20T12:00:00Z');
type Look = Parameters<typeof digestMessage>[0];
type Standing = Partial<Judgement['standing']>;
const judged = (
  source: string,
  state: Judgement['state'] = 'fresh',
  more: Standing = {},
  copies?: Judgement['copies'],
) =>
  ({
    standing: {
      source: source as SourceName,
      place: '/v',
      timeZone: 'UTC',
      limitMs: 0,
      failures: 0,
      count: 3,
      ...more,
    },
    state,
    findings: [],
    ...(copies && { copies }),
  }) as unknown as Judgement;
const many = (count: number, state?: Judgement['state']) =>
  Array.from({ length: count }, (_, n) => judged(`s${n}`, state));
const digest = (judgements: Judgement[], more: Partial<Look> = {}, costs = {}) =>
  digestMessage({ at, place: '/vault', judgements, unconfigured: [], ...more }, costs);
const lines = (...given: Parameters<typeof digest>) =>
  digest(...given).facts.map(({ label, value }) => `${label}: ${value}`);
const subject = (...given: Parameters<typeof digest>) => digest(...given).subject;
const found = (kind: string, what: string) => ({ kind, what, subject: `${what} is odd`, known: [], hint: '' });
const account = (judgedKinds: string[], ...of: object[]) => ({ account: { judged: judgedKinds, found: of } as never });

test('one line says whether all is well, or how many need a look', () => {
  expect(subject([judged('shop')])).toBe('digest: the one source is well');
  expect(subject([...many(2), judged('x', 'paused')])).toBe('digest: all 3 sources are well');
  expect(subject([judged('shop', 'stale')])).toBe('digest: 1 of 1 source needs a look');
  expect(subject([...many(2), ...many(2, 'stale')])).toBe('digest: 2 of 4 sources need a look');
  expect(subject(many(2), { vault: { why: 'down' } })).toBe("digest: the vault can't be read");
});

test('what is wrong and is no source’s stands in it, too', () => {
  const unread = { name: 'nas', unread: { why: 'down' } };
  expect(subject(many(2), { further: [unread, { name: 'away' }] })).toBe(
    "digest: all 2 sources are well, but 1 further vault can't be read",
  );
  expect(subject(many(2, 'stale'), { further: [unread, { ...unread, name: 'b' }] })).toBe(
    "digest: 2 of 2 sources need a look, 2 further vaults can't be read",
  );
  const of = (kind: string, ...what: string[]) => subject(many(2), account([], ...what.map((one) => found(kind, one))));
  expect(of('schedule-disabled', 'a')).toBe('digest: all 2 sources are well, but 1 schedule is off');
  expect(of('schedule-disabled', 'a', 'b')).toBe('digest: all 2 sources are well, but 2 schedules are off');
  expect(of('schedule-missing', 'a')).toBe('digest: all 2 sources are well, but 1 schedule is not there');
  expect(of('uncovered', 'a', 'b')).toBe('digest: all 2 sources are well, but 2 databases are in no source');
  expect(of('account-unseen', 'logs')).toBe("digest: all 2 sources are well, but logs can't be looked at");
});

test('what is not well comes first, then as many as one reads; the command is said where something is wrong', () => {
  const sorted = lines([judged('a'), judged('b', 'stale'), judged('c', 'paused')]);
  expect(sorted.slice(1, 2)).toEqual(['Sources: 3 (1 fresh, 1 stale, 1 paused)']);
  expect(sorted.slice(3)).toEqual(['b: stale, 3 backups', 'a: fresh, 3 backups', 'c: paused, 3 backups']);
  expect(lines([]).slice(1, 2)).toEqual(['Sources: 0']);

  expect(lines(many(40)).some((line) => line.startsWith('And'))).toBe(false);
  expect(lines(many(42))).toContain('And: 2 more, all well');
  expect(lines(many(42, 'stale'))).toContain('And: 2 more');
  expect(lines([...many(40, 'stale'), ...many(2)])).toContain('And: 2 more, all well');

  expect([digest(many(1)).next, digest(many(1, 'stale')).next]).toEqual([[], ['nightjar check']]);
  expect(digest(many(1), { vault: { why: 'down' } })).toMatchObject({
    next: ['nightjar check'],
    severity: 'info',
    kind: 'digest',
  });
  expect(digest(many(1), { further: [{ name: 'nas', unread: { why: 'down' } }] }).next).toEqual(['nightjar check']);
  expect(lines(many(1), { vault: { why: 'down' } })).toContain('Error: down');
});

test('a source’s line says how old, how proven, how large, and how its copies stand', () => {
  const id = (text: string) => `${text}-7f3a9c` as BackupId;
  const line = (more: Standing, copies?: Judgement['copies']) => lines([judged('shop', 'fresh', more, copies)])[3];
  const copy = (vault: string, state: 'fresh' | 'behind' | 'unknown') => ({ vault, state });

  expect(
    line({ newest: id('20261120T103100Z'), proven: id('20261117T120000Z'), count: 1, storedBytes: 11_200_000_000 }),
  ).toBe('shop: fresh, 89 min old, proven 3 d ago, 1 backup, 11.2 GB');
  expect(line({ newest: id('20261120T103000Z') })).toBe('shop: fresh, 2 h old, 3 backups');
  expect(line({ newest: id('20261118T123000Z') })).toBe('shop: fresh, 48 h old, 3 backups');
  expect(line({ newest: id('20261118T120000Z') })).toBe('shop: fresh, 2 d old, 3 backups');
  expect(line({ newest: id('20261120T130000Z') })).toBe('shop: fresh, 0 min old, 3 backups');
  expect(line({ drillEveryMs: 1 })).toBe('shop: fresh, never proven, 3 backups');
  expect(line({}, [copy('nas', 'fresh'), copy('away', 'fresh')])).toBe('shop: fresh, 3 backups, copies fresh');
  expect(line({}, [copy('nas', 'fresh'), copy('away', 'behind'), copy('far', 'unknown')])).toBe(
    'shop: fresh, 3 backups, away behind, far unknown',
  );
});

test('backups are summed up, with what their storage costs where that is known', () => {
  const two = [
    judged('a', 'fresh', { storedBytes: 1_500_000_000 }),
    judged('b', 'fresh', { storedBytes: 500_000_000 }),
    judged('c'),
  ];
  expect(lines(two)[2]).toBe('Backups: 9 in 2.00 GB');
  expect(lines(two, {}, { dollarsPerGb: 0.5 })[2]).toBe('Backups: 9 in 2.00 GB, about $1.00 a month of storage');
  expect(lines(two, {}, { monthly: 12.345 })[3]).toBe(
    'Cost: about $12.35 a month for all of it, by estimate (nightjar cost)',
  );
});

test('what else is to be known comes last, with no more names than one reads', () => {
  const unconfigured = Array.from({ length: 22 }, (_, n) => ({
    source: `u${n}` as SourceName,
    newest: 'x' as BackupId,
    count: 1,
  }));
  const all = lines([], {
    unconfigured,
    notices: [{ text: 'old client' }] as never,
    unheard: [{ text: 'nobody confirmed' }] as never,
    further: [{ name: 'nas', unread: { why: 'down' } }],
    ...account(
      ['uncovered'],
      found('uncovered', 'db'),
      found('schedule-disabled', 'nightly'),
      found('schedule-missing', 'check'),
      found('account-unseen', 'logs'),
    ),
  });

  expect(all.slice(3)).toEqual([
    'Vault nas: down',
    `Not in the configuration: ${unconfigured
      .slice(0, 20)
      .map(({ source }) => source)
      .join(', ')}, and 2 more`,
    'In no source: db',
    'Switched off: nightly',
    'Schedules not there: check',
    'Notice: old client',
    'Notice: nobody confirmed',
    'Notice: logs is odd',
  ]);
  expect(lines([], { unconfigured: unconfigured.slice(0, 20) })[3]).toMatch(/u19$/);
  expect(lines([], account(['uncovered'])).slice(3)).toEqual(['In no source: no database of RDS']);
  expect(lines([], account(['schedule-missing'])).slice(3)).toEqual([]);
});
