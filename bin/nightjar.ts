import { BackupError } from '../core/domain/errors.ts';
import { relaxGarbageCollection } from '../core/pipeline/memory/relax-garbage.ts';
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
// the reader of our output has enough of it (`nightjar list | head`): what has begun is finished all the same
let unwritten: NodeJS.ErrnoException | undefined;
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') unwritten ??= error;
  });

relaxGarbageCollection();
const { stdout, stderr, env } = process;
const code = await run(process.argv.slice(2), { stdout, stderr, env, cwd: process.cwd() }, stop.signal);
// an error of the last write comes a moment later
await new Promise(setImmediate);
if (unwritten !== undefined)
  stderr.write(
    `error: what there was to print could not be written: ${unwritten.message}\n  hint: make room where it is ` +
      `written to\n`,
  );
process.exit(stopCode ?? (unwritten === undefined ? code : code || exitCodes.failed));
