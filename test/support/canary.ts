import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A file that exists as soon as somebody has run our injected command: `touch` makes it. */
export async function canaryFile() {
  const folder = await mkdtemp(join(tmpdir(), 'nightjar-canary-'));
  const path = join(folder, 'sings');
  return {
    path,
    sings: () => existsSync(path),
    quiet: () => rm(path, { force: true }),
    remove: () => rm(folder, { recursive: true }),
  };
}

export type Canary = Awaited<ReturnType<typeof canaryFile>>;
