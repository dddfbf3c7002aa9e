import { relaxGarbageCollection } from '../../../core/pipeline/relax-garbage.ts';

// Before every test file (jest.config.mjs): as the command line and the functions do. A third of the time of suites
// that compress much went into looking through the heap.
relaxGarbageCollection();
