import type { Message } from '../contract/events/message.ts';
import { mostMessages } from '../domain/messages/groups.ts';
import { aboutOthers } from './about-others.ts';
import { deliver } from './deliver.ts';
import type { TellDeps } from './deliver.ts';
import type { Outbox } from '../domain/watch/outbox.ts';
import type { Room } from '../domain/watch/pace.ts';
import type { Notifier } from '../ports.ts';
import { unreadOutbox } from '../store/memory/outbox.ts';
import type { OutboxEdit } from '../store/memory/outbox.ts';

/**
 * `told`: what was delivered; failures of delivery, which must become failures of the run; what could not be
 * remembered; whether anything waits in an outbox, and in which ones for want of room; and who could not be told.
 */
export type Told = {
  told: Message[];
  failures: unknown[];
  forgotten: unknown[];
  waits: boolean;
  deferred: Outbox[];
  failed: Notifier[];
};

/**
 * Tells every notifier what it does not know yet: what `edit` adds to its outbox, and what waited there. Works on all
 * in parallel, so that one that hangs or fails delays no other; the others are then told about it. Each gets at most as
 * many messages as `room` allows. Throws nothing.
 */
export async function notifyAll(
  edit: OutboxEdit | Promise<OutboxEdit>,
  deps: TellDeps,
  signal: AbortSignal,
  room: Room = () => mostMessages,
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
    well.map(({ notifier, memory, room: left }) =>
      deliver(notifier, memory, aboutOthers(first, notifier, deps), () => left, deps, signal),
    ),
  );
  const told = new Map(
    [...first, ...second].flatMap(({ sent }) => sent).map((message) => [JSON.stringify(message), message]),
  );
  return {
    told: [...told.values()],
    failures: [...first, ...second].flatMap(({ failures }) => failures),
    waits: second.some(({ memory, failures }) => failures.length === 0 && memory.box.waiting.length > 0),
    deferred: [...first, ...second].flatMap(({ memory, deferred, failures }) =>
      deferred && failures.length === 0 ? [memory.box] : [],
    ),
    failed: first.flatMap(({ notifier, failures }) => (failures.length > 0 ? [notifier] : [])),
    forgotten: [...new Set([...first, ...second].flatMap(({ memory }) => memory.error ?? []))],
  };
}
