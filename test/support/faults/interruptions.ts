import { mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { nightjar, start } from '../cli/command.ts';
import type { Place, Running } from '../cli/command.ts';

/** A server with a database `shop`, as its own tools see it. */
export type InterruptedWorld = {
  /** What stands below `sources.shop` in the configuration, and the password that it names. */
  source: object;
  password: string;
  /** Checksums of all rows by the server; `undefined` where there is no such database. */
  rows(database: string): Promise<string | undefined>;
  /** The same, and all that a table does not bring when it is renamed. */
  whole(database: string): Promise<string | undefined>;
  /** Every database of a user. */
  databases(): Promise<string[]>;
  makeEmpty(database: string): Promise<void>;
  drop(database: string): Promise<void>;
  /** The application writes: another row each time. */
  write(word: string): Promise<void>;
  /** Whether the application could work: leaves nothing. */
  use(): Promise<void>;
  killServer(): Promise<void>;
  /** Once the server answers, and nothing of a run is at work there. */
  settled(): Promise<void>;
};

const replace = ['restore', 'shop', '--to', 'shop', '--replace', '--yes'];
const modes = {
  beside: { args: ['restore', 'shop', '--to', 'shop_copy'], into: 'shop_copy' },
  empty: { args: ['restore', 'shop', '--to', 'shop_empty'], into: 'shop_empty' },
  table: { args: ['restore', 'shop', '--table', 'orders', '--to', 'shop_some'], into: 'shop_some' },
  schema: { args: ['restore', 'shop', '--schema-only', '--to', 'shop_schema'], into: 'shop_schema' },
  // another server, as `restoreHost` is one
  elsewhere: { args: ['restore', 'shop', '--server', 'other', '--to', 'shop_there'], into: 'shop_there' },
  // beside production, replaced each time, and nothing is kept of it
  archive: {
    args: ['restore', 'shop', '--to', 'shop_archive', '--replace', '--drop-old', '--yes'],
    into: 'shop_archive',
  },
  replace: { args: replace, into: 'shop' },
  undo: { args: ['restore', 'shop', '--undo', '--yes'], into: 'shop' },
  drill: { args: ['drill', 'shop'], into: undefined },
} as const;
export type InterruptedMode = keyof typeof modes;
export const interruptedModes = Object.keys(modes) as InterruptedMode[];
/** Us, the program that loads, the server; the vault is gone; we are told to stop, as a deadline does. */
export const interruptions = ['us', 'client', 'server', 'store', 'deadline'] as const;
export type Interruption = (typeof interruptions)[number];
/** What a first run is given behind its first line: less than it needs on any machine. */
const firstMs = 300;
/** `twice`: what comes next is started two times at once. */
export type InterruptedRound = { mode: InterruptedMode; by: Interruption; share: number; twice?: boolean };

/** Every mode with every interruption, `count` in all, at moments that this seed draws. */
export function drawnRounds(count: number, seed: number, modes = interruptedModes): InterruptedRound[] {
  let state = seed;
  const draw = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  return Array.from({ length: count }, (_, index) => ({
    mode: modes[index % modes.length]!,
    by: interruptions[(index + Math.floor(index / modes.length)) % interruptions.length]!,
    share: 0.3 + 0.75 * draw(),
    twice: Math.floor(index / modes.length) % 3 === 1,
  }));
}

/** Interrupts runs, and says of each what is not as it must be. */
export async function interruptedRuns(world: InterruptedWorld) {
  const cwd = await mkdtemp(join(tmpdir(), 'nightjar-interruptions-'));
  const place: Place = {
    cwd,
    env: { SHOP_PASSWORD: world.password, NODE_COMPILE_CACHE: join(tmpdir(), 'compiled') },
  };
  await writeFile(
    join(cwd, 'nightjar.yaml'),
    JSON.stringify({ vault: join(cwd, 'vault'), sources: { shop: world.source, other: world.source } }),
  );
  const usualMs = new Map<InterruptedMode, number>();
  const run = (args: readonly string[]) => nightjar(args, place);
  async function backUp(): Promise<void> {
    const made = await run(['backup', 'shop']);
    if (made.code !== 0) throw new Error(made.stderr);
  }
  await backUp();
  const [earlierId = ''] = (await readdir(join(cwd, 'vault', 'shop'))).filter((name) => /^\d{8}T/.test(name));
  const earlier = await world.rows('shop');
  await world.write('since the first backup');
  await backUp();
  const backup = { rows: await world.rows('shop'), whole: await world.whole('shop') };
  let word = 0;
  let cut = 0;

  /** A share of how long such a run has taken; of the first one, some moment behind the line that says what begins. */
  async function momentOf(mode: InterruptedMode, running: Running, share: number): Promise<void> {
    const usual = usualMs.get(mode);
    const until = Date.now() + 30_000;
    while (usual === undefined && !/^(into|kept) /m.test(running.said()) && Date.now() < until) await sleep(5);
    await sleep((usual ?? firstMs) * share);
  }

  async function interrupted({ mode, by, share, twice = false }: InterruptedRound): Promise<string[]> {
    const wrong: string[] = [];
    const check = (holds: boolean, what: string) => void (holds || wrong.push(what));
    const { args, into } = modes[mode];
    await world.write(`before-${++word}`);
    const first = await world.rows('shop');
    if (mode === 'undo') check((await run(replace)).code === 0, 'the replacement before it failed');
    if (mode === 'undo') await world.write(`after-${word}`);
    if (mode === 'empty') await world.makeEmpty('shop_empty');
    if (mode === 'archive')
      check(
        (await run(['restore', 'shop', earlierId, '--to', 'shop_archive'])).code === 0,
        'the archive before it failed',
      );
    const before = { rows: await world.rows('shop'), whole: await world.whole('shop') };

    const began = Date.now();
    const running = start(args, place);
    await Promise.race([running.ended, momentOf(mode, running, share)]);
    const mended = await strike(by, running, world, cwd);
    const ended = await running.ended;
    await mended();
    await world.settled();
    if (ended.code === 0) usualMs.set(mode, Date.now() - began);
    else cut++;

    const live = await world.rows('shop');
    const may = { replace: [before.rows, backup.rows], undo: [before.rows, first] };
    const allowed = mode === 'replace' || mode === 'undo' ? may[mode] : [before.rows];
    const kept = mode === 'archive' ? await world.rows('shop_archive') : backup.rows;
    check(
      kept === backup.rows || (kept === earlier && ended.code !== 0),
      'the archive is neither the old one nor the new one',
    );
    check(live !== undefined && allowed.includes(live), `a third state: ${live}, and not ${allowed.join(' or ')}`);
    await world.use().catch((error: unknown) => check(false, `not usable: ${error}`));
    if (ended.code === 0 && ['beside', 'empty', 'elsewhere'].includes(mode))
      check(
        (await world.whole(into!)) === backup.whole,
        'it said that it was done, and what is there is not the backup',
      );
    if (ended.code === 0 && mode === 'replace') check(live === backup.rows, 'it said that it was done');

    await nextSucceeds(mode, twice, check);
    if (mode === 'replace' || mode === 'undo') check((await world.whole('shop')) === backup.whole, 'not all is back');
    else check((await world.whole('shop')) === before.whole, 'the next run touched the live database');
    if (['beside', 'empty', 'elsewhere', 'archive'].includes(mode))
      check((await world.whole(into!)) === backup.whole, 'what the next run made is not the backup');
    await swept(mode, check);
    return wrong.length === 0 ? [] : [...wrong, `code ${ended.code}: ${ended.stdout}${ended.stderr}`];
  }

  async function nextSucceeds(
    mode: InterruptedMode,
    twice: boolean,
    check: (holds: boolean, what: string) => void,
  ): Promise<void> {
    const again = mode === 'undo' ? replace : modes[mode].args;
    const began = Date.now();
    let next = twice ? await oneOfTwo(again, check) : await run(again);
    if (next.code !== 0 && /already|not empty/.test(next.stderr) && mode !== 'drill') {
      // it was done before it was interrupted
      await world.drop(modes[mode].into!);
      next = await run(again);
    }
    if (next.code === 0) usualMs.set(mode, Date.now() - began);
    check(next.code === 0 && /proven equal/.test(next.stdout), `the next run failed: ${next.stdout}${next.stderr}`);
  }

  /** Two at once: what the one says that succeeds; the other does, too, or says why not. */
  async function oneOfTwo(args: readonly string[], check: (holds: boolean, what: string) => void) {
    const both = await Promise.all([run(args), run(args)]);
    const [first, second] = both[0].code === 0 ? both : [both[1], both[0]];
    check(
      second.code === 0 || /is at work|already|not empty|meanwhile|is in use by/.test(second.stderr),
      `the second of two failed: ${second.stdout}${second.stderr}`,
    );
    return first;
  }

  /** What is left, but for what is there on purpose; takes that away, too. */
  async function swept(mode: InterruptedMode, check: (holds: boolean, what: string) => void): Promise<void> {
    const { into } = modes[mode];
    if (into === 'shop') {
      const dropped = await run(['restore', 'shop', '--drop-old', '--yes']);
      check(dropped.code === 0, `--drop-old failed: ${dropped.stderr}`);
    } else if (into !== undefined) await world.drop(into);
    for (const name of (await world.databases()).filter((one) => one !== 'shop')) {
      check(false, `left: ${name}`);
    }
  }

  return { interrupted, cut: () => cut, remove: () => rm(cwd, { recursive: true, force: true }) };
}

/** Returns what puts right what was broken on purpose. */
async function strike(
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
