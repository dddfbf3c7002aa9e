import { availableParallelism } from 'node:os';

export default {
  testEnvironment: 'node',
  transform: {},
  extensionsToTreatAsEsm: ['.ts'],
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  modulePathIgnorePatterns: ['<rootDir>/dist', '<rootDir>/layers/db-tools/build'],
  testTimeout: 60_000,
  setupFiles: [
    '<rootDir>/test/support/one-realm.ts',
    '<rootDir>/test/support/newer-clients.ts',
    '<rootDir>/test/support/seldom-garbage.ts',
  ],
  // a suite waits for servers a third of its time; Jest takes "150%" for 150 workers
  maxWorkers: Math.ceil(availableParallelism() * 1.5),
  globalSetup: '<rootDir>/test/support/before-all.ts',
  testSequencer: '<rootDir>/.ci/slowest-first.mjs',
};
