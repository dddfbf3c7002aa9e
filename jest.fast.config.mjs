// `npm run test:fast`: the suites that start no server, build no layer and synthesise no stack.
import config from './jest.config.mjs';

// a fifth of the cases of each property (test/support/random/draws.ts); what a person has set holds
process.env.NIGHTJAR_TESTS ??= 'fast';

export default {
  ...config,
  setupFilesAfterEnv: ['<rootDir>/test/support/jest/bytes-at-once.ts'],
  testMatch: ['unit', 'contract', 'museum/vault', 'simulation/faults'].map(
    (folder) => `<rootDir>/test/${folder}/**/*.test.ts`,
  ),
  // an adapter's whole contract takes seconds: unit/vaults/s3 and unit/files say the most of it here; and so do weeks in
  // a folder that is copied with cp and tar
  testPathIgnorePatterns: [
    '/contract/vault/s3\\.test',
    '/contract/engine/files\\.test',
    '/museum/vault/copied-vaults\\.test',
  ],
};
