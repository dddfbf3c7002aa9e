import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { cacheRoot } from '../../../layers/db-tools/cache.ts';
import { chownToServer } from '../identity.ts';
import { runProgram } from '../process.ts';

/**
 * The folder of what `make` prepared, made once and kept in the cache: a server's empty data, so that a start is a
 * copy. `identity` says what it was made with; another version gets another folder. Of processes that make it at once,
 * the first wins and the others take its result.
 */
export async function template(
  name: string,
  identity: string,
  make: (folder: string) => Promise<void>,
): Promise<string> {
  const home = join(cacheRoot(), 'servers');
  const ready = join(home, `${name}-${createHash('sha256').update(identity).digest('hex').slice(0, 12)}`);
  if (await isFolder(ready)) return ready;
  await mkdir(home, { recursive: true, mode: 0o755 });
  const part = await mkdtemp(join(home, `.${basename(ready)}-`));
  try {
    await chownToServer(part);
    await make(part);
    await rename(part, ready);
  } catch (error) {
    if (!(await isFolder(ready))) throw error;
  } finally {
    await rm(part, { recursive: true, force: true });
  }
  return ready;
}

/** Copies a prepared folder, holes and shared blocks kept where the file system can. */
export async function copyTemplate(from: string, to: string, signal: AbortSignal): Promise<void> {
  const args = ['-R', '-p', '--reflink=auto', '--sparse=always', from, to];
  await runProgram({ program: 'cp', args, env: { PATH: '/usr/bin:/bin' }, cwd: '/' }, signal);
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (entry) => entry.isDirectory(),
    () => false,
  );
}
