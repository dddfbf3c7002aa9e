import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Bytes } from '../../../core/domain/units.ts';
import { formatBytes } from '../../../core/domain/units.ts';
import { measure } from '../measure.ts';
import type { Command, Cost } from '../measure.ts';
import { mediaFolder } from './folder.ts';
import { countedStore } from './store.ts';
import type { CountedStore, Requests } from './store.ts';
import { buckets, resticKey, toolsOf } from './tools.ts';
import type { Tool, ToolsSetting } from './tools.ts';

/** How many files and nights. */
export type NightsSetting = ToolsSetting & { files: number; meanKb: number; nights: number };

/** What a backup has cost, and what lies in its place then. */
type Night = Cost & Requests & { storedBytes: Bytes; objects: number };
type Told = { tool: Tool; nights: Night[]; unchanged?: Night; restored?: Cost };

/** Who changes a file just before a backup has it read once more the night after. */
const settlingMs = 2100;

/**
 * Backs up the same folder night after night by each tool, in turns, once more when nothing has changed, and has all
 * restore the last night: `diff` says whether it is what was there.
 */
export async function nightsOfFiles(
  setting: NightsSetting,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<string> {
  const { folder, nights } = setting;
  const media = join(folder, 'media');
  const store = await countedStore(buckets);
  try {
    const changed = await mediaFolder({ path: media, ...setting });
    const all: Told[] = (await toolsOf(setting, store, signal)).map((tool) => ({ tool, nights: [] }));
    for (let night = 0; night <= nights; night += 1) {
      if (night > 0) await changed(night);
      await delay(settlingMs, undefined, { signal });
      for (const told of [...all.slice(night % all.length), ...all.slice(0, night % all.length)]) {
        told.nights.push(await backedUp(told.tool, store, signal));
        say(`  night ${night}  ${line(told.tool, told.nights.at(-1)!)}`);
      }
    }
    for (const told of all) told.unchanged = await backedUp(told.tool, store, signal);
    for (const told of all) {
      const to = join(folder, `${told.tool.name}-back`);
      told.restored = await measure(told.tool.restore(to), signal);
      await measure(difference(media, told.tool.restored(to)), signal);
    }
    const requests = requestsOf(all.filter(({ tool }) => tool.isCounted));
    return [reportOf(all), await resticKey(folder, signal), requests].join('\n\n');
  } finally {
    await store.stop();
  }
}

async function backedUp({ backup, lying }: Tool, store: CountedStore, signal: AbortSignal): Promise<Night> {
  store.counted();
  const cost = await measure(backup, signal);
  return { ...cost, ...store.counted(), ...(await lying()) };
}

function difference(one: string, other: string): Command {
  return { program: 'diff', args: ['-r', '--no-dereference', one, other], env: {} };
}

function reportOf(all: readonly Told[]): string {
  const rows = all.map(({ tool, nights, restored }) => {
    const [first, ...later] = nights;
    const last = later.at(-1) ?? first!;
    return [
      tool.name,
      seconds(first!.wallMs),
      seconds(first!.cpuMs),
      seconds(sum(later, 'wallMs')),
      seconds(sum(later, 'cpuMs')),
      String(Math.round(Math.max(...nights.map(({ peakBytes }) => peakBytes)) / 1e6)),
      (first!.storedBytes / 1e6).toFixed(1),
      (last.storedBytes / 1e6).toFixed(1),
      String(last.objects),
      seconds(restored!.wallMs),
    ];
  });
  return table(
    '| | first night, wall s | CPU s | all later ones, wall s | CPU s | peak MB | stored after the first, MB | after the last | files written | restore, wall s |',
    rows,
  );
}

/** Of the later nights the mean; how many requests, from the fewest to the most. */
function requestsOf(counted: readonly Told[]): string {
  const rows = counted.flatMap(({ tool, nights: [first, ...later], unchanged }) => [
    [tool.name, 'the first', ...requestCells([first!])],
    ['', `${later.length} of 1 %, each`, ...requestCells(later)],
    ['', 'nothing changed', ...requestCells([unchanged!])],
  ]);
  return table(
    '| | night | requests | PUT, POST | LIST | GET, HEAD | DELETE | kB up | kB down | wall s | CPU s |',
    rows,
  );
}

function requestCells(nights: readonly Night[]): string[] {
  const mean = (what: keyof Night) => sum(nights, what) / nights.length;
  const all = nights.map((night) => night.put + night.list + night.get + night.delete);
  const [least, most] = [Math.min(...all), Math.max(...all)];
  return [
    least === most ? String(least) : `${least} to ${most}`,
    ...(['put', 'list', 'get', 'delete'] as const).map((kind) => mean(kind).toFixed(1).replace('.0', '')),
    ...(['up', 'down'] as const).map((way) => (mean(way) / 1000).toFixed(0)),
    ...(['wallMs', 'cpuMs'] as const).map((cost) => (mean(cost) / 1000).toFixed(2)),
  ];
}

function table(head: string, rows: readonly (readonly string[])[]): string {
  const columns = head.split('|').length - 2;
  return [head, `|${' --- |'.repeat(columns)}`, ...rows.map((cells) => `| ${cells.join(' | ')} |`)].join('\n');
}

function sum(nights: readonly Night[], what: keyof Night): number {
  return nights.reduce((total, night) => total + night[what], 0);
}

function line({ name, isCounted }: Tool, night: Night): string {
  const { wallMs, cpuMs, peakBytes, storedBytes, objects } = night;
  const requests = isCounted ? `, ${requestCells([night])[0]} requests` : '';
  return `${name.padEnd(18)} ${seconds(wallMs).padStart(6)} s, CPU ${seconds(cpuMs).padStart(6)} s, ${formatBytes(peakBytes)} of memory, ${formatBytes(storedBytes)} in ${objects} files${requests}`;
}

const seconds = (ms: number): string => (ms / 1000).toFixed(1);
