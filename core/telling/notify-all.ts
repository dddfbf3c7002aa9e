import type { Message } from '../contract/events/message.ts';
import { mostMessages } from '../domain/messages/groups.ts';
import { aboutOthers } from './about-others.ts';
import { deliver } from './deliver.ts';
import type { TellDeps } from './deliver.ts';
import { unreadOutbox } from '../store/memory/outbox.ts';
import type { OutboxEdit } from '../store/memory/outbox.ts';

/**
 * What somebody was told; what failed in telling, which must become a failure of the run; what could not be remembered;
 * and whether anything waits for want of room.
 */
export type Told = { told: Message[]; failures: unknown[]; forgotten: unknown[]; waits: boolean };

/**
 * Tells every notifier what it does not know yet: what `edit` brings into its outbox, and what waited there. All at the
 * same time, each in its own: one that hangs or fails delays none of the others, which are then told that somebody was
 * not. Each gets at most `room` messages, and the word that another one failed. Throws nothing.
 */
export async function notifyAll(
  edit: OutboxEdit | Promise<OutboxEdit>,
  deps: TellDeps,
  signal: AbortSignal,
  room = mostMessages,
): Promise<Told> {
  const first = await Promise.all(
    deps.notifiers.map(async (notifier) => {
      const [memory, known] = await Promise.all([
        deps.store?.readOutbox(notifier, signal) ?? unreadOutbox(notifier),
        edit,
      ]);
      return deliver(notifier, memory, known, room, deps, signal);
    }),
  );
  const well = first.filter(({ failures }) => failures.length === 0);
  const second = await Promise.all(
    well.map(({ notifier, memory, sent }) =>
      deliver(notifier, memory, aboutOthers(first, notifier, deps), Math.max(0, room - sent.length), deps, signal),
    ),
  );
  const told = new Map(
    [...first, ...second].flatMap(({ sent }) => sent).map((message) => [JSON.stringify(message), message]),
  );
  return {
    told: [...told.values()],
    failures: [...first, ...second].flatMap(({ failures }) => failures),
    waits: [...first, ...second].some(({ memory, failures }) => failures.length === 0 && memory.box.waiting.length > 0),
    forgotten: [...new Set([...first, ...second].flatMap(({ memory }) => memory.error ?? []))],
  };
}
