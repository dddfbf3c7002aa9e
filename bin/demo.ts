// npm run demo [-- --megabytes 120] [-- --keep] [-- --everything]
import { parseArgs } from 'node:util';
import { isBackupError, messageOf } from '../core/domain/errors.ts';
import { runEverything } from './demo/everything/run.ts';
import { runDemo } from './demo/run.ts';
import { tellerOf } from './demo/teller.ts';

const smallest = 20;
const usage = 'npm run demo -- [--megabytes 120] [--keep] [--everything]';

const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const)
  process.on(name, () => stop.abort(new Error(`stopped by ${name}, and cleaned up`)));
process.exit(await main());

async function main(): Promise<number> {
  const tell = tellerOf(process.stdout);
  try {
    const { values } = parseArgs({
      options: {
        megabytes: { type: 'string', default: '120' },
        keep: { type: 'boolean', default: false },
        everything: { type: 'boolean', default: false },
      },
    });
    const megabytes = Number(values.megabytes);
    if (!(megabytes >= smallest))
      throw new Error(`--megabytes ${values.megabytes}: expected a number from ${smallest} up\n  ${usage}`);
    const equal = values.everything
      ? await runEverything(megabytes, tell, stop.signal)
      : await runDemo({ megabytes, keep: values.keep }, tell, stop.signal);
    if (!equal) tell.bad('what was restored is NOT equal to what was backed up');
    return equal ? 0 : 1;
  } catch (error) {
    tell.say();
    tell.bad(messageOf(stop.signal.aborted ? stop.signal.reason : error));
    if (isBackupError(error) && error.hint !== undefined) tell.say(`  hint: ${error.hint}`);
    return 1;
  }
}
