import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, open, readlink } from 'node:fs/promises';
import { abortError } from '../../../domain/errors.ts';
import type { PathFacts } from '../facts.ts';
import { pathText } from '../names.ts';
import { at, unlessGone } from '../paths.ts';
import { sizeIn, stateOf } from './places.ts';

const chunkBytes = 1024 * 1024;

/**
 * Compares the content of a file or symbolic link that looks unchanged, if its time of change proves too little.
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
      : value.startsWith(`${await sha256Of(place, sizeIn(state), signal)} `);
  if (!(await read().catch(unlessGone))) return false;
  const stats = await lstat(place, { bigint: true }).catch(unlessGone);
  return stats !== undefined && stateOf(stats) === state;
}

/** A buffer no larger than the file: most are small, and there may be many. */
async function sha256Of(place: string | Buffer, size: number, signal: AbortSignal): Promise<string> {
  const sum = createHash('sha256');
  const buffer = Buffer.allocUnsafe(Math.min(size + 1, chunkBytes));
  const file = await open(place, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    for (;;) {
      if (signal.aborted) throw abortError(signal);
      const { bytesRead } = await file.read(buffer);
      if (bytesRead === 0) return sum.digest('hex');
      sum.update(buffer.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}
