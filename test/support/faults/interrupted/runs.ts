import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { nightjar, start } from '../../cli/command.ts';
import type { Ended, Place, Running } from '../../cli/command.ts';
import { modes, replace } from './rounds.ts';
import type { Cut, InterruptedMode, InterruptedRound } from './rounds.ts';
import { strike } from './strike.ts';
import type { InterruptedWorld } from './world.ts';

/** What a first run is given behind its first line: less than it needs on any machine. */
const firstMs = 300;

/** A client that was killed, or a server, may have to be waited for. */
const endsWithinMs = 120_000;

/** What came of the interruptions of a mode: what the live database was afterwards, or that a run was already over. */
export type Outcomes = Record<'cut' | 'over' | 'old' | 'new', number>;
type Check = (holds: boolean, what: string) => void;

/** Interrupts runs, and says of each what is not as it must be. */
export async function interruptedRuns(world: InterruptedWorld) {
  const cwd = await mkdtemp(join(tmpdir(), 'nightjar-interruptions-'));
  const place: Place = {
    cwd,
    env: { SHOP_PASSWORD: world.password, NODE_COMPILE_CACHE: join(tmpdir(), 'compiled') },
    limitMs: 600_000,
  };
  await writeFile(
    join(cwd, 'nightjar.yaml'),
    JSON.stringify({ vault: join(cwd, 'vault'), sources: { shop: world.source, other: world.source } }),
  );
  const usualMs = new Map<InterruptedMode, number>();
  const outcomes = new Map<InterruptedMode, Outcomes>();
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
  const backup = { rows: (await world.rows('shop'))!, dump: (await world.dumped('shop'))! };
  let word = 0;

  /** A share of how long such a run has taken; of the first one, some moment behind the line that says what begins. */
  async function momentOf(mode: InterruptedMode, running: Running, share: number): Promise<void> {
    const over = new AbortController();
    void running.ended.then(() => over.abort());
    const usual = usualMs.get(mode);
    const wait = (ms: number) => sleep(ms, undefined, { signal: over.signal });
    try {
      while (usual === undefined && !/^(into|kept) /m.test(running.said())) await wait(5);
      await wait((usual ?? firstMs) * share);
    } catch (error) {
      if (!over.signal.aborted) throw error;
    }
  }

  async function interrupted({ mode, cuts, twice = false }: InterruptedRound): Promise<string[]> {
    const wrong: string[] = [];
    const said: string[] = [];
    const check: Check = (holds, what) => void (holds || wrong.push(what));
    await world.write(`before-${++word}`);
    const first = await world.rows('shop');
    if (mode === 'undo') {
      await mustSucceed(replace, 'the replacement before it', check);
      await world.write(`after-${word}`);
    }
    if (mode === 'empty') await world.makeEmpty('shop_empty');
    if (mode === 'archive')
      await mustSucceed(['restore', 'shop', earlierId, '--to', 'shop_archive'], 'the archive before it', check);
    const before = { rows: await world.rows('shop'), dump: await world.dumped('shop') };
    const newer = { replace: [backup.rows], undo: [first] };
    const allowed = [before.rows, ...(mode === 'replace' || mode === 'undo' ? newer[mode] : [])];

    for (const one of cuts) {
      const ended = await cut(mode, one, before.rows, allowed, check);
      said.push(`code ${ended.code}: ${ended.stdout}${ended.stderr}`);
      if (wasOver(ended)) break;
    }

    await nextSucceeds(mode, twice, check);
    if (mode === 'replace' || mode === 'undo')
      check((await world.dumped('shop')) === backup.dump, `not all is back: ${await changed('shop', backup.dump)}`);
    else check((await world.dumped('shop')) === before.dump, 'the next run touched the live database');
    await isMade(mode, check);
    await swept(mode, check);
    return wrong.length === 0 ? [] : [...wrong, ...said];
  }

  async function mustSucceed(args: readonly string[], what: string, check: Check): Promise<void> {
    const { code, stdout, stderr } = await run(args);
    check(code === 0, `${what} failed, code ${code}: ${stdout}${stderr}`);
  }

  /** One run, cut, and what it has left. */
  async function cut(
    mode: InterruptedMode,
    { by, share }: Cut,
    old: string | undefined,
    allowed: readonly (string | undefined)[],
    check: Check,
  ): Promise<Ended> {
    const began = Date.now();
    const running = start(modes[mode].args, place);
    await momentOf(mode, running, share);
    const mended = await strike(by, running, world, cwd);
    const struck = Date.now();
    const ended = await running.ended;
    check(Date.now() - struck < endsWithinMs, 'the run that was cut did not end by itself');
    if (ended.code === 0) usualMs.set(mode, Date.now() - began);
    await mended();
    await world.settled();

    const live = await world.rows('shop');
    check(live !== undefined && allowed.includes(live), `a third state: ${live}, and not ${allowed.join(' or ')}`);
    await world.use().catch((error: unknown) => check(false, `not usable: ${error}`));
    const kept = mode === 'archive' ? await world.rows('shop_archive') : backup.rows;
    check(
      kept === backup.rows || (kept === earlier && ended.code !== 0),
      'the archive is neither the old one nor the new one',
    );
    if (ended.code === 0) await isMade(mode, check);
    if (ended.code === 0 && mode === 'replace') check(live === backup.rows, 'it said that it was done');

    const counts = outcomes.get(mode) ?? { cut: 0, over: 0, old: 0, new: 0 };
    counts[wasOver(ended) ? 'over' : 'cut']++;
    counts[live === old ? 'old' : 'new']++;
    outcomes.set(mode, counts);
    return ended;
  }

  async function nextSucceeds(mode: InterruptedMode, twice: boolean, check: Check): Promise<void> {
    const again = mode === 'undo' ? replace : modes[mode].args;
    const began = Date.now();
    let next = twice ? await oneOfTwo(again, check) : await run(again);
    if (next.code !== 0 && isThere.test(next.stderr) && mode !== 'drill') {
      // it was done before it was interrupted
      await world.drop(modes[mode].into!);
      next = await run(again);
    } else if (next.code === 0 && !twice && mode !== 'undo') usualMs.set(mode, Date.now() - began);
    check(
      next.code === 0 && /proven equal/.test(next.stdout),
      `the next run failed, code ${next.code}: ${next.stdout}${next.stderr}`,
    );
  }

  /** Two at once: what the one says that succeeds; the other does, too, or says why not. */
  async function oneOfTwo(args: readonly string[], check: Check): Promise<Ended> {
    const both = await Promise.all([run(args), run(args)]);
    const [first, second] = both[0].code === 0 ? both : [both[1], both[0]];
    check(
      second.code === 0 || (ourReason.test(second.stderr) && !serversWords.test(second.stderr)),
      `the second of two failed, code ${second.code}: ${second.stdout}${second.stderr}`,
    );
    return first;
  }

  /** What a run that succeeded has made beside the live database. */
  async function isMade(mode: InterruptedMode, check: Check): Promise<void> {
    const { into } = modes[mode];
    if (into === undefined || into === 'shop') return;
    const wanted = { table: backup.rows, schema: asCopy(withoutRows(backup.dump)) };
    const made = mode === 'table' ? await world.rows(into) : await world.dumped(into);
    const isIt =
      mode === 'table'
        ? made !== undefined && made !== '[]' && wanted.table.includes(made.slice(1, -1))
        : made === (mode === 'schema' ? wanted.schema : asCopy(backup.dump));
    check(isIt, `what was made is not the backup: ${await changed(into, asCopy(backup.dump))}`);
  }

  async function changed(database: string, wanted: string): Promise<string> {
    const made = ((await world.dumped(database)) ?? 'no such database').split('\n');
    const meant = wanted.split('\n');
    const [more, less] = [made.filter((line) => !meant.includes(line)), meant.filter((line) => !made.includes(line))];
    const lines = [...more.map((line) => `+ ${line}`), ...less.map((line) => `- ${line}`)];
    return lines
      .slice(0, 20)
      .map((line) => line.slice(0, 300))
      .join('\n');
  }

  /** What is left, but for what is there on purpose; takes that away, too. */
  async function swept(mode: InterruptedMode, check: Check): Promise<void> {
    const { into } = modes[mode];
    if (into === 'shop') {
      await mustSucceed(['restore', 'shop', '--drop-old', '--yes'], '--drop-old', check);
    } else if (into !== undefined) await world.drop(into);
    for (const name of (await world.databases()).filter((one) => one !== 'shop')) {
      check(false, `left: ${name}`);
      await world.drop(name);
    }
  }

  return {
    interrupted,
    outcomes: (): Partial<Record<InterruptedMode, Outcomes>> => Object.fromEntries(outcomes),
    remove: () => rm(cwd, { recursive: true, force: true }),
  };
}

/** Ours, and not what a server says to whoever did not look. */
const ourReason = /is at work|is not empty: it holds|meanwhile|is in use by|is not what it was/;
const serversWords = /\bERROR\b|already exists|doesn't exist|does not exist|[Uu]nknown database|uplicate/;
const isThere = /is not empty: it holds|has made database \S+ meanwhile/;
const wasOver = ({ code, stderr }: Ended) => code === 0 || isThere.test(stderr);

/** Events of a copy do not run by themselves. */
const asCopy = (dump: string) => dump.replaceAll('PRESERVE ENABLE DO', 'PRESERVE DISABLE DO');

const withoutRows = (dump: string) =>
  dump.replaceAll(/^INSERT INTO [^]*?;\n/gm, '').replaceAll(/^(COPY .* FROM stdin;\n)[^]*?^(?=\\\.$)/gm, '$1');
