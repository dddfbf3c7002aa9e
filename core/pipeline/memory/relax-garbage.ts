import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import type { Bytes } from '../../domain/units.ts';

/** So much may come on top of what is alive, at most four times that, and at least as much again. */
const roomBytes: Bytes = 64e6;
const mostTimes = 4;
const lookMs = 100;

/**
 * Lets the heap grow well above what is alive before a full garbage collection. Blocks of a stream lie outside the heap
 * and count towards its limit: with V8's own limit, a little above what is alive, it collected everything seven times a
 * second (docs/performance.md). V8 sets its next limit at the end of a collection, so what is alive is looked at while
 * it grows.
 */
export function relaxGarbageCollection(): void {
  let set: number | undefined;
  const adjust = () => {
    const percent = growingPercent(getHeapStatistics().used_heap_size);
    if (percent !== set) setFlagsFromString(`--heap-growing-percent=${percent}`);
    set = percent;
  };
  adjust();
  setInterval(adjust, lookMs).unref();
}

/** By how much of itself a heap may grow, in few steps: V8 rejects code that was compiled at another one. */
export function growingPercent(usedBytes: Bytes): number {
  return 100 * Math.min(mostTimes, Math.max(1, Math.floor(roomBytes / usedBytes)));
}
