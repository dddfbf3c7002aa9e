import { randomBytes } from 'node:crypto';
import { mkdir, readdir, lstat, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { newIdentity } from '../../../core/pipeline/age/keys.ts';
import type { Bytes } from '../../../core/domain/units.ts';
import { formatBytes } from '../../../core/domain/units.ts';
import { measure } from '../measure.ts';
import type { Command, Cost } from '../measure.ts';

/**
 * A media folder of so many files, 4 kB to 2 × `meanKb` each, and how many nights it changes by 1 %; `nightjar`: the
 * program, as people install it.
 */
export type NightsSetting = { nightjar: string; folder: string; files: number; meanKb: number; nights: number };

/** What one of them has cost, night by night, and what lies in its store then. */
type Tool = { name: string; backup: Command; store: string; restore(to: string): Command };
type Night = Cost & { storedBytes: Bytes; objects: number };

/** Of each hundred files, so many hundredths are written anew, added, removed, renamed. */
const share = 0.01;
/** Who changes a file just before a backup has it read once more the night after. */
const settlingMs = 2100;

/**
 * Backs up the same folder night after night by `nightjar`, plain and encrypted, and by `restic` (of the PATH), each into
 * a folder of its own, in turns, and has all restore the last night: `diff` says whether it is what was there.
 */
export async function nightsOfFiles(
  setting: NightsSetting,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<string> {
  const { folder, nights } = setting;
  const media = join(folder, 'media');
  const numbers = randomNumbers(1);
  let names = await makeMedia(media, setting, numbers);
  const tools = [await nightjarTool(setting), await sealedTool(setting), await resticTool(folder, signal)];
  const seen = tools.map(() => [] as Night[]);
  for (let night = 0; night <= nights; night += 1) {
    if (night > 0) names = await changeMedia(media, names, night, setting, numbers);
    await delay(settlingMs, undefined, { signal });
    const turn = tools.map((_, index) => (index + night) % tools.length);
    for (const index of turn) {
      const { name, backup, store } = tools[index]!;
      const cost = await measure(backup, signal);
      seen[index]!.push({ ...cost, ...(await lyingIn(store)) });
      say(`  night ${night}  ${name.padEnd(18)} ${line(seen[index]!.at(-1)!)}`);
    }
  }
  const restored: Cost[] = [];
  for (const { restore, name } of tools) {
    restored.push(await measure(restore(join(folder, `${name}-back`)), signal));
    const back = name === 'restic' ? join(folder, 'restic-back', media) : join(folder, `${name}-back`);
    await measure({ program: 'diff', args: ['-r', '--no-dereference', media, back], env: {} }, signal);
  }
  return reportOf(tools, seen, restored);
}

function reportOf(tools: readonly Tool[], seen: readonly Night[][], restored: readonly Cost[]): string {
  const rows = tools.map(({ name }, index) => {
    const [first, ...later] = seen[index]!;
    const sum = (of: (night: Night) => number) => later.reduce((total, night) => total + of(night), 0);
    const last = later.at(-1) ?? first!;
    const cells = [
      seconds(first!.wallMs),
      seconds(first!.cpuMs),
      seconds(sum(({ wallMs }) => wallMs)),
      seconds(sum(({ cpuMs }) => cpuMs)),
      String(Math.round(Math.max(...seen[index]!.map(({ peakBytes }) => peakBytes)) / 1e6)),
      (first!.storedBytes / 1e6).toFixed(1),
      (last.storedBytes / 1e6).toFixed(1),
      String(last.objects),
      seconds(restored[index]!.wallMs),
    ];
    return `| ${name} | ${cells.join(' | ')} |`;
  });
  const head =
    '| | first night, wall s | CPU s | all later ones, wall s | CPU s | peak MB | stored after the first, MB | after the last | files written | restore, wall s |';
  return [head, `|${' --- |'.repeat(10)}`, ...rows].join('\n');
}

function line({ wallMs, cpuMs, peakBytes, storedBytes, objects }: Night): string {
  return `${seconds(wallMs).padStart(6)} s, CPU ${seconds(cpuMs).padStart(6)} s, ${formatBytes(peakBytes)} of memory, ${formatBytes(storedBytes)} in ${objects} files`;
}

const seconds = (ms: number): string => (ms / 1000).toFixed(1);

async function nightjarTool(setting: NightsSetting): Promise<Tool> {
  return nightjarIn(setting, 'nightjar', {});
}

/** As restic always does; the key to the last list lies beside its vault. */
async function sealedTool(setting: NightsSetting): Promise<Tool> {
  const { folder } = setting;
  const { identity, recipient } = await newIdentity();
  await writeFile(join(folder, 'identity.txt'), identity);
  const encryption = { recipients: [recipient], identity: { file: 'identity.txt' } };
  return nightjarIn(setting, 'nightjar-encrypted', { encryption });
}

async function nightjarIn({ nightjar, folder }: NightsSetting, name: string, words: object): Promise<Tool> {
  const store = join(folder, `${name}-vault`);
  const configuration = join(folder, `${name}.yaml`);
  const media = { files: { path: join(folder, 'media') }, ...words };
  await writeFile(configuration, JSON.stringify({ vault: { folder: store }, sources: { media } }));
  const command = (...args: string[]): Command => ({
    program: nightjar,
    args: ['--config', configuration, ...args],
    env: { CACHE_DIRECTORY: join(folder, 'keys') },
  });
  const restore = (to: string) => command('restore', 'media', '--to', to, '--no-proof', '--yes');
  return { name, store, backup: command('backup', 'media'), restore };
}

async function resticTool(folder: string, signal: AbortSignal): Promise<Tool> {
  const store = join(folder, 'repository');
  const env = { RESTIC_PASSWORD: 'bench', RESTIC_CACHE_DIR: join(folder, 'cache'), HOME: folder };
  const command = (...args: string[]): Command => ({ program: 'restic', args: ['--repo', store, ...args], env });
  await measure(command('init'), signal).catch((cause: unknown) => {
    throw new Error('restic is to be on the PATH: apt-get install restic', { cause });
  });
  const restore = (to: string) => command('restore', 'latest', '--target', to);
  return { name: 'restic', store, backup: command('backup', join(folder, 'media')), restore };
}

/** How much lies below a folder, and in how many files: what has two names is there once. */
async function lyingIn(store: string): Promise<Pick<Night, 'storedBytes' | 'objects'>> {
  const entries = await readdir(store, { recursive: true, withFileTypes: true });
  const sizes = new Map<number, number>();
  for (const entry of entries.filter((one) => one.isFile())) {
    const { ino, size } = await lstat(join(entry.parentPath, entry.name));
    sizes.set(ino, size);
  }
  return { storedBytes: [...sizes.values()].reduce((sum, size) => sum + size, 0), objects: sizes.size };
}

/** The same numbers from 0 to 1 in each run. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

async function makeMedia(media: string, setting: NightsSetting, numbers: () => number): Promise<string[]> {
  const names = Array.from({ length: setting.files }, (_, at) => join(`${Math.floor(at / 200)}`, `${at}.jpg`));
  for (let at = 0; at < names.length; at += 200) await mkdir(join(media, `${at / 200}`), { recursive: true });
  for (const name of names) await writeMedia(join(media, name), setting, numbers);
  return names;
}

/** Half of what changes is written anew, and a sixth each is added, removed and renamed. */
async function changeMedia(
  media: string,
  names: readonly string[],
  night: number,
  setting: NightsSetting,
  numbers: () => number,
): Promise<string[]> {
  const left = [...names];
  const pick = () => left.splice(Math.floor(numbers() * left.length), 1)[0]!;
  const sixth = Math.max(1, Math.round((names.length * share) / 6));
  const kept: string[] = [];
  for (let count = 0; count < sixth; count += 1) {
    for (const name of [pick(), pick(), pick()]) {
      await writeMedia(join(media, name), setting, numbers);
      kept.push(name);
    }
    await rm(join(media, pick()));
    const [from, added] = [pick(), join('0', `added-${night}-${count}.jpg`)];
    const to = join('1', `renamed-${night}-${count}.jpg`);
    await rename(join(media, from), join(media, to));
    await writeMedia(join(media, added), setting, numbers);
    kept.push(to, added);
  }
  return [...left, ...kept];
}

/** As pictures and films are: nothing of it can be made smaller. */
async function writeMedia(path: string, { meanKb }: NightsSetting, numbers: () => number): Promise<void> {
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, randomBytes(4096 + Math.floor(numbers() * 2 * (meanKb - 4)) * 1024));
  await utimes(path, new Date(), new Date());
}
