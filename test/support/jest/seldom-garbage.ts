import { setFlagsFromString } from 'node:v8';

// Before every test file (jest.config.mjs): the heap may grow to three times what is alive before all of it is looked
// through (core/pipeline/memory/relax-garbage.ts does so for programs). Suites that store and restore much spent a third of their
// time on that.
setFlagsFromString('--heap-growing-percent=200');
