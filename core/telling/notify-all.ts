import type { Message } from '../contract/events/message.ts';
import { messageOf } from '../domain/errors.ts';
import { mostMessages } from '../domain/messages/groups.ts';
import { over } from '../domain/messages/findings.ts';
import { withSightings } from '../domain/watch/outbox.ts';
import { notifierFailed } from '../domain/messages/run.ts';
import type { Clock, Notifier } from '../ports.ts';
import { deliver } from './deliver.ts';
import type { Delivery, TellDeps } from './deliver.ts';
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
      deliver(
        notifier,
        memory,
        aboutOthers(first, notifier, deps.clock),
        room === 0 ? 0 : Math.max(1, room - sent.length),
        deps,
        signal,
      ),
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

/** For a notifier that works: which of the others do not, and which do again. */
function aboutOthers(outcomes: readonly Delivery[], self: Notifier, clock: Clock): OutboxEdit {
  const at = clock.now();
  const tried = outcomes.filter(
    ({ notifier, sent, failures }) => notifier !== self && sent.length + failures.length > 0,
  );
  const sightings = tried.map(({ memory, failures }) => ({
    cause: memory.key,
    judged: ['notifier-failed' as const],
    found: failures.length > 0 ? ['notifier-failed' as const] : [],
  }));
  if (sightings.length === 0) return (box) => box;
  return (box) =>
    withSightings(box, sightings, at, { others: new Set() }, ({ severity, alert }) => {
      const {
        notifier: { name },
        failures,
        missed,
      } = tried.find(({ memory }) => memory.key === alert.cause)!;
      const past = { was: alert.kind, since: new Date(alert.since) };
      const message =
        severity === 'recovered'
          ? over(`${name} can be told again`, past, at)
          : notifierFailed(
              [{ name, why: failures.map(messageOf).join('; ') }],
              missed.map((one) => one.message),
              { at, ...(severity === 'reminder' && { since: past.since }) },
            );
      return { severity, alert, message };
    });
}
