import { mostMessages } from '../messages/groups.ts';
import type { Outbox } from './outbox.ts';
import { clocksMs } from '../verdict/verdict.ts';

/**
 * Runs that nobody gathers, such as functions, send a notifier three messages an hour: the first at once, together with
 * the one that another notifier failed; later failures are gathered for the rest of the three. What finds no room waits
 * for the next check.
 */
const hourMs = 3_600_000;

/** How many messages may go out now. */
export type Room = (box: Outbox, now: Date) => number;

export const roomAtOnce: Room = (box, now) => (recentOf(box, now).length === 0 ? mostMessages - 1 : 0);

export const roomGathered: Room = (box, now) => Math.max(0, mostMessages - recentOf(box, now).length);

/** Records in an outbox that so many messages are sent now. */
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
