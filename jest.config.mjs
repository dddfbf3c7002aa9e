import { availableParallelism } from 'node:os';

export default {
  testEnvironment: '<rootDir>/test/support/jest/environment.ts',
  runtime: '<rootDir>/test/support/jest/runtime.ts',
  injectGlobals: false,
  transform: {},
  extensionsToTreatAsEsm: ['.ts'],
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  modulePathIgnorePatterns: ['<rootDir>/dist', '<rootDir>/layers/db-tools/build'],
  testTimeout: 180_000,
  setupFiles: ['<rootDir>/test/support/jest/seldom-garbage.ts'],
  setupFilesAfterEnv: ['<rootDir>/test/support/jest/bytes-at-once.ts', '<rootDir>/test/support/jest/second-try.ts'],
  reporters: ['default', '<rootDir>/.ci/unstable.mjs'],
  // a suite waits for servers more than half of its time; Jest takes "250%" for 250 workers
  maxWorkers: Math.ceil(availableParallelism() * 2.5),
  // taking apart the heap of a worker that has left nothing open takes longer than the half second of Jest's default,
  // which then speaks of leaks
  workerGracefulExitTimeout: 10_000,
  globalSetup: '<rootDir>/test/support/jest/before-all.ts',
  testSequencer: '<rootDir>/.ci/slowest-first.mjs',
};
