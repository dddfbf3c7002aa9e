import { formatDuration } from '../../core/domain/units.ts';
import { cacheRoot } from '../../layers/db-tools/cache.ts';
import { findLayer } from '../cli/setup/machine-layer.ts';
import { ownConfig } from './config.ts';
import { openStage, type Stage } from './stage.ts';
import { backUp, prove, restoreBoth, stockUp, strike, verify } from './steps.ts';
import type { Teller } from './teller.ts';

export type DemoOptions = {
  /** Size of the data, both databases together. */
  megabytes: number;
  /** Leave everything running at the end until the signal comes. */
  keep: boolean;
};

/** The whole demo; true if both databases were proven equal. Leaves nothing behind, whatever happens. */
export async function runDemo({ megabytes, keep }: DemoOptions, tell: Teller, signal: AbortSignal): Promise<boolean> {
  tell.say('Nightjar: two databases are backed up, ruined, restored and proven equal.');
  tell.say('All of it is its own and goes away at the end; nothing of yours is touched.');
  tell.step('Programs and servers');
  tell.say(
    `What is missing is downloaded once from Debian's packages (about 100 MB; sizes follow) and kept in ` +
      `${cacheRoot()}.`,
  );
  const layer = await findLayer({ NIGHTJAR_PINS: 'newer', ...process.env }, undefined, tell.report, signal);
  const stage = await tell.timed('starting a PostgreSQL and a MariaDB server', openStage(layer, tell, signal));
  try {
    for (const { product, server } of stage.shops)
      tell.say(`  ${product.padEnd(10)}  ${server.version}, port ${server.port}`);
    const equal = await play(stage, megabytes, tell, signal);
    if (keep) await untilAborted(stage, tell, signal);
    return equal;
  } finally {
    await stage.close();
  }
}

async function play(stage: Stage, megabytes: number, tell: Teller, signal: AbortSignal): Promise<boolean> {
  const start = performance.now();
  const before = await stockUp(stage, megabytes, tell, signal);
  await backUp(stage, tell, signal);
  await strike(stage, before, tell, signal);
  await verify(stage, tell, signal);
  await restoreBoth(stage, tell, signal);
  const equal = await prove(stage, before, tell, signal);
  if (equal) {
    tell.say(`\nFrom empty servers to the proof: ${formatDuration(performance.now() - start)}.`);
    next(tell);
  }
  return equal;
}

function next(tell: Teller): void {
  tell.step('Your own databases');
  tell.say('Write a nightjar.yaml:\n');
  tell.say(
    ownConfig
      .split('\n')
      .map((line) => `  ${line}`)
      .join('\n'),
  );
  tell.command('bin/nightjar backup');
  tell.say('  $ bin/nightjar list\n  $ bin/nightjar verify\n  $ bin/nightjar restore shop');
  tell.say('\nrestore makes a new database beside the old one and proves it equal.');
  tell.say('More: bin/nightjar --help, and docs/configuration.md');
}

async function untilAborted({ folder, shops }: Stage, tell: Teller, signal: AbortSignal): Promise<void> {
  tell.say(`\nEverything stands until Ctrl-C: ${folder}`);
  for (const { source, server } of shops)
    tell.say(`  ${source}: ${server.host}:${server.port}, user ${server.user}, password in ${source}.password`);
  const forever = setInterval(() => {}, 60_000);
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  clearInterval(forever);
}
