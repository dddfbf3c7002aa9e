import { expect, test } from '@jest/globals';
import { medianOf, shrinkingOf } from '../../core/domain/anomaly.ts';
import { newBackupId } from '../../core/domain/keys.ts';

const limits = { rows: 50, bytes: 50, since: undefined };
const dayMs = 86_400_000;

/** Backups of these rows, one a day from 1 November at 23:30 UTC. */
function days(rows: readonly number[], bytesPerRow = 1000) {
  return rows.map((count, index) => ({ id: newBackupId(new Date(Date.UTC(2026, 10, 1, 23, 30) + index * dayMs), 0), rows: count, bytes: 1_000_000 + count * bytesPerRow, ms: 0 }));
}

test.each([
  ['the first one', [1000], undefined],
  ['as usual', [1000, 1010, 990], undefined],
  ['exactly half', [1000, 1000, 500], undefined],
  ['less than half', [1000, 1000, 499], { what: 'rows', now: 499, before: 1000 }],
  ['less than half of the only one before', [1000, 499], { what: 'rows', now: 499, before: 1000 }],
  ['none where there were few', [12, 12, 0], { what: 'rows', now: 0, before: 12 }],
  ['few where there were few', [12, 12, 3], undefined],
  ['none where there never were any', [0, 0, 0], undefined],
  ['compared with the median, not with an outlier', [1000, 1000, 9000, 1000], undefined],
  ['a loss that lasts', [1000, 1000, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10], { what: 'rows', now: 10, before: 1000 }],
  ['back again', [1000, 1000, 10, 10, 1000], undefined],
  ['grown slowly and then back to the beginning', [100, 150, 220, 330, 490, 730, 1000, 1500, 2200, 100], { what: 'rows', now: 100, before: 730 }],
])('rows: %s', (_, rows, found) => {
  expect(shrinkingOf(days(rows, 0), limits, 'UTC')).toEqual(found);
});

test('bytes are compared where rows are not enough', () => {
  const large = days([1000, 1000, 1000]).map((one, index) => ({ ...one, bytes: index === 2 ? 400_000 : 1_000_000 }));

  expect(shrinkingOf(large, limits, 'UTC')).toEqual({ what: 'bytes', now: 400_000, before: 1_000_000 });
  expect(shrinkingOf(large.map((one) => ({ ...one, bytes: one.bytes / 100 })), limits, 'UTC')).toBeUndefined();
});

test('a share of 0 switches it off, one of 90 sees more', () => {
  const tenth = days([1000, 1000, 850], 0);

  expect(shrinkingOf(days([1000, 1000, 0], 0), { ...limits, rows: 0 }, 'UTC')).toBeUndefined();
  expect(shrinkingOf(tenth, { ...limits, rows: 90 }, 'UTC')).toEqual({ what: 'rows', now: 850, before: 1000 });
});

test('with `since`, less is what was wanted from that day on, in the time zone of the source', () => {
  const meant = days([1000, 1000, 10, 10], 0);

  expect(shrinkingOf(meant, { ...limits, since: '2026-11-03' }, 'UTC')).toBeUndefined();
  expect(shrinkingOf(meant, { ...limits, since: '2026-11-03' }, 'Europe/Amsterdam')).toEqual({ what: 'rows', now: 10, before: 1000 });
  expect(shrinkingOf(meant, { ...limits, since: '2026-11-04' }, 'Europe/Amsterdam')).toBeUndefined();
});

test('the median is one of the numbers', () => {
  expect([medianOf([]), medianOf([3]), medianOf([9, 1]), medianOf([5, 1, 9]), medianOf([10, 9, 1, 2])]).toEqual([undefined, 3, 1, 5, 2]);
});
