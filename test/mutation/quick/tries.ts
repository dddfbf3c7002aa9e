import { globSync, readFileSync } from 'node:fs';
import { createRequire, registerHooks } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { type Change, type End, nameOf, root, type Told } from './change.ts';
import type { Block } from './globals.ts';
import { run, switches } from './suites.ts';

// The process that tries mutants, begun by `run.ts`: it tells what it tries, and how that ended.
type Instrumenter = {
  instrument(
    files: object[],
    options: object,
  ): Promise<{ files: { name: string; content: string }[]; mutants: Change[] }>;
};
const optionOf = (name: string) => process.argv.find((word) => word.startsWith(`--${name}=`))?.slice(name.length + 3);
const given = process.argv.slice(2).filter((word) => !/^--\w+=/.test(word));
const every = Number(optionOf('every') ?? 1);
const from = Number(process.env['QUICK_FROM']);
const onlyFile = optionOf('only');
const split = given.indexOf('--');
const files = given.slice(0, split).flatMap((pattern) => globSync(pattern, { cwd: root }));
const suites = given.slice(split + 1).flatMap((pattern) => globSync(pattern, { cwd: root }));
const leastLimitMs = 10_000;
const mostHits = 100_000;

const ofStryker = createRequire(createRequire(import.meta.url).resolve('@stryker-mutator/core/package.json'));
const { Instrumenter: Instruments } = (await import(
  pathToFileURL(ofStryker.resolve('@stryker-mutator/instrumenter')).href
)) as {
  Instrumenter: new (logger: object) => Instrumenter;
};
const silent = { debug() {}, info() {}, warn() {}, error() {}, isDebugEnabled: () => false };
const sources = files.map((name) => ({
  name: join(root, name),
  content: readFileSync(join(root, name), 'utf8'),
  mutate: true,
}));
const made = await new Instruments(silent).instrument(sources, { plugins: null, excludedMutations: [], ignorers: [] });
const instrumented = new Map(made.files.map(({ name, content }) => [name, content]));

const ours = (name: string) => pathToFileURL(join(import.meta.dirname, name)).href;
registerHooks({
  resolve(asked, context, next) {
    if (asked === '@jest/globals') return next(ours('globals.ts'), context);
    const isMutated = files.includes('core/domain/time/remembered.ts');
    return next(asked.endsWith('/remembered.ts') && !isMutated ? ours('remembered.ts') : asked, context);
  },
  load(asked, context, next) {
    const source = asked.startsWith('file:') ? instrumented.get(fileURLToPath(asked)) : undefined;
    return source === undefined ? next(asked, context) : { format: 'module-typescript', source, shortCircuit: true };
  },
});

process.on('unhandledRejection', () => undefined);
process.on('uncaughtException', () => undefined);

const turns = new Int32Array(new SharedArrayBuffer(4));
setInterval(() => turns[0]!++, 100).unref();
new Worker(new URL('watch.ts', import.meta.url), { workerData: turns });
const { blockOf } = (await import('./globals.ts')) as { blockOf(load: () => Promise<unknown>): Promise<Block> };
const blocks: { suite: string; block: Block }[] = [];
try {
  for (const suite of suites)
    blocks.push({ suite, block: await blockOf(() => import(pathToFileURL(join(root, suite)).href)) });
} catch (error) {
  console.error(error);
  process.exit(1);
}

const took = new Map<string, number>();
const clock = new Map<string, number>();
const broken = new Set<string>();
for (const { suite, block } of blocks) {
  const begun = performance.now();
  const failed = await run(block, () => true, [], suite, 60_000, clock);
  took.set(suite, performance.now() - begun);
  if (from === 0) console.error(`${suite}: ${Math.round(took.get(suite)!)} ms`);
  if (failed === undefined) continue;
  console.error(`left out, for it fails without a change: ${failed}`);
  broken.add(suite);
}
const { static: atLoad, perTest } = switches.mutantCoverage ?? { static: {}, perTest: {} };
const hooksOf = (id: string) => id.replace(/(\/\d+)? [^/]*$/, '');

async function endOf({ id }: Change): Promise<[End, string]> {
  const covering = Object.keys(perTest).filter((test) => perTest[test]![id] !== undefined);
  if (covering.length === 0) return [atLoad[id] === undefined ? 'not covered' : 'static', ''];
  const whole = covering.filter((test) => / (before|after)All$/.test(test)).map(hooksOf);
  const wanted = (test: string) => covering.includes(test) || whole.some((one) => test.startsWith(`${one}/`));
  const cost = (suite: string) =>
    covering.reduce((sum, test) => sum + (test.startsWith(`${suite}/`) ? (clock.get(test) ?? 0) : 0), 0);
  for (const { suite, block } of blocks.toSorted((a, b) => cost(a.suite) - cost(b.suite))) {
    if (broken.has(suite)) continue;
    Object.assign(switches, { activeMutant: id, hitCount: 0, hitLimit: mostHits });
    const failed = await run(block, wanted, [], suite, Math.max(leastLimitMs, 3 * took.get(suite)!));
    Object.assign(switches, { activeMutant: undefined, hitCount: undefined });
    if (failed !== undefined) return [failed.endsWith('timeout') ? 'timeout' : 'killed', failed];
  }
  return ['survived', ''];
}

const only = onlyFile === undefined ? undefined : new Set(JSON.parse(readFileSync(onlyFile, 'utf8')) as string[]);
const asked = made.mutants.filter((mutant, at) => only?.has(nameOf(mutant)) ?? at % every === 0);
if (from === 0 && only !== undefined && asked.length < only.size)
  console.error(`${only.size - asked.length} of the ${only.size} of ${onlyFile} are no longer there: begin without it`);
await tell({ asked });
for (const mutant of asked.slice(from)) {
  await tell('trying');
  const [end, by] = await endOf(mutant);
  await tell({ end, by });
  if (end === 'timeout') process.exit(0);
}
// what one mutant leaves behind must not be what finds the next one
for (const { suite, block } of blocks) {
  const failed = broken.has(suite) ? undefined : await run(block, () => true, [], suite, 60_000);
  if (failed !== undefined) console.error(`not to be believed, for it now fails without a change: ${failed}`);
}
await tell('over');
process.exit(0);

async function tell(told: Told): Promise<void> {
  await new Promise((done) => process.send!(told, done));
}
