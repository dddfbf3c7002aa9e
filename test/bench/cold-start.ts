import { readdirSync, readFileSync } from 'node:fs';
import { chmod, mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundleFunction, functionNames } from '../../functions/bundle.ts';
import type { Bundle } from '../../functions/bundle.ts';
import type { Bytes } from '../../core/domain/units.ts';
import { lambdaFunction } from '../real/lambda/sandbox/function.ts';

/**
 * One cold start: until the runtime asks for work, until the first answer after that, and the CPU of all threads for
 * both.
 */
type Start = { initMs: number; answerMs: number; cpuMs: number };

/**
 * Memory settings of Lambda; 1,769 MB bring one processor, and less its share of that (AWS Lambda developer guide,
 * memory and computing power).
 */
const memories = [512, 1024, 1769] as const;
const fullMb = 1769;

/** Nobody is asked: the event is refused when the configuration has been read and the vault's client is there. */
const configuration = {
  vault: { s3: { bucket: 'vault', region: 'eu-central-1' } },
  sources: {
    shop: {
      postgres: {
        host: 'shop.c1x2y3.eu-central-1.rds.amazonaws.com',
        database: 'shop',
        user: 'backup',
        password: 'iam',
      },
    },
  },
};
const refused = { nothing: 'of ours' };

/**
 * Bundles each function and starts it cold so many times, in turns, up to the first answer: a table of medians. CPU
 * counts every thread, so CPU by a setting's share of a processor is how long it takes there at least; wall times hold
 * for this machine and what else it does.
 */
export async function coldStarts(folder: string, runs: number, signal: AbortSignal): Promise<string> {
  const bundles = [
    await emptyFunction(folder),
    ...(await Promise.all(functionNames.map((name) => bundleFunction(name, folder)))),
  ];
  for (const { folder: task } of bundles) await writeFile(join(task, 'nightjar.yaml'), JSON.stringify(configuration));
  const layer = await mkdtemp(join(folder, 'layer-'));
  for (const path of [folder, layer]) await chmod(path, 0o755);
  const starts = new Map(bundles.map(({ name }): [string, Start[]] => [name, []]));
  for (let round = 0; round < runs && !signal.aborted; round += 1)
    for (const bundle of bundles) starts.get(bundle.name)!.push(await coldStart(bundle, layer));
  const head = [
    'function',
    'bundle kB',
    'read at the start kB',
    'init ms',
    'first answer ms',
    'CPU ms',
    ...memories.map((mb) => `by CPU at ${mb} MB, ms`),
  ];
  const rows = bundles.map((bundle) => rowOf(bundle, starts.get(bundle.name)!));
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

type Started = Pick<Bundle, 'folder' | 'bytes' | 'initBytes'> & { name: string };

/** What the runtime costs by itself: a function that refuses every event. */
async function emptyFunction(folder: string): Promise<Started> {
  const task = await mkdtemp(join(folder, 'empty-'));
  await chmod(task, 0o755);
  await writeFile(
    join(task, 'index.mjs'),
    "export const handler = async () => { console.log('input-invalid'); throw new Error('no'); };",
  );
  return { name: 'an empty one', folder: task, bytes: 0, initBytes: 0 };
}

async function coldStart({ name, folder: task }: Started, layer: string): Promise<Start> {
  const started = lambdaFunction({ task, layer, name: `nightjar-${name.replaceAll(' ', '-')}`, memoryMb: fullMb });
  try {
    const { status, initMs = NaN, durationMs, logs } = await started.invoke(refused);
    if (status !== 'failed' || !logs.some((line) => line.includes('input-invalid')))
      throw new Error(`${name} should have refused its event, and ${status}:\n${logs.join('\n')}`);
    return { initMs, answerMs: durationMs, cpuMs: started.processes().reduce((sum, pid) => sum + cpuOf(pid), 0) };
  } finally {
    await started.stop();
  }
}

/** Time on a processor of every thread that is there (the first field of schedstat, in nanoseconds). */
function cpuOf(pid: number): number {
  return readdirSync(`/proc/${pid}/task`).reduce(
    (sum, thread) => sum + Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]) / 1e6,
    0,
  );
}

function rowOf({ name, bytes, initBytes }: Started, starts: Start[]): string[] {
  const cpuMs = median(starts.map((start) => start.cpuMs));
  const times = [
    median(starts.map(({ initMs }) => initMs)),
    median(starts.map(({ answerMs }) => answerMs)),
    cpuMs,
    ...memories.map((mb) => (cpuMs * fullMb) / mb),
  ];
  return [name, kilobytes(bytes), kilobytes(initBytes), ...times.map((ms) => ms.toFixed(0))];
}

function kilobytes(bytes: Bytes): string {
  return (bytes / 1e3).toFixed(0);
}

function median(numbers: number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? NaN;
}
