import { expect, test } from '@jest/globals';
import type { BackupId, SourceName } from '../../../../core/domain/keys.ts';
import { checkResult } from '../../../../core/domain/watch/check-result.ts';
import type { CheckedSources } from '../../../../core/domain/watch/check-result.ts';
import { judge } from '../../../../core/domain/watch/freshness.ts';
import type { Judgement } from '../../../../core/domain/watch/freshness.ts';
import { before, hourMs, seenOf, watching } from '../../../support/vaults/seen.ts';

const at = new Date('2026-11-20T12:00:00Z');
const fresh = judge(watching(), seenOf([{ start: before(at, hourMs) }]), at);
const stale = judge(watching(), seenOf([{ start: before(at, 26 * hourMs) }], [before(at, 2 * hourMs)]), at);
const paused = judge(watching({ paused: true }), seenOf([{ start: before(at, 99 * hourMs) }]), at);
const never = judge(watching(), seenOf([]), at);
const result = (more: Partial<CheckedSources> = {}) =>
  checkResult({ at, place: '/vault', judgements: [fresh], unconfigured: [], told: [], ...more });

test('where all is well, that is said, with the age of each source in whole seconds', () => {
  const late = new Date(at.getTime() + 999);
  expect(result({ at: late })).toEqual({
    status: 'fresh',
    at: late.toISOString(),
    sources: [
      {
        source: 'shop',
        state: 'fresh',
        findings: [],
        newest: fresh.standing.newest,
        ageSeconds: 3600,
        limitSeconds: 25 * 3600,
        failures: 0,
        backups: 1,
      },
    ],
    unconfigured: [],
    told: 0,
  });
  expect(result({ at: before(at, 2 * hourMs) }).sources[0]!.ageSeconds).toBe(0);
});

test.each<[string, Partial<CheckedSources>, string]>([
  ['a source is paused', { judgements: [fresh, paused] }, 'fresh'],
  ['one of two sources is stale', { judgements: [fresh, stale] }, 'problems'],
  ['the vault can’t be read', { judgements: [], vault: { why: 'no' } }, 'problems'],
  ['a further vault can’t be read', { further: [{ name: 'nas', unread: { why: 'no' } }] }, 'problems'],
  ['a further vault can be read', { further: [{ name: 'nas' }] }, 'fresh'],
  ['there are notices', { notices: [{ text: 'old', hint: 'renew' }] }, 'fresh'],
])('where %s, the status is said by that', (_, more, status) => {
  expect(result(more).status).toBe(status);
});

test('what is wrong with a source is said in the words that people are told', () => {
  const [said] = result({ judgements: [stale] }).sources;

  expect(said).toMatchObject({
    state: 'stale',
    findings: [{ kind: 'stale', text: expect.stringContaining('26 h') }],
    failures: 1,
    lastFailure: stale.standing.lastFailure,
    ageSeconds: 26 * 3600,
  });
  expect(result({ judgements: [never] }).sources[0]).not.toHaveProperty('newest');
  expect(result({ judgements: [never] }).sources[0]).not.toHaveProperty('ageSeconds');
  const unknown: Judgement = { ...fresh, findings: [{ kind: 'unknown', whole: true, why: 'nobody can read it' }] };
  expect(result({ judgements: [unknown] }).sources[0]!.findings).toEqual([
    { kind: 'unknown', text: 'nobody can read it' },
  ]);
});

test('a proof, the moments of a schedule and copies are said where they are known', () => {
  const proven = '20261119T020000Z-00000a' as BackupId;
  const moments = (['made', 'made', 'late', 'missed', 'failed', 'due'] as const).map((outcome, index) => ({
    at: new Date(Date.UTC(2026, 10, 10 + index, 2)),
    outcome,
    ...(outcome === 'failed' && { code: 'vault-full' }),
    ...(outcome === 'missed' && { busy: true as const }),
  }));
  const known = {
    ...fresh,
    standing: { ...fresh.standing, proven },
    expectation: { memory: { plan: 'p', since: 's' }, moments, lost: [] },
    copies: [
      { vault: 'nas', state: 'behind', newest: proven, limitMs: 90_500 },
      { vault: 'lost', state: 'unknown' },
    ],
    findings: [
      { kind: 'copy-behind', vault: 'nas', newest: proven, limitMs: 1 },
      { kind: 'copy-behind', vault: 'away', newest: undefined, limitMs: 1 },
    ],
  } as unknown as Judgement;

  const [said] = result({ judgements: [known] }).sources;

  expect(said).toMatchObject({ proven });
  expect(said!.schedule).toEqual({
    since: 's',
    made: 2,
    late: 1,
    others: [
      { at: '2026-11-13T02:00:00.000Z', outcome: 'missed', busy: true },
      { at: '2026-11-14T02:00:00.000Z', outcome: 'failed', code: 'vault-full' },
      { at: '2026-11-15T02:00:00.000Z', outcome: 'due' },
    ],
  });
  expect(said!.copies).toEqual([
    { vault: 'nas', state: 'behind', newest: proven, limitSeconds: 90 },
    { vault: 'lost', state: 'unknown' },
  ]);
  expect(said!.findings.map(({ text }) => text)).toEqual([
    expect.stringMatching(/^the newest copy in nas is (?!.* in away)/),
    'there is no copy in away',
  ]);
  expect(result().sources[0]).not.toHaveProperty('copies');
  expect(result().sources[0]).not.toHaveProperty('schedule');
});

test('what is beside the sources is said, too: vaults, sources of nobody’s, notices', () => {
  const unconfigured = [{ source: 'old' as SourceName, newest: '20261119T020000Z-00000a' as BackupId, count: 3 }];
  const said = result({
    unconfigured,
    vault: { why: 'it is away', hint: 'bring it back' },
    further: [
      { name: 'nas', unread: { why: 'off' } },
      { name: 'away' },
      { name: 'usb', unread: { why: 'out', hint: 'in' } },
    ],
    notices: [{ text: 'zstd is old', hint: 'renew it' }],
    unheard: [{ text: 'nobody listens', hint: 'confirm it' }],
    account: { judged: [], found: [{ subject: 'one is not backed up', known: [['Error', 'no rights']] } as never] },
    told: [{}, {}],
  });

  expect(said).toMatchObject({
    vault: { place: '/vault', error: 'it is away', hint: 'bring it back' },
    unread: [
      { vault: 'nas', error: 'off' },
      { vault: 'usb', error: 'out', hint: 'in' },
    ],
    unconfigured: [{ source: 'old', newest: '20261119T020000Z-00000a', backups: 3 }],
    notices: ['zstd is old', 'nobody listens', 'one is not backed up: no rights'],
    told: 2,
  });
  expect(said.unread![0]).not.toHaveProperty('hint');
  expect(result({ vault: { why: 'it is away' } }).vault).toEqual({ place: '/vault', error: 'it is away' });
});
