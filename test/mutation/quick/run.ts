import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Change, type End, isLeft, nameOf, root, shown, type Told } from './change.ts';

// `npm run test:mutation:quick -- <files> -- <suites>`: Stryker's own mutants. Stryker loads every suite anew for each;
// `tries.ts` loads them once, and switches the mutants on in turn (survivors.md). This process counts, and starts
// another one behind a mutant that hangs, or that takes more memory than a machine has for it.
// `--every=3` tries each third mutant, `--left=<file>` writes down what survived, `--only=<file>` tries nothing but
// what stands in such a file, and SIGTERM (`timeout`) has what was tried counted.
const leftFile = process.argv.find((word) => word.startsWith('--left='))?.slice('--left='.length);
const heapMb = 2000;

let asked: Change[] = [];
const results: (Change & { end: End; by: string })[] = [];
let isStopped = false;
let tries: ChildProcess | undefined;
for (const signal of ['SIGTERM', 'SIGINT'] as const)
  process.on(signal, () => {
    isStopped = true;
    tries?.kill('SIGKILL');
  });

while (!(await isOver()));
if (isStopped) console.log(`stopped after ${results.length} of ${asked.length}`);
for (const [file, group] of Map.groupBy(results, ({ fileName }) => fileName.slice(root.length + 1))) {
  const counted = group.filter(({ end }) => end !== 'static');
  const killed = counted.filter((result) => !isLeft(result)).length;
  const [late, large] = ['timeout', 'too large'].map((how) => counted.filter(({ end }) => end === how).length);
  const share = Math.round((killed / Math.max(1, counted.length)) * 100);
  console.log(`${file}: ${killed} of ${counted.length}, ${share} % (${late} by timeout, ${large} too large)`);
}
if (leftFile !== undefined) writeFileSync(leftFile, JSON.stringify(results.filter(isLeft).map(nameOf)));
mkdirSync(join(root, 'dist'), { recursive: true });
writeFileSync(join(root, 'dist/mutation-quick.json'), JSON.stringify(results, undefined, 1));

/** Runs one process, which ends behind the last mutant or behind one that was too much for it. */
async function isOver(): Promise<boolean> {
  let [isAll, isTrying] = [false, false];
  const begun = fork(join(import.meta.dirname, 'tries.ts'), process.argv.slice(2), {
    execArgv: [`--max-old-space-size=${heapMb}`],
    env: { ...process.env, QUICK_FROM: String(results.length) },
  });
  tries = begun;
  begun.on('message', (told: Told) => {
    if (told === 'over') isAll = true;
    else if (told === 'trying') isTrying = true;
    else if ('asked' in told) asked = told.asked;
    else {
      isTrying = false;
      add(told.end, told.by);
    }
  });
  const [[code, signal]] = await Promise.all([once(begun, 'exit'), once(begun, 'disconnect')]);

  if (isAll || isStopped) return true;
  if (isTrying) add(signal === 'SIGALRM' ? 'timeout' : 'too large', `its process ended with ${signal ?? code}`);
  // behind one that hung it ends by itself: what goes on there must not spoil the next one
  else if (code !== 0) throw new Error(`the suites ended with ${signal ?? code}, without a mutant`);
  return false;
}

function add(end: End, by: string): void {
  const result = { ...asked[results.length]!, end, by };
  results.push(result);
  if (isLeft(result)) console.log(`${end} ${shown(result)}`);
  if (end === 'too large') console.log(`killed, for it was too large (${by}): ${shown(result)}`);
}
