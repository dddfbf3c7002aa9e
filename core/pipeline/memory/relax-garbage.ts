import { setFlagsFromString } from 'node:v8';

/**
 * Lets the heap grow to twice what is alive before a full garbage collection. Blocks of a stream lie outside the heap
 * and count towards its limit: with V8's own limit, a little above what is alive, it collected everything seven times a
 * second (docs/performance.md). `percent`: by how much more than what is alive it may grow; more than 100 where little
 * but the blocks of a stream is alive.
 */
export function relaxGarbageCollection(percent = 100): void {
  setFlagsFromString(`--heap-growing-percent=${percent}`);
}
