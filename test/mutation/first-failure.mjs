import JestRunner from 'jest-runner';

/** One failure says what a mutant is worth: suites behind it are not loaded. */
export default class FirstFailure extends JestRunner {
  runTests(tests, watcher, options) {
    this.on('test-file-success', ([, { numFailingTests }]) => {
      const isMutant = process.env.__STRYKER_ACTIVE_MUTANT__ !== undefined;
      if (isMutant && numFailingTests > 0) watcher.setState({ interrupted: true });
    });
    return super.runTests(tests, watcher, options);
  }
}
