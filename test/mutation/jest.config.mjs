import config from '../../jest.config.mjs';

// Suites without servers; not those that look at the repository as a whole, wait for real time, or take minutes.
export default {
  ...config,
  rootDir: '../..',
  testEnvironment: 'node',
  setupFilesAfterEnv: [],
  reporters: ['default'],
  testMatch: ['unit', 'contract/vault', 'museum/vault', 'simulation'].map(
    (folder) => `<rootDir>/test/${folder}/**/*.test.ts`,
  ),
  testPathIgnorePatterns: [
    'test/unit/(walls|cloud|lambda|compose|cli|config/docs)',
    'test/simulation/(scale|lease|simulated-year|nights|outbox)',
  ],
  watchman: false,
  testSequencer: '<rootDir>/test/mutation/covering-suites.mjs',
};
