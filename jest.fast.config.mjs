// `npm run test:fast`: the suites that start no server, build no layer and synthesise no stack.
import config from './jest.config.mjs';

export default {
  ...config,
  setupFilesAfterEnv: [],
  testMatch: ['unit', 'contract', 'museum/vault', 'simulation/faults'].map(
    (folder) => `<rootDir>/test/${folder}/**/*.test.ts`,
  ),
};
