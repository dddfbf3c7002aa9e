import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, readlink } from 'node:fs/promises';
import type { PathFacts } from '../facts.ts';
import { pathText } from '../names.ts';
import { at, unlessGone } from '../paths.ts';
import { stateOf } from './places.ts';

const chunkBytes = 1024 * 1024;

/**
 * Whether a file or symbolic link that looks unchanged is, by its content: where its time of change says too little.
 * Further names of a file are judged with the first one.
 */
export async function stillHolds(
  folder: string,
  path: string,
  { state, kind, value }: { state: string } & Pick<PathFacts, 'kind' | 'value'>,
  signal: AbortSignal,
): Promise<boolean> {
  if (kind === 'link') return true;
  const place = at(folder, path);
  const read = async (): Promise<boolean> =>
    kind === 'symlink'
      ? value.endsWith(` ${pathText((await readlink(place, 'buffer')).toString('latin1'))}`)
      : value.startsWith(`${await sha256Of(place, signal)} `);
  if (!(await read().catch(unlessGone))) return false;
  const stats = await lstat(place, { bigint: true }).catch(unlessGone);
  return stats !== undefined && stateOf(stats) === state;
}

async function sha256Of(place: Buffer, signal: AbortSignal): Promise<string> {
  const sum = createHash('sha256');
  for await (const chunk of createReadStream(place, { signal, highWaterMark: chunkBytes })) sum.update(chunk as Buffer);
  return sum.digest('hex');
}
