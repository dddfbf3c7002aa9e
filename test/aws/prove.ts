import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { parseArgs } from 'node:util';
import { messageOf } from '../../core/domain/errors.ts';
import { openAccount } from './account.ts';
import { isAsAssumed, priceOf, prove, tearDown } from './runner.ts';
import type { Proved, Prover } from './runner.ts';
import { steps } from './steps.ts';

const help = `npm run aws:prove -- --account <12 digits> --region <region> [--ceiling 5] [--hours 4]
                     [--run <name of an earlier run>] [--teardown] [--yes]

Deploys databases and Nightjar into that account, tries everything, and takes
all of it away again, also after Ctrl-C. --hours: when they are over, it stops
and tears down. --run: goes on with a run; with --teardown, only takes it away.`;

const folder = join(import.meta.dirname, '../../dist/aws-prove');
const stop = new AbortController();

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      account: { type: 'string' },
      region: { type: 'string' },
      ceiling: { type: 'string', default: '5' },
      hours: { type: 'string', default: '4' },
      run: { type: 'string' },
      teardown: { type: 'boolean', default: false },
      yes: { type: 'boolean', default: false },
    },
  });
  const { account = '', region = '', teardown } = values;
  const [ceiling, hours] = [Number(values.ceiling), Number(values.hours)];
  if (!/^\d{12}$/.test(account) || !/^[a-z]+(-[a-z]+)+-\d$/.test(region)) return refused(help);
  if (!(ceiling > 0 && hours > 0)) return refused(help);
  const price = priceOf(steps, hours);
  if (price > ceiling)
    return refused(
      `${dollars(price)} for ${hours} hours, over the ceiling of ${dollars(ceiling)} (--ceiling, --hours)`,
    );
  console.log(`At most ${dollars(price)} by list prices, in ${hours} hours; then all of it is taken away.`);
  if (!values.yes && !(await isConfirmed(account))) return refused('that is not the number of the account');
  const opened = await openAccount(region);
  if (opened.account !== account)
    return refused(`these credentials are of account ${opened.account}: nothing was made`);
  const run = values.run ?? `NightjarProve${Math.random().toString(36).slice(2, 7)}`;
  const prover: Prover = { ...opened, run, folder, cdk, say: (line) => console.log(line) };
  console.log(`run ${run}: goes on, or is taken away, by --run ${run}`);
  if (teardown) return told({ outcomes: [], left: await tearDown(steps, prover) });
  const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(hours * 3_600_000)]);
  const proved = await prove(steps, prover, signal);
  console.log(`the record is in ${join(folder, `${run}.md`)}: it belongs in docs/aws-record.md`);
  return told(proved);
}

function refused(why: string): number {
  console.error(why);
  return 2;
}

function told({ outcomes, left }: Proved): number {
  for (const { step, command, why } of left) console.error(`not taken away: ${step} (${why}):\n  ${command}`);
  return left.length === 0 && outcomes.every(isAsAssumed) ? 0 : 1;
}

function dollars(amount: number): string {
  return `$${amount.toFixed(2)}`;
}

async function isConfirmed(account: string): Promise<boolean> {
  const asking = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await asking.question('Type the number of the account to go on: ', { signal: stop.signal });
  asking.close();
  return answer.trim() === account;
}

/** The CDK's own program; what it says is shown. A stop ends it as Ctrl-C would, and CloudFormation goes on by itself. */
async function cdk(args: readonly string[], signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const child = spawn('cdk', args, { stdio: ['ignore', 'inherit', 'inherit'], signal, killSignal: 'SIGINT' });
  child.once('error', reject);
  child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`cdk ${args[0]} ended with ${code}`))));
  return promise;
}

if (import.meta.main) {
  // a second one is not heeded: what was made has to go
  process.on('SIGINT', () => stop.abort(new Error('stopped')));
  process.on('SIGTERM', () => stop.abort(new Error('stopped')));
  process.exitCode = await main().catch((error: unknown) => refused(messageOf(error)));
}
