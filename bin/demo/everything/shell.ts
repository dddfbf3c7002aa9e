import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DemoMachine } from './machine.ts';

const launcher = join(import.meta.dirname, '../../nightjar');
/** Shows each command as it stands on the page, without the values of variables. */
const shown = `trap 'printf "\\n  $ %s\\n" "$BASH_COMMAND"' DEBUG\n`;

/** Runs what a person would type, in the folder of nightjar.yaml. */
export type DemoShell = (machine: DemoMachine, commands: string, signal: AbortSignal) => Promise<void>;

/** A shell that finds Nightjar and the clients of its layer by name; `top` is a folder of the demo's. */
export async function demoShell(top: string, layer: string): Promise<DemoShell> {
  const programs = join(top, 'programs');
  await mkdir(programs);
  await writeFile(join(programs, 'nightjar'), `#!/bin/sh\nexec '${process.execPath}' '${launcher}' "$@"\n`, {
    mode: 0o755,
  });
  const env = { ...process.env, PATH: pathWith(programs, layer), NIGHTJAR_TOOLS: layer, NIGHTJAR_LAYER_NEWS: 'off' };
  return async ({ nightjar, here }, commands, signal) => {
    signal.throwIfAborted();
    const script = join(top, 'commands.sh');
    await writeFile(script, shown + here(commands));
    // a process group of its own, so that what it has started ends with it
    const child = spawn('bash', ['-eu', script], {
      cwd: nightjar,
      env,
      stdio: ['ignore', 'inherit', 'inherit'],
      detached: true,
    });
    const onAbort = () => process.kill(-child.pid!, 'SIGTERM');
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      const [code] = (await once(child, 'close')) as [number | null];
      signal.throwIfAborted();
      if (code !== 0)
        throw new Error(`the commands of the page ended with exit code ${code ?? 'none: they were killed'}`);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  };
}

/** The PATH with the programs of a machine. */
export function pathWith(programs: string, layer: string): string {
  const clients = ['postgresql/18', 'mariadb'].map((name) => join(layer, 'nightjar', name, 'bin'));
  return [programs, ...clients, '/usr/bin', '/bin'].join(':');
}
