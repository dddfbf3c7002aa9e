import { lstat, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { newIdentity } from '../../../core/pipeline/age/keys.ts';
import type { Bytes } from '../../../core/domain/units.ts';
import { measure } from '../measure.ts';
import type { Command } from '../measure.ts';
import type { CountedStore } from './store.ts';

/** What backs up the folder `media` into a place of its own, and what lies there then. `isCounted`: into the store. */
export type Tool = {
  name: string;
  isCounted: boolean;
  backup: Command;
  lying(): Promise<{ storedBytes: Bytes; objects: number }>;
  restore(to: string): Command;
  /** Where the folder is in what was restored. */
  restored(to: string): string;
};

/** `nightjar`: the program, as people install it; `folder`: where `media` is, and everything else. */
export type ToolsSetting = { nightjar: string; folder: string };

/** The buckets of the store. */
export const buckets = ['nightjar', 'restic'];

/** `nightjar`, plain and encrypted, and `restic` (of the PATH) into folders; `nightjar` and `restic` into the store. */
export async function toolsOf(setting: ToolsSetting, store: CountedStore, signal: AbortSignal): Promise<Tool[]> {
  const { folder } = setting;
  const { identity, recipient } = await newIdentity();
  await writeFile(join(folder, 'identity.txt'), identity);
  // as restic always does; the key to the last list lies beside its vault
  const encryption = { recipients: [recipient], identity: { file: 'identity.txt' } };
  const { endpoint, region } = store.access;
  const [id, secret] = [{ env: 'AWS_ACCESS_KEY_ID' }, { env: 'AWS_SECRET_ACCESS_KEY' }];
  const bucket = { bucket: 'nightjar', endpoint, region, accessKeyId: id, secretAccessKey: secret };
  const inFolder = (name: string) => ({ name, isCounted: false, lying: () => lyingIn(placeOf(folder, name)) });
  const inStore = (name: string, at: string) => ({ name, isCounted: true, lying: () => store.lyingIn(at) });
  const env = { AWS_ACCESS_KEY_ID: store.access.accessKeyId, AWS_SECRET_ACCESS_KEY: store.access.secretAccessKey };
  return [
    { ...inFolder('nightjar'), ...(await nightjarTool(setting, 'nightjar', {})) },
    { ...inFolder('nightjar-encrypted'), ...(await nightjarTool(setting, 'nightjar-encrypted', { encryption })) },
    { ...inFolder('restic'), ...(await resticTool(folder, placeOf(folder, 'restic'), {}, signal)) },
    {
      ...inStore('nightjar-s3', 'nightjar'),
      ...(await nightjarTool(setting, 'nightjar-s3', {}, { vault: { s3: bucket }, env })),
    },
    {
      ...inStore('restic-s3', 'restic'),
      ...(await resticTool(folder, `s3:${endpoint}/restic`, env, signal)),
    },
  ];
}

const placeOf = (folder: string, name: string): string => join(folder, `${name}-vault`);

type Commands = Pick<Tool, 'backup' | 'restore' | 'restored'>;

async function nightjarTool(
  { nightjar, folder }: ToolsSetting,
  name: string,
  words: object,
  { vault, env }: { vault: object; env: Command['env'] } = { vault: { folder: placeOf(folder, name) }, env: {} },
): Promise<Commands> {
  const configuration = join(folder, `${name}.yaml`);
  const media = { files: { path: join(folder, 'media') }, ...words };
  await writeFile(configuration, JSON.stringify({ vault, sources: { media } }));
  const command = (...args: string[]): Command => ({
    program: nightjar,
    args: ['--config', configuration, ...args],
    env: { CACHE_DIRECTORY: join(folder, 'keys'), ...env },
  });
  return {
    backup: command('backup', 'media'),
    restore: (to) => command('restore', 'media', '--to', to, '--no-proof', '--yes'),
    restored: (to) => to,
  };
}

const restic = (folder: string, repository: string, words: Command['env'], ...args: string[]): Command => ({
  program: 'restic',
  args: ['--repo', repository, ...args],
  env: { RESTIC_PASSWORD: 'bench', RESTIC_CACHE_DIR: join(folder, 'cache'), HOME: folder, ...words },
});

/**
 * A start of restic that only derives its key. Its `init` chose how much that is to cost, so that it took half a second on
 * the machine as it was then: the busier that was, the less each night costs.
 */
export async function resticKey(folder: string, signal: AbortSignal): Promise<string> {
  const place = placeOf(folder, 'restic');
  const [name = ''] = await readdir(join(place, 'keys'));
  const { kdf, N, r, p } = JSON.parse(await readFile(join(place, 'keys', name), 'utf8')) as Record<string, string>;
  const { cpuMs } = await measure(restic(folder, place, {}, 'cat', 'config'), signal);
  return `restic's key: ${kdf} with N=${N}, r=${r}, p=${p}, as its init chose; a start that only derives it takes ${(cpuMs / 1000).toFixed(2)} s of CPU`;
}

async function resticTool(
  folder: string,
  repository: string,
  words: Command['env'],
  signal: AbortSignal,
): Promise<Commands> {
  const media = join(folder, 'media');
  const command = (...args: string[]) => restic(folder, repository, words, ...args);
  await measure(command('init'), signal).catch((cause: unknown) => {
    throw new Error('restic is to be on the PATH: apt-get install restic', { cause });
  });
  return {
    backup: command('backup', media),
    restore: (to) => command('restore', 'latest', '--target', to),
    restored: (to) => join(to, media),
  };
}

/** How much lies below a folder, and in how many files: what has two names is there once. */
async function lyingIn(store: string): Promise<{ storedBytes: Bytes; objects: number }> {
  const entries = await readdir(store, { recursive: true, withFileTypes: true });
  const sizes = new Map<number, number>();
  for (const entry of entries.filter((one) => one.isFile())) {
    const { ino, size } = await lstat(join(entry.parentPath, entry.name));
    sizes.set(ino, size);
  }
  return { storedBytes: [...sizes.values()].reduce((sum, size) => sum + size, 0), objects: sizes.size };
}
