import { BackupError } from '../core/domain/errors.ts';
import { relaxGarbageCollection } from '../core/pipeline/relax-garbage.ts';
import { exitCodes } from './cli/text/failure.ts';
import { run } from './cli/run.ts';

const stop = new AbortController();
let stopCode: number | undefined;

for (const [name, code] of [
  ['SIGINT', exitCodes.interrupted],
  ['SIGTERM', exitCodes.terminated],
] as const) {
  process.on(name, () => {
    if (stopCode !== undefined) process.exit(code);
    stopCode = code;
    stop.abort(new BackupError('aborted', `stopped by ${name}`));
  });
}
// whoever read our output has enough of it: `nightjar list | head`
process.stdout.on('error', (error: NodeJS.ErrnoException) =>
  process.exit(error.code === 'EPIPE' ? exitCodes.done : exitCodes.failed),
);

relaxGarbageCollection();
const { stdout, stderr, env } = process;
const code = await run(process.argv.slice(2), { stdout, stderr, env, cwd: process.cwd() }, stop.signal);
process.exit(stopCode ?? code);
