import { isBackupError } from '../../../core/domain/errors.ts';
import { faultsOf, faultyVault } from '../vaults/faulty-vault.ts';
import type { Fault } from '../vaults/faulty-vault.ts';
import type { Verbs } from '../worlds/verbs.ts';
import { acting, again, untruthsIn } from '../worlds/world.ts';
import type { World } from '../worlds/world.ts';

/** How a verb ended: with a result, or with what was thrown. */
export type Ended<T> = { result: T; error?: undefined } | { result?: undefined; error: unknown };
type Judge<T> = (world: World, ended: Ended<T>, fault: Fault & { isLast: boolean }) => string[] | Promise<string[]>;

/** The outcome of a promise, whatever it is. */
export const endOf = <T>(work: Promise<T>): Promise<Ended<T>> =>
  work.then(
    (result) => ({ result }),
    (error: unknown) => ({ error }),
  );

/**
 * Lets a verb work once well, to see which calls of the vault it makes, and then once for each way in which one of them
 * can go wrong. Names what is not as it must be: whatever happens, a listed backup is true, and what is thrown is an
 * error of ours; `judge` adds what else this verb promises.
 */
export async function everyFault<T>(
  before: World,
  work: (verbs: Verbs, world: World) => Promise<T>,
  judge: Judge<T>,
): Promise<{ tried: number; problems: string[] }> {
  const calls = await callsOf(before, work);
  const faults = faultsOf(calls);
  const problems: string[] = [];
  for (const fault of faults) {
    const world = again(before);
    const stop = new AbortController();
    const strikes = { stop: () => stop.abort(), steal: () => steal(world) };
    const through = (vault: Parameters<typeof faultyVault>[0]) => faultyVault(vault, fault, strikes).vault;
    const ended = await endOf(work(acting(world, { through, signal: stop.signal }), world));
    const found = [
      ...(ended.error === undefined || isBackupError(ended.error) ? [] : [`threw ${String(ended.error)}`]),
      ...untruthsIn(world),
      ...(await judge(world, ended, { ...fault, isLast: calls.get(fault.call) === fault.nth })),
    ];
    problems.push(...found.map((problem) => `${fault.call} ${fault.nth} ${fault.how} ${fault.code}: ${problem}`));
  }
  return { tried: faults.length, problems };
}

async function callsOf<T>(before: World, work: (verbs: Verbs, world: World) => Promise<T>) {
  const world = again(before);
  let calls: ReturnType<typeof faultyVault>['calls'] = new Map();
  const through = (vault: Parameters<typeof faultyVault>[0]) => {
    const counting = faultyVault(vault);
    calls = counting.calls;
    return counting.vault;
  };
  await work(acting(world, { through }), world);
  return calls;
}

/** Another run takes the lease, as it may when ours is thought to be dead. */
function steal({ state, now }: World): void {
  const until = new Date(now.getTime() + 300_000).toISOString();
  const body = Buffer.from(JSON.stringify({ run: 'thief', holder: 'elsewhere', until }));
  const key = 'shop/lease.json' as Parameters<typeof state.objects.get>[0];
  state.objects.set(key, { body, tags: {}, version: 'of the thief', modified: now });
}
