import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire, registerHooks } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Block } from './globals.ts';
import { run, switches } from './suites.ts';

// `npm run test:mutation:quick -- <files> -- <suites>`: Stryker's own mutants, all of them in one process. Stryker
// loads every suite anew for each; here they are loaded once, and the mutants switched on in turn (survivors.md).
// `--every=3` first tries each third mutant alone, and SIGTERM (`timeout`) has what was tried counted; `--left=<file>` keeps what survived there, and tries only that again.
type Place = { line: number; column: number };
type Change = {
  id: string;
  fileName: string;
  mutatorName: string;
  replacement: string;
  location: { start: Place; end: Place };
};
type End = 'killed' | 'timeout' | 'survived' | 'not covered' | 'static';
type Instrumenter = {
  instrument(
    files: object[],
    options: object,
  ): Promise<{ files: { name: string; content: string }[]; mutants: Change[] }>;
};
const root = join(import.meta.dirname, '../../..');
const optionOf = (name: string) => process.argv.find((word) => word.startsWith(`--${name}=`))?.slice(name.length + 3);
const given = process.argv.slice(2).filter((word) => !/^--\w+=/.test(word));
const every = Number(optionOf('every') ?? 1);
const leftFile = optionOf('left');
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

const { blockOf } = (await import('./globals.ts')) as { blockOf(load: () => Promise<unknown>): Promise<Block> };
const blocks: { suite: string; block: Block }[] = [];
for (const suite of suites)
  blocks.push({ suite, block: await blockOf(() => import(pathToFileURL(join(root, suite)).href)) });

const took = new Map<string, number>();
const clock = new Map<string, number>();
const broken = new Set<string>();
for (const { suite, block } of blocks) {
  const begun = performance.now();
  const failed = await run(block, () => true, [], suite, 60_000, clock);
  took.set(suite, performance.now() - begun);
  console.error(`${suite}: ${Math.round(took.get(suite)!)} ms`);
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

const nameOf = ({ fileName, location: { start, end }, replacement }: Change) =>
  `${fileName.slice(root.length + 1)}:${start.line + 1}:${start.column}-${end.line + 1}:${end.column} ${replacement}`;
const left = leftFile === undefined || !existsSync(leftFile) ? undefined : readFileSync(leftFile, 'utf8');
const again = left === undefined ? undefined : new Set<string>(JSON.parse(left) as string[]);
const isAsked = (mutant: Change, at: number) => again?.has(nameOf(mutant)) ?? at % every === 0;

const isLeft = ({ end }: { end: End }) => end === 'survived' || end === 'not covered';
const results: (Change & { end: End; by: string })[] = [];
let isStopped = false;
process.on('SIGTERM', () => (isStopped = true));
for (const mutant of made.mutants.filter(isAsked)) {
  if (isStopped) break;
  const [end, by] = await endOf(mutant);
  results.push({ ...mutant, end, by });
  if (isLeft({ end })) console.log(shown(mutant, end));
}

function shown({ fileName, location: { start, end }, replacement }: Change, how: End): string {
  const lines = readFileSync(fileName, 'utf8')
    .split('\n')
    .slice(start.line - 0, end.line + 1);
  const was = lines.length === 1 ? lines[0]!.slice(start.column, end.column) : `${lines[0]!.slice(start.column)} …`;
  return `${how} ${fileName.slice(root.length + 1)}:${start.line + 1} ${was.slice(0, 90)} → ${replacement.replace(/\s+/g, ' ').slice(0, 90)}`;
}

if (isStopped) console.log(`stopped after ${results.length} of ${made.mutants.filter(isAsked).length}`);
// what one mutant leaves behind must not be what finds the next one
for (const { suite, block } of blocks) {
  const failed = broken.has(suite) ? undefined : await run(block, () => true, [], suite, 60_000);
  if (failed !== undefined) console.error(`not to be believed, for it now fails without a change: ${failed}`);
}

for (const [file, group] of Map.groupBy(results, ({ fileName }) => fileName.slice(root.length + 1))) {
  const counted = group.filter(({ end }) => end !== 'static');
  const killed = counted.filter(({ end }) => end === 'killed' || end === 'timeout').length;
  const late = counted.filter(({ end }) => end === 'timeout').length;
  console.log(
    `${file}: ${killed} of ${counted.length}, ${Math.round((killed / counted.length) * 100)} % (${late} by timeout)`,
  );
}
if (leftFile !== undefined) writeFileSync(leftFile, JSON.stringify(results.filter(isLeft).map(nameOf)));
mkdirSync(join(root, 'dist'), { recursive: true });
writeFileSync(join(root, 'dist/mutation-quick.json'), JSON.stringify(results, undefined, 1));
process.exit(0);
