import type { Block } from './globals.ts';

/** What Stryker's mutants look at: which of them is on, and whose test is running. */
type Switches = {
  activeMutant?: string | undefined;
  currentTestId?: string | undefined;
  hitCount?: number | undefined;
  hitLimit?: number;
  mutantCoverage?: { static: Record<string, number>; perTest: Record<string, Record<string, number>> };
};

export const switches: Switches = {};
(globalThis as Record<string, unknown>).__stryker__ = switches;

/** What failed first, or nothing, of the tests that are wanted. `clock` is told how long each took, in milliseconds. */
export async function run(
  block: Block,
  wanted: (id: string) => boolean,
  above: Block[],
  id: string,
  limitMs: number,
  clock = new Map<string, number>(),
): Promise<string | undefined> {
  const nested = [...above, block];
  const named = block.tests.map((test, at) => ({ ...test, id: `${id}/${at} ${test.name}` }));
  const isAny =
    named.some((test) => wanted(test.id)) ||
    block.blocks.some((_, at) => isWanted(block.blocks[at]!, wanted, `${id}/${at}`));
  if (!isAny) return undefined;
  let failed: string | undefined;
  const trying = async (name: string, work: () => unknown): Promise<void> => {
    switches.currentTestId = name;
    const how = await ended(work, limitMs);
    failed ??= how;
  };
  for (const hook of block.hooks.beforeAll) await trying(`${id} beforeAll`, hook);
  for (const test of named) {
    if (failed !== undefined || !wanted(test.id)) continue;
    const begun = performance.now();
    for (const one of nested) for (const hook of one.hooks.beforeEach) await trying(test.id, hook);
    if (failed === undefined) await trying(test.id, test.work);
    for (const one of nested.toReversed()) for (const hook of one.hooks.afterEach) await trying(test.id, hook);
    clock.set(test.id, performance.now() - begun);
    if (failed !== undefined) failed = `${test.id}: ${failed}`;
  }
  for (const [at, one] of block.blocks.entries())
    failed ??= await run(one, wanted, nested, `${id}/${at}`, limitMs, clock);
  for (const hook of block.hooks.afterAll) await trying(`${id} afterAll`, hook);
  switches.currentTestId = undefined;
  return failed;
}

function isWanted(block: Block, wanted: (id: string) => boolean, id: string): boolean {
  return (
    block.tests.some((test, at) => wanted(`${id}/${at} ${test.name}`)) ||
    block.blocks.some((one, at) => isWanted(one, wanted, `${id}/${at}`))
  );
}

async function ended(work: () => unknown, limitMs: number): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((done) => (timer = setTimeout(done, limitMs, 'timeout')));
  try {
    return await Promise.race([late, Promise.resolve(work()).then(() => undefined)]);
  } catch (error) {
    return String(error instanceof Error ? error.message : error).split('\n')[0] || 'failed';
  } finally {
    clearTimeout(timer);
  }
}
