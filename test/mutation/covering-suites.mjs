import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import TestSequencer from '@jest/test-sequencer';

/** Beside the sandbox, for the process that runs the mutants may be another one than that of the dry run. */
const known = join(process.cwd(), '..', 'suites.json');
/** What tests of one mutant may take, in milliseconds of the dry run, but for the quickest suite. */
const mostMs = 6_000;

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
    let spentMs = 0;
    return tests
      .map((test) => ({ test, ms: msOf(suites[test.path]?.filter(({ name }) => wanted.test(name))) }))
      .filter(({ ms }) => ms !== undefined)
      .toSorted((a, b) => a.ms - b.ms)
      .filter(({ ms }, at) => (spentMs += ms) <= mostMs || at === 0)
      .map(({ test }) => test);
  }

  cacheResults(tests, results) {
    if (this.pattern) return;
    const suites = results.testResults.map(({ testFilePath, testResults }) => [
      testFilePath,
      testResults.map(({ fullName, duration }) => ({ name: fullName, ms: duration ?? 0 })),
    ]);
    writeFileSync(known, JSON.stringify(Object.fromEntries(suites)));
  }
}

function msOf(tests = []) {
  return tests.length === 0 ? undefined : tests.reduce((sum, { ms }) => sum + ms, 0);
}
