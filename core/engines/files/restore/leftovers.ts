import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { codeOf } from '../paths.ts';
import { removeTree } from './remove.ts';

const working = /^\..+\.nightjar-\d{8}T\d{6}Z-[0-9a-f]{6}-(\d+)$/;

/** Where a folder is made until it is whole: beside its place, on the same disk, and named after who makes it. */
export function workName(name: string, id: string): string {
  return `.${name}.nightjar-${id}-${process.pid}`;
}

/** Removes what restores and drills have left beside a folder that died; returns what that was. */
export async function sweepBeside(folder: string): Promise<string[]> {
  const names = await readdir(dirname(folder)).catch(() => []);
  const dead = names.filter((name) => {
    const [, pid] = working.exec(name) ?? [];
    return pid !== undefined && isDead(Number(pid));
  });
  for (const name of dead) await removeTree(join(dirname(folder), name));
  return dead;
}

/** One whose process nobody may ask lives. */
function isDead(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return codeOf(error) === 'ESRCH';
  }
}
