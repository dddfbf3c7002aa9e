const works: (() => void)[] = [];

/** For helpers, which stay loaded from suite to suite: what is done behind the one at work. */
export function afterSuite(work: () => void): void {
  works.push(work);
}

/** Said by the environment of suites. */
export function suiteIsOver(): void {
  for (const work of works.splice(0)) work();
}
