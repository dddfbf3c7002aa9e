import { setImmediate as turnOfEvents } from 'node:timers/promises';
import type { Turn } from './memory-vault.ts';

type Call = { party: number; go: () => void };

/** Of the event loop: whoever makes several calls at once has made all of them by then. */
const quietTurns = 2;

/**
 * Lets several parties work on one vault, one call at a time, in an order that `draw` decides: the next call goes when
 * every party is about to make one, or has ended. Now and then the party that went last goes on, so that long runs of
 * one between two calls of another come up, too. `seen` is told after each call.
 */
export async function interleaved<T>(
  parties: readonly ((turn: Turn) => Promise<T>)[],
  draw: () => number,
  seen: () => void = () => undefined,
): Promise<PromiseSettledResult<T>[]> {
  const waiting: Call[] = [];
  const working = new Set(parties.keys());
  const goesOn = draw();
  const results = parties.map((party, index) =>
    party(() => new Promise<void>((go) => void waiting.push({ party: index, go }))).finally(() =>
      working.delete(index),
    ),
  );
  const ended = Promise.allSettled(results);
  const isSettled = () => [...working].every((index) => waiting.some(({ party }) => party === index));
  for (let last = -1; ; ) {
    while (!isSettled()) await turnOfEvents();
    for (let turn = 0; turn < quietTurns; turn += 1) await turnOfEvents();
    seen();
    if (working.size === 0 && waiting.length === 0) break;
    if (!isSettled()) continue;
    const own = waiting.findIndex(({ party }) => party === last);
    const [next] = waiting.splice(own >= 0 && draw() < goesOn ? own : Math.floor(draw() * waiting.length), 1);
    if (next === undefined) continue;
    last = next.party;
    next.go();
  }
  return ended;
}
