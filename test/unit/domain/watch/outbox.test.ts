import { describe, expect, test } from '@jest/globals';
import type { MessageKind } from '../../../../core/contract/events/message.ts';
import type { Alert, Outbox, WaitingMessage } from '../../../../core/contract/memory/outbox.ts';
import type { Change, Judge, Sighting } from '../../../../core/domain/watch/alerts.ts';
import {
  bounded,
  emptyOutbox,
  endedRuns,
  isFoundElsewhere,
  outboxLimits,
  toSend,
  withDelivered,
  withGoodRun,
  withSightings,
  withTrying,
} from '../../../../core/domain/watch/outbox.ts';
import { roomAtOnce, roomGathered, withRecent } from '../../../../core/domain/watch/pace.ts';
import { samples } from '../../messages/samples.ts';

// Who was told what, who is to be told that it is over, and what is told to nobody.
const now = new Date('2026-11-20T12:00:00.000Z');
const hours = (count: number) => new Date(now.getTime() + count * 3_600_000);
const iso = (count = 0) => hours(count).toISOString();

const alert = (kind: MessageKind, more: Partial<Alert> = {}): Alert => ({
  source: 'shop',
  kind,
  since: iso(-30),
  told: iso(-1),
  ...more,
});
const seen = (judged: MessageKind[], found: MessageKind[] = [], more: Partial<Sighting> = {}): Sighting => ({
  source: 'shop',
  judged,
  found,
  ...more,
});
const words = (changes: readonly Change[]) => changes.map(({ severity, alert: of }) => `${severity} ${of.kind}`);
const waiting = (severity: Change['severity'], of: Alert, more: Partial<WaitingMessage> = {}): WaitingMessage => ({
  severity,
  alert: of,
  message: samples['stale']!,
  ...more,
});
const itemOf = (change: Change): WaitingMessage => waiting(change.severity, change.alert);
const nobody: Judge = { others: new Set() };

describe('an outbox', () => {
  const box = (more: Partial<Outbox>): Outbox => ({ ...emptyOutbox, ...more });
  const brought = (of: Outbox, ...sightings: Sighting[]) => withSightings(of, sightings, now, nobody, itemOf);

  test('keeps what waits in its place with the words of now, and leaves out what is over and was never told', () => {
    const old = waiting('problem', alert('damaged', { source: 'old' }));
    const stale = waiting('problem', alert('stale'), { trying: iso(1), message: samples['never']! });
    const gone = waiting('problem', alert('shrunk'));
    const next = brought(box({ waiting: [stale, gone, old] }), seen(['stale', 'shrunk', 'gone'], ['stale', 'gone']));

    expect(next.waiting.map(({ alert: of, trying, message }) => [of.kind, trying, message.kind])).toEqual([
      ['stale', iso(1), samples['stale']!.kind],
      ['damaged', undefined, samples['stale']!.kind],
      ['gone', undefined, samples['stale']!.kind],
    ]);
    expect(next.open).toEqual([]);
  });

  test('forgets nothing that it could not make a message of', () => {
    const open = [alert('stale', { told: iso(-30) }), alert('shrunk')];
    const next = withSightings(box({ open }), [seen(['stale', 'shrunk'], ['stale'])], now, nobody, () => undefined);

    expect(next).toEqual(box({ open: [alert('shrunk'), alert('stale', { told: iso(-30) })] }));
  });

  test('takes what somebody was killed at for told, where it holds no longer: its end is told, too', () => {
    const killed = waiting('problem', alert('stale'), { trying: iso(-1) });
    const over = brought(box({ waiting: [killed] }), seen(['stale']));
    expect(words(over.waiting)).toEqual(['recovered stale']);
    expect(words(brought(box({ waiting: [killed] }), seen(['stale'], ['stale'])).waiting)).toEqual(['problem stale']);
    const back = waiting('recovered', alert('stale'), { trying: iso(-1) });
    expect(words(brought(box({ waiting: [back] }), seen(['stale'], ['stale'])).waiting)).toEqual(['problem stale']);
    expect(brought(box({ waiting: [waiting('problem', alert('stale'))] }), seen(['stale'])).waiting).toEqual([]);
  });

  test('is brought what was told: what began is open since now, what was over is gone, and waits no longer', () => {
    const [stale, shrunk, damaged] = [alert('stale'), alert('shrunk'), alert('damaged', { group: 'old' })];
    const items = [waiting('problem', stale), waiting('recovered', shrunk), waiting('reminder', damaged)];
    const before = box({ open: [shrunk, damaged], waiting: [...items, waiting('recovered', stale)], left: 3 });

    const next = withDelivered(before, [{ items, group: 'new' }], now);

    expect(next.open).toEqual([
      { ...damaged, told: iso(), group: 'new' },
      { ...stale, since: iso(), told: iso(), group: 'new' },
    ]);
    expect(next.waiting).toEqual([waiting('recovered', stale)]);
    expect(next.left).toBe(3);
    expect(withDelivered({ ...next, waiting: [] }, [], now).left).toBe(0);
    const again = withDelivered(
      next,
      [{ items: [waiting('problem', { ...stale, cause: undefined as never })] }],
      hours(1),
    );
    expect(again.open.find(({ kind }) => kind === 'stale')).toMatchObject({ since: iso(), told: iso(1) });
    expect(again.open.find(({ kind }) => kind === 'stale')).not.toHaveProperty('group');
  });

  test('sends what nobody is at: for ten minutes at most, and whatever a wrong clock has written', () => {
    const of = (trying?: string) => waiting('problem', alert('stale'), trying === undefined ? {} : { trying });
    const ours = [of(), of(iso()), of(iso(-1)), of(iso(0.2))];
    const theirs = [of(iso(1 / 6)), of(iso(0.01))];

    expect(toSend(box({ waiting: [...ours, ...theirs] }), now)).toEqual(ours);
  });

  test('says who is at an item, and that nobody is any more', () => {
    const [one, two] = [waiting('problem', alert('stale')), waiting('problem', alert('shrunk'))];
    const tried = withTrying(box({ waiting: [one, two] }), [one], now);

    expect(tried.waiting).toEqual([{ ...one, trying: iso() }, two]);
    expect(withTrying(tried, [one], undefined).waiting).toStrictEqual([one, two]);
  });

  test('stays small: whole messages first, then their subjects, then a number; of alerts those that were told last', () => {
    const facts = Array.from({ length: 20 }, (_, index) => ({ label: `${index}`, value: 'x'.repeat(600) }));
    const message = { ...samples['stale']!, facts, next: ['nightjar list'] };
    const many = Array.from({ length: 405 }, (_, index) =>
      waiting('problem', alert('stale', { source: `${index}` }), { message }),
    );
    const open = Array.from({ length: 4003 }, (_, index) =>
      alert('stale', { source: String(index).padStart(4, '0'), told: iso(index) }),
    );

    const kept = bounded(box({ waiting: many, open, left: 2 }));

    expect([kept.waiting.length, kept.left, kept.open.length]).toEqual([400, 7, 4000]);
    expect([kept.open[0]!.source, kept.open.at(-1)!.source]).toEqual(['0003', '4002']);
    const shown = kept.waiting.map((one) => [one.message.facts.length, one.message.next.length]);
    expect([shown[39], shown[40]]).toEqual([
      [outboxLimits.facts, 1],
      [0, 0],
    ]);
    expect(kept.waiting[0]!.message.facts[0]).toEqual({ label: '0', value: `${'x'.repeat(499)}…` });
    expect(bounded(box({ open: open.slice(0, 2).toReversed(), waiting: [many[0]!] })).open).toEqual([open[1], open[0]]);
  });
});

describe('a good run', () => {
  const failed = (more: Partial<Alert> = {}) => alert('backup-failed', { cause: 'vault-full', by: ['a'], ...more });
  const ended = (of: Partial<Outbox>, by = 'a') => {
    const ends: string[][] = [];
    const next = withGoodRun(
      { ...emptyOutbox, ...of },
      { source: 'shop', kind: 'backup-failed', by },
      now,
      (change, of) => {
        ends.push(of.map(({ source, cause }) => `${source ?? 'all'} ${cause}`));
        return itemOf(change);
      },
    );
    return {
      ...next,
      ends,
      said: next.waiting.map(({ severity, alert: of }) => `${severity} ${of.source ?? 'all'} ${of.kind}`),
    };
  };

  test('ends every failure of its kind and source, with one word', () => {
    const other = failed({ source: 'blog' });
    const { said, ends, open } = ended({
      open: [failed(), failed({ cause: 'dump-failed' }), other, alert('drill-failed')],
    });

    expect(said).toEqual(['recovered shop backup-failed']);
    expect(ends).toEqual([['shop dump-failed', 'shop vault-full']]);
    expect(open.filter(({ source }) => source === 'blog')).toEqual([other]);
    expect(open.map(({ kind }) => kind)).toContain('drill-failed');
  });

  test('ends that no run could begin by the configuration, of all sources', () => {
    const of = (cause: string) => ({
      kind: 'backup-failed' as const,
      cause,
      by: ['a'],
      since: iso(-30),
      told: iso(-1),
    });

    expect(ended({ open: [of('config-invalid')] }).said).toEqual(['recovered all backup-failed']);
    expect(ended({ open: [of('secret-missing')] }).said).toEqual(['recovered all backup-failed']);
    expect(ended({ open: [of('vault-full')] }).said).toEqual([]);
    const { ends, said } = ended({ open: [of('config-invalid'), failed()] });
    expect([said, ends]).toEqual([['recovered shop backup-failed'], [['shop vault-full', 'all config-invalid']]]);
  });

  test('says nothing where a check has told that backups are missing: its all-clear stands for both', () => {
    for (const kind of ['never', 'stale', 'missed'] as const)
      expect(ended({ open: [failed(), alert(kind)] }).said).toEqual([]);
    expect(ended({ open: [failed(), alert('stale', { source: 'blog' })] }).said).toHaveLength(1);
    expect(ended({ open: [failed(), alert('stale')] }).open).toEqual([alert('stale')]);
    expect(ended({ open: [failed(), alert('shrunk')] }).said).toHaveLength(1);
  });

  test('leaves what another configuration has found lately to that one', () => {
    const theirs = failed({ by: ['b'] });
    expect(ended({ open: [theirs] })).toMatchObject({ said: [], open: [theirs] });
    expect(ended({ open: [failed({ by: ['b'], told: iso(-26) })] }).said).toHaveLength(1);
    expect(isFoundElsewhere(failed({ by: ['a', 'b'] }), 'a', now)).toBe(true);
    expect(isFoundElsewhere(failed({ by: ['a'] }), 'a', now)).toBe(false);
    expect(isFoundElsewhere(alert('stale'), 'a', now)).toBe(false);
    expect(isFoundElsewhere(failed({ by: ['b'], told: iso(-26 + 0.001) }), 'a', now)).toBe(true);
  });

  test('takes back what waits; an all-clear that waits is told, and what somebody was killed at ends', () => {
    expect(ended({ waiting: [waiting('problem', failed())] }).said).toEqual([]);
    expect(ended({ waiting: [waiting('recovered', failed())] }).said).toEqual(['recovered shop backup-failed']);
    expect(ended({ waiting: [waiting('problem', failed({ source: 'blog' }))] }).said).toEqual([
      'problem blog backup-failed',
    ]);
    expect(ended({ waiting: [waiting('problem', failed(), { trying: iso(-1) })] }).said).toEqual([
      'recovered shop backup-failed',
    ]);
  });

  test('tells what is over and has waited for its group, of other sources, too', () => {
    const over = failed({ source: 'blog', over: iso(-1) });
    expect(ended({ open: [over, alert('stale', { source: 'blog', over: iso(-1) })] }).said).toEqual([
      'recovered blog backup-failed',
    ]);
    expect(endedRuns({ ...emptyOutbox, open: [over, failed(), alert('hook-failed', { over: iso() })] })).toEqual([
      { source: 'blog', cause: 'vault-full', judged: ['backup-failed'], found: [] },
      { source: 'shop', cause: undefined, judged: ['hook-failed'], found: [] },
    ]);
    const own = ended({ open: [failed({ over: iso(-1) })] });
    expect(own.said).toEqual(['recovered shop backup-failed']);
  });
});

test('of runs that nobody gathers, a notifier hears three messages an hour', () => {
  const empty = emptyOutbox;
  expect([roomAtOnce(empty, now), roomGathered(empty, now)]).toEqual([2, 3]);
  const two = withRecent(empty, 2, now);
  expect(two.recent).toEqual([iso(), iso()]);
  expect([roomAtOnce(two, now), roomGathered(two, now)]).toEqual([0, 1]);
  expect([roomAtOnce(two, hours(0.99)), roomAtOnce(two, hours(1))]).toEqual([0, 2]);
  expect(roomGathered(withRecent(two, 3, hours(0.5)), hours(0.5))).toBe(0);
  expect(withRecent(two, 1, hours(1)).recent).toEqual([iso(1)]);
  expect(withRecent(two, 0, now)).toBe(two);
  // a clock may be five minutes wrong, and no more
  expect([roomAtOnce(two, hours(-5 / 60)), roomAtOnce(two, hours(-0.1))]).toEqual([0, 2]);
});
