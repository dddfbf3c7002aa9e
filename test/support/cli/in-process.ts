import { run } from '../../../bin/cli/run.ts';
import { progress } from './command.ts';
import type { Ended, Place } from './command.ts';

const limitMs = 120_000;

/**
 * Does a command line in this process: the very code that bin/nightjar runs behind its launcher, with pipes in place of
 * a terminal. A process of its own takes half a second more; suites that need one (signals, exit codes, the launcher)
 * take `nightjar` of command.ts.
 */
export async function nightjarInProcess(
  args: readonly string[],
  { cwd, env = {} }: Omit<Place, 'program'>,
): Promise<Ended> {
  const seen = { stdout: '', stderr: '' };
  const code = await run(
    args,
    {
      stdout: { write: (text: string) => (seen.stdout += text) },
      stderr: { write: (text: string) => (seen.stderr += text) },
      env: { ...process.env, NIGHTJAR_LAYER_NEWS: 'off', ...env },
      cwd,
    },
    AbortSignal.timeout(limitMs),
  );
  return { code, stdout: seen.stdout, stderr: seen.stderr.replace(progress, '') };
}
