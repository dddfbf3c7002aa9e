import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import TestSequencer from '@jest/test-sequencer';

/** Beside the sandbox, for the process that runs the mutants may be another one than that of the dry run. */
const known = join(process.cwd(), '..', 'suites.json');

/**
 * Stryker names the tests that reach a mutant, and Jest would load every suite to look for them: this loads those that
 * have one, quickest first. The dry run, which names none, tells which suite has which test.
 */
export default class CoveringSuites extends TestSequencer {
  constructor(options) {
    super(options);
    this.pattern = options.globalConfig.testNamePattern;
  }

  sort(tests) {
    if (!this.pattern) return tests;
    const wanted = new RegExp(this.pattern, 'i');
    const suites = JSON.parse(readFileSync(known, 'utf8'));
    return tests
      .filter(({ path }) => suites[path]?.names.some((name) => wanted.test(name)))
      .toSorted((a, b) => suites[a.path].ms - suites[b.path].ms);
  }

  cacheResults(tests, results) {
    if (this.pattern) return;
    const suites = results.testResults.map(({ testFilePath, perfStats, testResults }) => [
      testFilePath,
      { ms: perfStats.end - perfStats.start, names: testResults.map(({ fullName }) => fullName) },
    ]);
    writeFileSync(known, JSON.stringify(Object.fromEntries(suites)));
  }
}
