import { readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Running } from '../../cli/command.ts';
import type { Interruption } from './rounds.ts';
import type { InterruptedWorld } from './world.ts';

/** Returns what puts right what was broken on purpose. */
export async function strike(
  by: Interruption,
  running: Running,
  world: InterruptedWorld,
  cwd: string,
): Promise<() => Promise<void>> {
  const vault = join(cwd, 'vault', 'shop');
  switch (by) {
    case 'us':
      running.kill('SIGKILL');
      break;
    case 'deadline':
      running.kill('SIGTERM');
      break;
    case 'client':
      await killClient(running);
      break;
    case 'server':
      await world.killServer();
      break;
    case 'store':
      await rename(vault, `${vault}-away`);
      return async () => {
        // records that were written meanwhile have made it again
        await rm(vault, { recursive: true, force: true });
        await rename(`${vault}-away`, vault);
      };
  }
  return async () => {};
}

/** The first program that the run starts from now on, or that it has started. */
export async function killClient({ pid, ended }: Running): Promise<void> {
  let isOver = false;
  void ended.then(() => (isOver = true));
  for (;;) {
    const [client] = await childrenOf(pid);
    if (client !== undefined) killed(client);
    if (isOver || client !== undefined) return;
    await sleep(5);
  }
}

/** It may have ended by itself. */
export function killed(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as { code?: string }).code !== 'ESRCH') throw error;
  }
}

async function childrenOf(pid: number): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (one) => {
      const stat = await readFile(`/proc/${one}/stat`, 'utf8').catch(() => '');
      return Number(/^.*\) \S (\d+) /.exec(stat)?.[1]) === pid ? [Number(one)] : [];
    }),
  );
  return found.flat();
}
