import { expect, test } from '@jest/globals';
import { parseConfig } from '../../../core/config-file.ts';
import type { WatchSettings } from '../../../core/contract/config/settings/watch.ts';
import type { SourceName } from '../../../core/domain/keys.ts';

const hourMs = 3_600_000;
const server = 'postgres: { host: db, database: shop, user: app }';
const text = (own: string, defaults: string) =>
  `vault: v\ndefaults: ${defaults}\nsources:\n  shop: { ${server}, ${own} }\n`;

function watch(own: string, defaults = '{}'): WatchSettings {
  return parseConfig(text(own, defaults), 'nightjar.yaml').sources.get('shop' as SourceName)!.watch;
}

test.each([
  ['parallel: 2', '{}', { ms: 25 * hourMs }],
  ['freshness: 8h', '{}', { ms: 8 * hourMs }],
  ['schedule: "0 2 * * 0"', '{}', { schedule: '0 2 * * 0' }],
  ['schedule: "0 2 * * 0", freshness: 9d', '{}', { ms: 216 * hourMs }],
  ['schedule: "0 2 * * 0"', '{ freshness: 8h }', { schedule: '0 2 * * 0' }],
  ['parallel: 2', '{ schedule: "0 2 * * *" }', { schedule: '0 2 * * *' }],
  ['freshness: 8h', '{ schedule: "0 2 * * *" }', { ms: 8 * hourMs }],
])('of limit and schedule, what stands nearer to the source counts: %s over %s', (own, defaults, limit) => {
  expect(watch(own, defaults).limit).toEqual(limit);
});

test('shrink goes over the defaults key by key, and a pause in the defaults can be taken back', () => {
  const found = watch(
    'shrink: { rows: 0, since: 2026-11-20 }, paused: false',
    '{ shrink: { rows: 80, bytes: 20 }, paused: true }',
  );

  expect(found).toMatchObject({ shrink: { rows: 0, bytes: 20, since: '2026-11-20' }, paused: false });
  expect(watch('paused: 2026-12-01')).toMatchObject({ paused: { until: '2026-12-01' } });
});

test.each([
  ['schedule: daily', 'schedule: expected five fields of cron'],
  ['schedule: "0 2 * * * *"', 'schedule: expected five fields of cron'],
  [
    'schedule: "0 0 30 2 *"',
    'schedule: expected five fields of cron (minute, hour, day, month, weekday) of a moment that comes',
  ],
  ['freshness: 25', 'freshness: expected a duration from 5m to 36500d'],
  ['drillEvery: never', 'drillEvery: expected a duration'],
  ['paused: soon', 'paused: expected true, false or a day, as 2026-12-01, when it ends'],
  ['paused: 2026-02-30', 'paused: expected'],
  ['shrink: 50', 'shrink: expected shrink, a group of keys (rows, bytes, since)'],
  ['shrink: { size: 50 }', 'shrink.size: unknown key'],
  ['shrink: { rows: 101 }', 'shrink.rows: expected a whole number from 0 to 100, got 101'],
  ['freshnes: 25h', 'freshnes: unknown key, did you mean "freshness"?'],
])('%s is refused', (own, problem) => {
  expect(() => watch(own)).toThrow(`sources.shop.${problem}`);
});
