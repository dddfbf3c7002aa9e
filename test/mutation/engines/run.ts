import { spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, globSync, mkdirSync, readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { mutantsOf } from './mutants.ts';
import type { Mutant } from './mutants.ts';

// `npm run test:mutation:engines -- postgres 'core/engines/postgres/proof/*.ts'` (test/mutation/survivors.md)
type Judge = {
  prepare(): Promise<{ place: unknown; stop(): Promise<void> }>;
  missed(place: unknown, read: unknown): Promise<string[]>;
};
type Placed = Mutant & { file: string };
type End = 'found' | 'broken' | 'survived';

const [engine = 'postgres', ...patterns] = process.argv.slice(2);
const root = join(import.meta.dirname, '../../..');
const report = join(root, `dist/mutants-${engine}.jsonl`);
const catalog = pathToFileURL(join(root, `core/engines/${engine}/catalog/`)).href;
const { prepare, missed } = (await import(`./${engine}.ts`)) as Judge;
const all: Placed[] = [];
const known = new Set(existsSync(report) ? readFileSync(report, 'utf8').trim().split('\n').map(keyOf) : []);

// a catalog's modules are loaded anew for each change in one of them
registerHooks({
  resolve(asked, context, next) {
    const found = next(asked, context);
    const { search } = new URL(context.parentURL ?? 'file:///');
    return search !== '' && found.url.startsWith(catalog) ? { ...found, url: `${found.url}${search}` } : found;
  },
  load(asked, context, next) {
    const url = new URL(asked);
    const mutant = url.search === '' ? undefined : all[Number(url.search.slice(1))];
    if (mutant === undefined) return next(asked, context);
    const before = readFileSync(url, 'utf8');
    const { file, start, end, text } = mutant;
    const isIt = url.pathname === join(root, file);
    const source = isIt ? before.slice(0, start) + text + before.slice(end) : before;
    return { format: 'module-typescript', source, shortCircuit: true };
  },
});

const { place, stop } = await prepare();
const counts: Record<End, number> = { found: 0, broken: 0, survived: 0 };
try {
  const usual = judged();
  if (usual.status !== 0) throw new Error(`nothing is changed, and the judge fails: ${usual.said}`);
  const files = patterns.flatMap((pattern) => globSync(pattern, { cwd: root }));
  for (const file of files) {
    const source = readFileSync(join(root, file), 'utf8');
    all.push(
      ...mutantsOf(source)
        .map((mutant) => ({ file, ...mutant }))
        .filter((mutant) => !isKnown(mutant)),
    );
  }
  // what is left out says more than a condition that is not asked
  all.sort((a, b) => Number(isCondition(a)) - Number(isCondition(b)));
  const left: Placed[] = [];
  for (const [number, mutant] of all.entries()) {
    const shown = await atOnce(mutant, number);
    if (shown === undefined) left.push(mutant);
    else note(mutant, ...shown);
  }
  console.log(`${left.length} of ${all.length} are left for a proof`);
  for (const mutant of left) note(mutant, ...byProof(mutant, usual.words));
} finally {
  await stop();
}
console.log(counts);
process.exit(0);

function isCondition({ text }: Mutant): boolean {
  return text === 'true' || text === 'false';
}

/** What is in the report of an earlier run is not tried again: a run goes on where one was stopped. */
function isKnown({ file, start, end, line, text }: Placed): boolean {
  const was = readFileSync(join(root, file), 'utf8').slice(start, end);
  return known.has(keyOf(JSON.stringify({ file, line, was, text })));
}

function keyOf(reported: string): string {
  const { file, line, was, text } = JSON.parse(reported) as Record<string, unknown>;
  return JSON.stringify([file, line, was, text]);
}

/** What the catalogs alone show of a change; undefined where a proof has to decide. */
async function atOnce({ file }: Placed, number: number): Promise<[End, string] | undefined> {
  if (!pathToFileURL(join(root, file)).href.startsWith(catalog)) return undefined;
  try {
    const { readCatalog } = (await import(`${catalog}catalog.ts?${number}`)) as { readCatalog: unknown };
    const lines = await missed(place, readCatalog);
    return lines.length === 0 ? undefined : ['found', `not seen: ${lines[0]}`];
  } catch (error) {
    return ['broken', String(error)];
  }
}

function byProof(mutant: Placed, usual: string): [End, string] {
  const { status, words, said } = judged({ ...mutant, file: join(root, mutant.file) });
  if (status !== 0) return ['broken', said.split('\n').find((line) => /\w*Error/.test(line)) ?? said];
  return words === usual ? ['survived', ''] : ['found', words];
}

/** What the judge says in a process of its own, under one change. */
function judged(mutant?: Placed) {
  const args = mutant === undefined ? [] : ['--import', join(import.meta.dirname, 'place.mjs')];
  const env = {
    ...process.env,
    NIGHTJAR_JUDGED: JSON.stringify(place),
    ...(mutant !== undefined && { NIGHTJAR_MUTANT: JSON.stringify(mutant) }),
  };
  const program = `import { judge } from ${JSON.stringify(join(import.meta.dirname, `${engine}.ts`))};
    console.log(JSON.stringify(await judge(JSON.parse(process.env.NIGHTJAR_JUDGED)))); process.exit(0);`;
  const options = { env, encoding: 'utf8', timeout: 120_000 } as const;
  const child = spawnSync(process.execPath, [...args, '--input-type=module', '--eval', program], options);
  return { status: child.status, words: child.stdout, said: child.stderr };
}

function note({ file, line, start, end, text }: Placed, ends: End, why: string): void {
  counts[ends] += 1;
  const was = readFileSync(join(root, file), 'utf8').slice(start, end);
  mkdirSync(join(root, 'dist'), { recursive: true });
  const told = JSON.stringify({ end: ends, file, line, was, text, why });
  appendFileSync(report, told + '\n');
  if (ends === 'survived') console.log(`${file}:${line}  ${oneLine(was)}  →  ${oneLine(text)}`);
}

function oneLine(text: string): string {
  const flat = text.replace(/\s+/g, ' ');
  return flat.length > 90 ? `${flat.slice(0, 90)}…` : flat;
}
