import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { namePattern } from '../../../core/engines/postgres/name-pattern.ts';

const names = fc.uniqueArray(fc.stringMatching(/^[ab_1]{1,6}$/), { minLength: 1, maxLength: 40 });

test('a pattern writes beginnings once', () => {
  expect(namePattern(['order_line', 'order_lines', 'orders', 'stock'])).toBe('(order(_line(|s)|s)|stock)');
});

test('a pattern matches its names and no others', () => {
  fc.assert(
    fc.property(names, fc.stringMatching(/^[ab_1]{1,6}$/), (some, other) => {
      const pattern = new RegExp(`^(${namePattern(some)})$`);

      expect(some.filter((name) => !pattern.test(name))).toEqual([]);
      expect(pattern.test(other)).toBe(some.includes(other));
    }),
  );
});
