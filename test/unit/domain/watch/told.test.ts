import { describe, expect, test } from '@jest/globals';
import type { MessageKind } from '../../../../core/contract/events/message.ts';
import type { Alert } from '../../../../core/contract/memory/outbox.ts';
import { keyOf, planAlerts } from '../../../../core/domain/watch/alerts.ts';
import type { Change, Judge, Sighting } from '../../../../core/domain/watch/alerts.ts';

// Who was told what, who is to be told that it is over, and what is told to nobody.
const now = new Date('2026-11-20T12:00:00.000Z');
const hours = (count: number) => new Date(now.getTime() + count * 3_600_000);
const iso = (count = 0) => hours(count).toISOString();
const day = 24 - 1 / 6;

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
const nobody: Judge = { others: new Set() };
const plan = (open: Alert[], sightings: Sighting[], at = now, judge = nobody) => planAlerts(open, sightings, at, judge);

describe('what was told', () => {
  test('is known by source, kind and cause', () => {
    expect(keyOf(alert('stale'))).toBe('["shop","stale"]');
    expect(keyOf({ kind: 'notifier-failed', cause: 'mail' })).toBe('[null,"notifier-failed","mail"]');
    const { tell } = plan(
      [],
      [{ judged: ['uncovered'], found: ['uncovered'], cause: 'db' }, seen(['stale'], ['stale'])],
    );
    expect(tell.map(({ alert: of }) => of)).toStrictEqual([
      { kind: 'uncovered', cause: 'db', since: iso(), told: iso() },
      { source: 'shop', kind: 'stale', since: iso(), told: iso() },
    ]);
  });

  test('is told again a day later, ten minutes early at most, a pause each week, and by a clock that was wrong at once', () => {
    const dueAfter = (kind: MessageKind, told: number) =>
      words(plan([alert(kind, { told: iso(-told) })], [seen([kind], [kind])]).tell);

    expect([dueAfter('stale', day), dueAfter('stale', day - 0.001)]).toEqual([['reminder stale'], []]);
    expect([dueAfter('paused', 7 * 24 - 1 / 6), dueAfter('paused', 7 * 24 - 0.2)]).toEqual([['reminder paused'], []]);
    expect([dueAfter('drill-failed', 9999), dueAfter('unconfigured', 9999)]).toEqual([[], []]);
    expect([dueAfter('stale', -0.1), dueAfter('stale', -5 / 60)]).toEqual([['reminder stale'], []]);
  });

  test('two configurations find it: it is over when neither does', () => {
    const by = (id: string, ...others: string[]): Judge => ({ id, others: new Set(others) });
    const first = plan([], [seen(['stale'], ['stale'])], now, by('b')).tell[0]!.alert;
    expect(first.by).toEqual(['b']);
    const [both] = plan([first], [seen(['stale'], ['stale'])], now, by('a')).open;
    expect(both!.by).toEqual(['a', 'b']);
    expect(plan([both!], [seen(['stale'], ['stale'])], now, nobody).open[0]!.by).toEqual(['a', 'b']);
    expect(plan([alert('stale')], [seen(['stale'], ['stale'])], now, nobody).open[0]).not.toHaveProperty('by');

    const left = plan([both!], [seen(['stale'])], now, by('a', 'a', 'b'));
    expect([words(left.tell), left.open.map((one) => one.by)]).toEqual([[], [['b']]]);
    expect(words(plan([both!], [seen(['stale'])], now, by('a', 'c')).tell)).toEqual(['recovered stale']);
    expect(words(plan(left.open, [seen(['stale'])], now, by('b', 'a')).tell)).toEqual(['recovered stale']);
  });

  test('ends without a word where something else says more, or nobody needs to know', () => {
    const end = (kind: MessageKind, found: MessageKind[] = [], told = -1) => {
      const { tell, silent, open } = plan([alert(kind, { told: iso(told) })], [seen([kind, ...found], found)]);
      const ofKind = (list: readonly Alert[]) => list.filter((one) => one.kind === kind).length;
      return {
        told: words(tell).filter((one) => one.startsWith('recovered')),
        silent: ofKind(silent),
        open: ofKind(open),
      };
    };
    const quiet = { told: [], silent: 1, open: 0 };

    expect(end('unconfigured')).toEqual(quiet);
    expect(end('tools-outdated', [], -8 * 24)).toEqual(quiet);
    expect(end('tools-outdated')).toEqual({ told: [], silent: 0, open: 1 });
    expect(end('shrunk', ['paused'])).toEqual(quiet);
    expect(end('shrunk', ['never'])).toEqual(quiet);
    expect(end('stale', ['unknown'])).toEqual(quiet);
    expect(end('stale', ['shrunk'])).toEqual({ told: ['recovered stale'], silent: 0, open: 0 });
    expect(end('shrunk', ['stale'])).toEqual({ told: ['recovered shrunk'], silent: 0, open: 0 });
  });

  test('in one message is over in one: what ends earlier waits for the rest, for a day at most', () => {
    const of = (source: string, more: Partial<Alert> = {}) => alert('stale', { source, group: 'g', ...more });
    const ends = (source: string) => seen(['stale'], [], { source });
    const lasts = (source: string) => seen(['stale'], ['stale'], { source });

    const one = plan([of('a'), of('b')], [ends('a'), lasts('b')]);
    expect(words(one.tell)).toEqual([]);
    expect(one.open).toEqual([of('b'), { ...of('a'), over: iso() }]);
    const later = plan(one.open, [ends('a'), lasts('b')], hours(1));
    expect(later.open).toContainEqual({ ...of('a'), over: iso() });
    expect(words(plan(one.open, [ends('a'), ends('b')], hours(1)).tell)).toEqual([
      'recovered stale',
      'recovered stale',
    ]);
    const aDayOn = plan([of('a', { told: iso(-day) }), of('b')], [ends('a'), lasts('b')]);
    expect(words(aDayOn.tell)).toEqual(['recovered stale']);
    // another's reminder shows that it lasts
    const reminded = plan([of('a'), of('b', { told: iso(-30) })], [ends('a'), lasts('b')]);
    expect(words(reminded.tell)).toEqual(['reminder stale']);
    expect(reminded.open).toEqual([{ ...of('a'), over: iso() }]);
  });

  test('waits neither for what is of no group or another, nor for what is over, nor for a notifier that fails', () => {
    const ends = seen(['stale']);
    const beside = (...open: Alert[]) => words(plan([alert('stale', { group: 'g' }), ...open], [ends]).tell);

    expect(beside(alert('damaged', { group: 'h' }))).toEqual(['recovered stale']);
    expect(beside(alert('damaged', { group: 'g' }))).toEqual([]);
    expect(beside(alert('damaged', { group: 'g', over: iso(-1) }))).toEqual(['recovered stale']);
    expect(beside(alert('notifier-failed', { group: 'g' }))).toEqual(['recovered stale']);
    expect(words(plan([alert('stale'), alert('damaged')], [ends]).tell)).toEqual(['recovered stale']);
    // what begins in this very check is in no group yet
    const begins = seen(['stale', 'damaged'], ['damaged']);
    expect(words(plan([alert('stale', { group: 'g' })], [begins]).tell)).toEqual([
      'recovered stale',
      'problem damaged',
    ]);
  });
});
