import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { MessageKind } from '../../../../core/contract/events/message.ts';
import type { Outbox, WaitingMessage } from '../../../../core/contract/memory/outbox.ts';
import { planAlerts } from '../../../../core/domain/watch/alerts.ts';
import type { Change, Sighting } from '../../../../core/domain/watch/alerts.ts';
import { emptyOutbox, withDelivered, withSightings } from '../../../../core/domain/watch/outbox.ts';
import { samples } from '../../messages/samples.ts';
import { draws } from '../../../support/random/draws.ts';

const hourMs = 3_600_000;
const began = Date.parse('2026-11-20T02:00:00Z');
const judged: MessageKind[] = ['never', 'stale', 'unknown', 'shrunk', 'overdue-drill', 'paused'];
const shop = (...found: MessageKind[]): Sighting => ({ source: 'shop', judged, found });
/** As a check sees a source whose part of the vault can't be read. */
const unreadable: Sighting = { source: 'shop', judged: ['unknown', 'paused'], found: ['unknown'] };

const itemOf = (change: Change): WaitingMessage => ({ ...change, message: samples['stale']! });
const nobody = { others: new Set<string>() };
/** An outbox after a check, whose messages arrive or do not. */
const after = (
  box: Outbox,
  sightings: Sighting[],
  now: Date,
  reached = true,
): { box: Outbox; told: WaitingMessage[] } => {
  const next = withSightings(box, sightings, now, nobody, itemOf);
  return reached
    ? { box: withDelivered(next, [{ items: next.waiting }], now), told: next.waiting }
    : { box: next, told: [] };
};
const word = ({ severity, alert }: Change) => `${severity} ${alert.kind}`;

/**
 * What is told by checks at these hours, each with what it sees. `deaf` are the hours at which nobody can be reached.
 */
function told(checks: readonly [hour: number, sighting: Sighting][], deaf: readonly number[] = []): string[] {
  let box = emptyOutbox;
  return checks.flatMap(([hour, sighting]) => {
    const result = after(box, [sighting], new Date(began + hour * hourMs), !deaf.includes(hour));
    box = result.box;
    return result.told.map((change) => `${hour}: ${word(change)}`);
  });
}

test('a thing is told when it begins, a day later while it lasts, and when it is over', () => {
  const hourly = Array.from({ length: 60 }, (_, hour): [number, Sighting] => [
    hour,
    hour < 5 || hour > 55 ? shop() : shop('stale'),
  ]);

  expect(told(hourly)).toEqual(['5: problem stale', '29: reminder stale', '53: reminder stale', '56: recovered stale']);
});

test('a check that runs once a day, a little early, reminds all the same', () => {
  expect(
    told([
      [0, shop('stale')],
      [23.99, shop('stale')],
      [47.98, shop('stale')],
    ]),
  ).toEqual(['0: problem stale', '23.99: reminder stale', '47.98: reminder stale']);
  expect(
    told([
      [0, shop('stale')],
      [23, shop('stale')],
    ]),
  ).toEqual(['0: problem stale']);
});

test.each([
  [
    'stale while the vault can’t be read: nothing recovers',
    [
      [0, shop('stale')],
      [1, unreadable],
      [2, shop('stale')],
      [3, shop()],
    ],
    ['0: problem stale', '1: problem unknown', '3: recovered stale'],
  ],
  [
    'unknown, and then fresh',
    [
      [0, unreadable],
      [1, shop()],
    ],
    ['0: problem unknown', '1: recovered unknown'],
  ],
  [
    'never, and then the first backup',
    [
      [0, shop('never')],
      [1, shop()],
    ],
    ['0: problem never', '1: recovered never'],
  ],
  [
    'stale, and then all backups gone: no all-clear',
    [
      [0, shop('stale')],
      [1, shop('never')],
    ],
    ['0: problem stale', '1: problem never'],
  ],
  [
    'shrunk, and then all backups gone: no all-clear',
    [
      [0, shop('shrunk')],
      [1, shop('never')],
    ],
    ['0: problem shrunk', '1: problem never'],
  ],
  [
    'stale and paused: no all-clear; told anew when the pause is over',
    [
      [0, shop('stale')],
      [1, shop('paused')],
      [2, shop('stale')],
    ],
    ['0: problem stale', '1: problem paused', '2: problem stale'],
  ],
  [
    'a pause that is over in good order',
    [
      [0, shop('paused')],
      [1, shop()],
    ],
    ['0: problem paused', '1: recovered paused'],
  ],
  [
    'two at once, which end one by one',
    [
      [0, shop('stale', 'overdue-drill')],
      [1, shop('overdue-drill')],
      [2, shop()],
    ],
    ['0: problem stale', '0: problem overdue-drill', '1: recovered stale', '2: recovered overdue-drill'],
  ],
] as [string, [number, Sighting][], string[]][])('%s', (_, checks, expected) => {
  expect(told(checks).toSorted()).toEqual(expected.toSorted());
});

test('a pause is told again each week, a source that left the configuration never', () => {
  const days = Array.from({ length: 15 }, (_, day) => day * 24);
  const left: Sighting = { source: 'old', judged: ['unconfigured'], found: ['unconfigured'] };

  expect(told(days.map((hour) => [hour, shop('paused')]))).toEqual([
    '0: problem paused',
    '168: reminder paused',
    '336: reminder paused',
  ]);
  expect(told([...days.map((hour): [number, Sighting] => [hour, left]), [400, { ...left, found: [] }]])).toEqual([
    '0: problem unconfigured',
  ]);
});

test('an overdue drill is told again each week, and a drill that can’t be held once, with its all-clear', () => {
  const days = Array.from({ length: 15 }, (_, day) => day * 24);
  const failed = (...found: MessageKind[]): Sighting => ({
    source: 'shop',
    cause: 'privilege-missing',
    judged: ['drill-failed'],
    found,
  });

  expect(told(days.map((hour) => [hour, shop('overdue-drill')]))).toEqual([
    '0: problem overdue-drill',
    '168: reminder overdue-drill',
    '336: reminder overdue-drill',
  ]);
  expect(told([...days.map((hour): [number, Sighting] => [hour, failed('drill-failed')]), [400, failed()]])).toEqual([
    '0: problem drill-failed',
    '400: recovered drill-failed',
  ]);
});

test('old database clients are told at most once a week, however often they come and go, and never as over', () => {
  const tools = (...found: MessageKind[]): Sighting => ({ judged: ['tools-outdated'], found });
  const hourly = Array.from({ length: 20 * 24 }, (_, hour): [number, Sighting] => [
    hour,
    hour % 3 === 0 ? tools() : tools('tools-outdated'),
  ]);

  expect(told(hourly)).toEqual([
    '1: problem tools-outdated',
    '169: reminder tools-outdated',
    '337: reminder tools-outdated',
  ]);
  expect(
    told([
      [0, tools('tools-outdated')],
      [200, tools()],
      [201, tools('tools-outdated')],
    ]),
  ).toEqual(['0: problem tools-outdated', '201: problem tools-outdated']);
});

test('what has reached nobody is told by the next check, whatever it was', () => {
  const checks = [0, 1, 25, 26, 30, 31].map((hour): [number, Sighting] => [hour, hour < 30 ? shop('stale') : shop()]);

  expect(told(checks, [0, 25, 30])).toEqual(['1: problem stale', '26: reminder stale', '31: recovered stale']);
});

test('a memory that was lost has everything that is wrong told again', () => {
  const plan = planAlerts([], [shop('stale', 'shrunk')], new Date(began));

  expect(plan.tell.map(word)).toEqual(['problem stale', 'problem shrunk']);
});

test('sources are told apart, and what a check did not look at stays', () => {
  const now = new Date(began);
  const { open } = after(
    emptyOutbox,
    [shop('stale'), { ...shop('stale'), source: 'blog' }, { judged: ['unknown'], found: ['unknown'] }],
    now,
  ).box;

  const plan = planAlerts(open, [{ ...shop(), source: 'blog' }], new Date(began + hourMs));

  expect(plan.tell).toEqual([{ severity: 'recovered', alert: open.find(({ source }) => source === 'blog') }]);
  expect(plan.open.map(({ source, kind }) => [source, kind])).toEqual([
    ['shop', 'stale'],
    [undefined, 'unknown'],
  ]);
});

test('whatever happens: told once when it begins, at most once a day, and only what was told recovers', () => {
  const step = fc.record({
    hours: fc.integer({ min: 1, max: 30 }),
    found: fc.subarray(judged.filter((kind) => kind !== 'paused')),
    readable: fc.boolean(),
    reached: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), (steps) => {
      let box = emptyOutbox;
      let hour = 0;
      const last = new Map<string, number>();
      for (const { hours, found, readable, reached } of steps) {
        hour += hours;
        const now = new Date(began + hour * hourMs);
        const sighting = readable ? shop(...found) : unreadable;
        const plan = planAlerts(box.open, [sighting], now);
        const result = after(box, [sighting], now, reached);
        box = result.box;
        for (const {
          severity,
          alert: { kind },
        } of reached ? result.told : plan.tell) {
          expect(last.has(kind)).toBe(severity !== 'problem');
          if (severity === 'reminder') expect(hour - last.get(kind)!).toBeGreaterThanOrEqual(24);
          if (severity === 'recovered' && readable) expect(sighting.found).not.toContain(kind);
          if (reached && severity === 'recovered') last.delete(kind);
          else if (reached) last.set(kind, hour);
        }
        for (const { kind } of plan.silent) last.delete(kind);
        // whoever could be reached knows of everything that is wrong
        if (reached) expect([...last.keys()]).toEqual(expect.arrayContaining([...sighting.found]));
        expect(box.open.map(({ kind }) => kind).toSorted()).toEqual([...last.keys()].toSorted());
        if (reached) expect(box.waiting).toEqual([]);
      }
    }),
    draws(1000),
  );
});
