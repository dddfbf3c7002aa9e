import { setFlagsFromString } from 'node:v8';

/**
 * Lets the heap grow to twice what is alive before all of it is looked through. Blocks of a stream lie outside of the
 * heap and count towards its limit: with V8's own, a little above what is alive, it looked through everything seven
 * times a second (docs/performance.md).
 */
export function relaxGarbageCollection(): void {
  setFlagsFromString('--heap-growing-percent=100');
}
