import { expect, test } from '@jest/globals';
import { growingPercent } from '../../../../core/pipeline/memory/relax-garbage.ts';

test.each([
  [8e6, 400],
  [21e6, 300],
  [22e6, 200],
  [64e6, 100],
  [500e6, 100],
])('a heap of %d bytes may grow by %d percent', (usedBytes, percent) => {
  expect(growingPercent(usedBytes)).toBe(percent);
});
