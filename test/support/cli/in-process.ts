import { join } from 'node:path';
import { run } from '../../../bin/cli/run.ts';
import { progress } from './command.ts';
import type { Ended, Place } from './command.ts';

const limitMs = 120_000;

/**
 * Runs a command line in this process: the same code that bin/nightjar runs after its launcher, with pipes instead of a
 * terminal. A separate process takes half a second more; suites that need one (signals, exit codes, the launcher) use
 * `nightjar` of command.ts.
 */
export async function nightjarInProcess(args: readonly string[], place: Omit<Place, 'program'>): Promise<Ended> {
  const { raw, ...ended } = await printedInProcess(args, place);
  return { ...ended, stdout: raw.toString() };
}

/** The same, with the bytes of stdout, because data may be in any encoding. */
export async function printedInProcess(
  args: readonly string[],
  { cwd, env = {} }: Omit<Place, 'program'>,
): Promise<Omit<Ended, 'stdout'> & { raw: Buffer }> {
  const printed: Buffer[] = [];
  let said = '';
  const code = await run(
    args,
    {
      stdout: {
        write(text, written) {
          printed.push(Buffer.from(text));
          written?.();
        },
      },
      stderr: { write: (text: string) => (said += text) },
      env: { ...process.env, NIGHTJAR_LAYER_NEWS: 'off', CACHE_DIRECTORY: join(cwd, '.list-keys'), ...env },
      cwd,
    },
    AbortSignal.timeout(limitMs),
  );
  return { code, raw: Buffer.concat(printed), stderr: said.replace(progress, '') };
}
