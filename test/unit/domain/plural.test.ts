import { expect, test } from '@jest/globals';
import { formatCount, plural } from '../../../core/domain/units.ts';

test.each([
  [1, 'day', '1 day'],
  [2, 'day', '2 days'],
  [2, 'query', '2 queries'],
  [3, 'index', '3 indexes'],
  [0, 'match', '0 matches'],
  [1000, 'row', '1,000 rows'],
])('%d of “%s” reads as %s', (count, noun, text) => {
  expect(plural(count, noun)).toBe(text);
});

test.each([0, 7, 12, 123, 1234, 12_345, 123_456, 1_234_567, 9_007_199_254_740_991, -1, -123, -1234])(
  '%d is grouped as English groups it',
  (count) => {
    expect(formatCount(count)).toBe(count.toLocaleString('en-US'));
  },
);
