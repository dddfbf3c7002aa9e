import { createRequire } from 'node:module';

// What suites import from @jest/globals, for a process that is not Jest's: here they only say what there is to run.
type Work = (...given: unknown[]) => unknown;
const hookNames = ['beforeAll', 'beforeEach', 'afterEach', 'afterAll'] as const;

/** What a suite or a `describe` of it holds. */
export type Block = {
  tests: { name: string; work: Work }[];
  blocks: Block[];
  hooks: Record<(typeof hookNames)[number], Work[]>;
};

const ofJest = createRequire(createRequire(import.meta.url).resolve('jest/package.json'));
const { bind } = ofJest('jest-each') as { bind(work: unknown, ...rest: unknown[]): unknown };
export const { expect } = ofJest('expect') as { expect: unknown };

const emptyBlock = (): Block => ({
  tests: [],
  blocks: [],
  hooks: { beforeAll: [], beforeEach: [], afterEach: [], afterAll: [] },
});
let block = emptyBlock();

/** Loads a suite, and returns what it says. */
export async function blockOf(load: () => Promise<unknown>): Promise<Block> {
  block = emptyBlock();
  await load();
  return block;
}

function add(name: string, work: Work): void {
  block.tests.push({ name, work });
}

function nest(_: string, fill: Work): void {
  const above = block;
  block = emptyBlock();
  fill();
  above.blocks.push(block);
  block = above;
}

const hookOf = (name: (typeof hookNames)[number]) => (work: Work) => void block.hooks[name].push(work);
export const [beforeAll, beforeEach, afterEach, afterAll] = hookNames.map(hookOf);
export const test = Object.assign(add, { each: bind(add) });
export const describe = Object.assign(nest, { each: bind(nest, false) });

type Mocker = Record<'fn' | 'spyOn' | 'restoreAllMocks', Work>;
const { ModuleMocker } = ofJest('jest-mock') as { ModuleMocker: new (realm: object) => Mocker };
/** Without Jest's clock and its modules: a suite that asks for them is left out. */
export const jest = new ModuleMocker(globalThis);
