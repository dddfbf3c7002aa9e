/** Names the tests that passed at the second try only (test/support/jest/second-try.ts): each has to be looked into. */
export default class Unstable {
  found = [];

  onTestResult(test, { testResults }) {
    const again = testResults.filter(({ status, invocations }) => status === 'passed' && invocations > 1);
    this.found.push(...again.map(({ fullName }) => `${test.path}: ${fullName}`));
  }

  onRunComplete() {
    if (this.found.length === 0) return;
    console.error(`\nUnstable, passed at the second try (${this.found.length}):\n  ${this.found.join('\n  ')}`);
  }
}
