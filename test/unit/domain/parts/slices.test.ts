import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { packed, sliceBytesFor, slicesOf } from '../../../../core/domain/parts/slices.ts';

const table = fc.record({ pages: fc.nat(2 ** 32 - 2), bytes: fc.nat(2 ** 36) });

test('13: the slices of a table cover every page exactly once, and the last has no end', () => {
  fc.assert(
    fc.property(table, fc.integer({ min: 2 ** 25, max: 2 ** 32 }), ({ pages, bytes }, sliceBytes) => {
      const slices = slicesOf({ pages, bytes }, sliceBytes);

      const next = slices.map((_, index) => slices[index + 1]?.first);
      expect(slices[0]?.first).toBe(0);
      expect(slices.map(({ end }) => end)).toEqual(next);
      expect(slices.every(({ first, end }) => end === undefined || end > first)).toBe(true);
    }),
  );
});

test('a small table is one slice, and a large one is cut into about as many as fit', () => {
  expect(slicesOf({ pages: 0, bytes: 0 }, 512)).toStrictEqual([{ first: 0 }]);
  expect(slicesOf({ pages: 100, bytes: 1024 }, 512)).toStrictEqual([{ first: 0, end: 50 }, { first: 50 }]);
  expect(slicesOf({ pages: 100, bytes: 1024 }, Infinity)).toStrictEqual([{ first: 0 }]);
});

test('13: every piece is packed into exactly one part, and no part of several is larger than asked for', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ bytes: fc.nat(1000) })), fc.integer({ min: 1, max: 2000 }), (pieces, size) => {
      const parts = packed(pieces, size);

      expect(new Set(parts.flat())).toEqual(new Set(pieces));
      expect(parts.flat()).toHaveLength(pieces.length);
      expect(parts.filter((part) => part.length > 1 && part.reduce((sum, { bytes }) => sum + bytes, 0) > size)).toEqual(
        [],
      );
    }),
  );
});

test('the largest pieces are packed first, and as many together as there is room for, to the last byte', () => {
  const packedBytes = (pieces: number[], size: number) =>
    packed(
      pieces.map((bytes) => ({ bytes })),
      size,
    ).map((part) => part.map(({ bytes }) => bytes));

  expect(packedBytes([3, 5, 2, 1], 5)).toEqual([[5], [3, 2], [1]]);
  expect(packedBytes([1, 9, 2], 5)).toEqual([[9], [2, 1]]);
  expect(packedBytes([0, 0], 5)).toEqual([[0, 0]]);
  expect(packedBytes([], 5)).toEqual([]);
});

test('slices are large enough to be worth a program, and small enough for every stream to get some', () => {
  expect(sliceBytesFor(0, 2)).toBe(32 * 1024 ** 2);
  expect(sliceBytesFor(1024 ** 3, 2)).toBe(128 * 1024 ** 2);
  expect(sliceBytesFor(1024 ** 4, 2)).toBe(512 * 1024 ** 2);
});
