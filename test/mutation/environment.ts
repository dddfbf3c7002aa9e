import type { Circus } from '@jest/types';
import OfWorker from '../support/jest/environment.ts';

type Hits = Record<string, number>;
type Switches = {
  activeMutant?: string | undefined;
  currentTestId?: string | undefined;
  mutantCoverage?: { perTest: Record<string, Hits> };
};

const ofStryker = globalThis as { __stryker__?: Switches };
const inHook = 'in a hook of';
let failedUnder: string | undefined;

/**
 * That of every test file, under Stryker, which has modules loaded anew for each mutant: here they stay, and the mutant
 * is switched on. What stands in `beforeAll` counts for each test below it, and nothing is run behind the first failure.
 */
export default class OfMutants extends OfWorker {
  override async setup(): Promise<void> {
    this.#switches.activeMutant = this.#mutant;
  }

  async handleTestEvent(event: Circus.AsyncEvent): Promise<void> {
    if (event.name === 'test_start' && this.#mutant !== undefined && failedUnder === this.#mutant)
      event.test.mode = 'skip';
    if (event.name === 'test_done' && event.test.errors.length > 0) failedUnder = this.#mutant;
    if (event.name === 'hook_start' && event.hook.type === 'beforeAll') this.#switches.currentTestId = inHook;
    if (event.name === 'hook_success' && event.hook.type === 'beforeAll') this.#share(event.describeBlock);
  }

  #share(block: Circus.DescribeBlock | undefined): void {
    this.#switches.currentTestId = undefined;
    const perTest = this.#switches.mutantCoverage?.perTest;
    const hits = perTest?.[inHook];
    if (perTest === undefined || hits === undefined || block === undefined) return;
    delete perTest[inHook];
    for (const name of namesOf(block)) {
      const ofTest = (perTest[name] ??= {});
      for (const [id, count] of Object.entries(hits)) ofTest[id] = (ofTest[id] ?? 0) + count;
    }
  }

  get #switches(): Switches {
    return (ofStryker.__stryker__ ??= {});
  }

  get #mutant(): string | undefined {
    return process.env['__STRYKER_ACTIVE_MUTANT__'];
  }
}

function namesOf({ children }: Circus.DescribeBlock): string[] {
  return children.flatMap((child) => (child.type === 'test' ? [nameOf(child)] : namesOf(child)));
}

/** As Stryker calls it. */
function nameOf({ name, parent }: { name: string; parent?: Circus.DescribeBlock | undefined }): string {
  if (parent === undefined) return '';
  return `${nameOf(parent)} ${name}`.trimStart();
}
