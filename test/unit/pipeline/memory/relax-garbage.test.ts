import { syncBuiltinESMExports } from 'node:module';
import v8 from 'node:v8';
import { expect, jest, test } from '@jest/globals';
import { growingPercent, relaxGarbageCollection } from '../../../../core/pipeline/memory/relax-garbage.ts';

test.each([
  [8e6, 400],
  [21e6, 300],
  [22e6, 200],
  [64e6, 100],
  [500e6, 100],
])('a heap of %d bytes may grow by %d percent', (usedBytes, percent) => {
  expect(growingPercent(usedBytes)).toBe(percent);
});

test('what is alive is looked at again while it grows', async () => {
  const own = { ...v8 };
  const flags: string[] = [];
  let used = 10e6;
  jest.useFakeTimers();
  Object.assign(v8, {
    setFlagsFromString: (flag: string) => flags.push(flag),
    getHeapStatistics: () => ({ used_heap_size: used }),
  });
  syncBuiltinESMExports();
  try {
    relaxGarbageCollection();
    used = 100e6;
    await jest.advanceTimersByTimeAsync(1_000);
  } finally {
    jest.useRealTimers();
    Object.assign(v8, own);
    syncBuiltinESMExports();
  }

  expect(flags).toEqual(['--heap-growing-percent=400', '--heap-growing-percent=100']);
});
