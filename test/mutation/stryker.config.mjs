// `npm run test:mutation`: what is pure, and what works with vaults, changed one expression at a time (CONTRIBUTING.md).
// All of it takes hours. A slice: npm run test:mutation -- --mutate core/domain/compare.ts
export default {
  mutate: ['core/{domain,contract,commands,store,survey,vaults}/**/*.ts'],
  packageManager: 'npm',
  testRunner: 'jest',
  jest: { projectType: 'custom', configFile: 'test/mutation/jest.config.mjs', enableFindRelatedTests: false },
  coverageAnalysis: 'perTest',
  // what runs while a file is loaded (constants, schemas) would need every suite anew
  ignoreStatic: true,
  concurrency: 1,
  timeoutMS: 30_000,
  // Node strips the types; Stryker's own way with them asks for the API of TypeScript 6
  disableTypeChecks: false,
  tsconfigFile: 'none',
  tempDirName: 'dist/stryker',
  ignorePatterns: ['dist', 'layers/db-tools/build', 'test/golden/infra'],
  reporters: ['clear-text', 'json', 'progress-append-only'],
  clearTextReporter: { allowColor: false, reportTests: false, logTests: false, skipFull: true },
  jsonReporter: { fileName: 'dist/mutation.json' },
};
