import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chownToServer } from './identity.ts';

export type TemporaryFolder = { path: string; remove(): Promise<void> };

/**
 * Waits for its input to end (our order, or our death), then removes the folder; a dying server may still be writing,
 * hence the attempts.
 */
const removal = 'cat >/dev/null; n=0; until rm -rf -- "$1" || [ $n -gt 100 ]; do n=$((n+1)); sleep 0.1; done';

/**
 * A fresh folder that belongs to the user that servers run as, and that goes when it is removed or this process dies,
 * however it dies.
 */
export async function temporaryFolder(name: string): Promise<TemporaryFolder> {
  const path = await mkdtemp(join(tmpdir(), `nightjar-${name}-`));
  await chownToServer(path);
  const remover = spawn('/bin/sh', ['-c', removal, 'remove', path], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  const removed = once(remover, 'exit');
  remover.unref();
  (remover.stdin as Socket).unref();
  return {
    path,
    remove: async () => {
      remover.ref();
      remover.stdin.end();
      await removed;
      if (await exists(path)) throw new Error(`${path} could not be removed`);
    },
  };
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
