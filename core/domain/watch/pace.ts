import { mostMessages } from '../messages/groups.ts';
import type { Outbox } from './outbox.ts';
import { clocksMs } from '../verdict/verdict.ts';

/**
 * Runs that nobody gathers, as functions are, tell a notifier three messages an hour: the first at once, with the word
 * that another notifier failed; what fails in others meanwhile is gathered for what is left of the three. What finds no
 * room then waits for the next check.
 */
const hourMs = 3_600_000;

/** How many messages may go out at once. */
export type Room = (box: Outbox, now: Date) => number;

export const roomAtOnce: Room = (box, now) => (recentOf(box, now).length === 0 ? mostMessages - 1 : 0);

export const roomGathered: Room = (box, now) => Math.max(0, mostMessages - recentOf(box, now).length);

/** Brings into an outbox that so many messages are told now. */
export function withRecent(box: Outbox, count: number, now: Date): Outbox {
  if (count === 0) return box;
  return { ...box, recent: [...recentOf(box, now), ...Array<string>(count).fill(now.toISOString())] };
}

function recentOf({ recent = [] }: Outbox, now: Date): string[] {
  return recent.filter((moment) => {
    const agoMs = now.getTime() - Date.parse(moment);
    return agoMs < hourMs && agoMs >= -clocksMs;
  });
}
