import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { slicesOf } from '../../core/domain/slices.ts';

const table = fc.record({ pages: fc.nat(2 ** 32 - 2), bytes: fc.nat(2 ** 40) });

test('13: the slices of a table cover every page exactly once, and the last has no end', () => {
  fc.assert(
    fc.property(table, fc.integer({ min: 2 ** 24, max: 2 ** 32 }), ({ pages, bytes }, sliceBytes) => {
      const slices = slicesOf({ pages, bytes }, sliceBytes);

      expect(slices[0]?.first).toBe(0);
      expect(slices.at(-1)?.end).toBeUndefined();
      for (const [index, slice] of slices.entries()) {
        expect(slice.end).toBe(slices[index + 1]?.first);
        if (slice.end !== undefined) expect(slice.end).toBeGreaterThan(slice.first);
      }
    }),
  );
});

test('a small table is one slice, and a large one is cut into about as many as fit', () => {
  expect(slicesOf({ pages: 0, bytes: 0 }, 512)).toEqual([{ first: 0, end: undefined }]);
  expect(slicesOf({ pages: 100, bytes: 1024 }, 512)).toEqual([{ first: 0, end: 50 }, { first: 50, end: undefined }]);
});
