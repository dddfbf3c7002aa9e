import { join } from 'node:path';
import config from '../../jest.fast.config.mjs';

// Suites without servers; not those that look at the repository as a whole, or wait for real time.
export default {
  ...config,
  rootDir: '../..',
  testEnvironment: join(import.meta.dirname, 'environment.ts'),
  testPathIgnorePatterns: ['test/unit/(walls|cloud|lambda|compose|cli|config/docs)'],
  // a mutant may wait for ever
  testTimeout: 15_000,
  watchman: false,
  runner: '<rootDir>/test/mutation/first-failure.mjs',
  testSequencer: '<rootDir>/test/mutation/covering-suites.mjs',
};
