import { expect, test } from '@jest/globals';
import type { Settings } from '../../../core/contract/config/settings/settings.ts';
import type { SourceName } from '../../../core/domain/keys.ts';
import { memoryOf, memoryOfWatched, watchedSources } from '../../../core/survey/watched.ts';

// each thing by which a source is judged comes from its settings, and from nowhere else
const shrink = { rows: 30, bytes: 40, since: undefined };
const settings = (recipients?: string[]) =>
  ({
    watch: { shrink, limit: { ms: 1 } },
    timeZone: 'Europe/Amsterdam',
    retention: { count: 9 },
    copies: [{ to: 'far' }],
    on: 'main',
    ...(recipients && { encryption: { recipients } }),
  }) as unknown as Settings & { on: string };
const [shop, blog, gone] = ['shop', 'blog', 'gone'] as [SourceName, SourceName, SourceName];

test.each([
  [undefined, false],
  [[], false],
  [['age1x'], true],
])('backups are to be encrypted for %p: %p', (recipients, encrypted) => {
  const rules = { shrink, timeZone: 'Europe/Amsterdam', retention: { count: 9 }, encrypted };

  expect(memoryOf(settings(recipients))).toEqual(rules);
  const [watched] = watchedSources([shop], { settings: () => settings(recipients), store: { place: '/vault' } });
  expect(watched).toEqual({
    ...{ source: shop, place: '/vault', on: 'main', copies: [{ to: 'far' }] },
    ...{ watch: { shrink, limit: { ms: 1 } }, timeZone: 'Europe/Amsterdam', retention: { count: 9 }, encrypted },
  });
  expect(memoryOfWatched(watched!)).toEqual(rules);
});

test('a source that is not configured is watched by nobody, and judged by the usual', () => {
  const of = (name: string) => (name === 'gone' ? undefined : settings());

  expect(
    watchedSources([shop, gone, blog], { settings: of, store: { place: '/vault' } }).map((one) => one.source),
  ).toEqual([shop, blog]);
  expect(memoryOf(undefined)).toEqual({
    shrink: { rows: expect.any(Number), bytes: expect.any(Number), since: undefined },
    timeZone: 'UTC',
    retention: undefined,
  });
});

test('of a database that a server has no more, it is known since when; only where all three are', () => {
  const of = (more: object) =>
    watchedSources([shop], { settings: () => ({ ...settings(), ...more }), store: { place: '/vault' } })[0]!.gone;
  const all = { server: 'main' as SourceName, called: 'shop', gone: '2026-11-20T02:00:00.000Z' };

  expect(of(all)).toEqual({ server: 'main', database: 'shop', since: new Date(all.gone) });
  for (const left of Object.keys(all)) expect(of({ ...all, [left]: undefined })).toBeUndefined();
});
