import { setTimeout as wait } from 'node:timers/promises';
import type { Message } from '../contract/events/message.ts';
import type { WaitingMessage } from '../contract/memory/outbox.ts';
import { BackupError } from '../domain/errors.ts';
import { messagesOf, mostMessages } from '../domain/messages/groups.ts';
import type { Envelope } from '../domain/messages/groups.ts';
import { toSend, withTrying } from '../domain/watch/outbox.ts';
import type { Delivered, Outbox } from '../domain/watch/outbox.ts';
import { withRecent } from '../domain/watch/pace.ts';
import type { Room } from '../domain/watch/pace.ts';
import { formatCount } from '../domain/units.ts';
import type { Clock, Notifier } from '../ports.ts';
import { outcomeOf } from './outcome.ts';
import { editUnkept } from '../store/memory/outbox.ts';
import type { OutboxEdit, OutboxRead } from '../store/memory/outbox.ts';
import type { Store } from '../store/store.ts';
import { withTimeLimit } from '../pipeline/time-limit.ts';

/** `store` undefined: there is none (yet), so nothing is remembered and everything is told. */
export type TellDeps = {
  store: Store | undefined;
  notifiers: readonly Notifier[];
  clock: Clock;
  /** Every name of the configuration, whether it is worked on or not. */
  sourceNames: readonly string[];
  /** A notifier that is told nothing new does not get waiting messages either. */
  newsOnly?: boolean;
  /** Notifiers that are told nothing this time: messages wait in their outboxes. */
  leftAlone?: ReadonlySet<Notifier> | undefined;
  /** What is told now counts for the pace (core/domain/watch/pace.ts). */
  paced?: boolean;
};

/** Longest time for all messages that a notifier gets at once; programs of the user's have the same. */
const notifierMs = 60_000;
/** For what is written afterwards. */
const marginMs = 15_000;
/** Writing before delivery may be silent for this long. */
const silentMs = 5_000;
/** Longest pause that a notifier may ask for. */
const longestRestMs = 6 * 3_600_000;

/**
 * The result for one notifier. `room`: how many more messages it could have got; `deferred`: how many found no room;
 * `missed`: how many could not be delivered.
 */
export type Delivery = {
  notifier: Notifier;
  memory: OutboxRead;
  sent: Message[];
  room: number;
  deferred: boolean;
  failures: unknown[];
  missed: readonly WaitingMessage[];
};

/**
 * Waiting messages are claimed before they are sent, so that no other run also sends them, and a killed run loses
 * nothing. What was sent is recorded afterwards.
 */
export async function deliver(
  notifier: Notifier,
  memory: OutboxRead,
  edit: OutboxEdit,
  room: Room,
  deps: TellDeps,
  signal: AbortSignal,
): Promise<Delivery> {
  const { store, clock } = deps;
  const at = clock.now();
  const editing = store?.editOutbox ?? editUnkept;
  let own: Due & { most: number } = { waiting: [], envelopes: [], rest: undefined, most: 0 };
  let triedAt = performance.now();
  const claim: OutboxEdit = (box) => {
    const next = edit(box);
    // what can't be stored can't wait
    const wanted = deps.leftAlone?.has(notifier) ? 0 : room(box, at);
    const most = 'error' in memory ? mostMessages : wanted;
    own = { ...dueIn(next, box, at, most, deps), most };
    triedAt = performance.now();
    const counted = deps.paced ? withRecent(next, own.envelopes.length, at) : next;
    return withTrying(counted, itemsOf(own), new Date(at.getTime() + notifierMs + marginMs));
  };
  const claiming = editing(memory, claim, [], at);
  await Promise.race([claiming, silence(() => triedAt)]);
  const sending = own;
  const { waiting, envelopes, rest } = sending;
  const [noted, { delivered, failures, afterMs }] = await Promise.all([claiming, sendAll(notifier, envelopes, signal)]);
  const again =
    afterMs === undefined
      ? {}
      : { notBefore: new Date(clock.now().getTime() + Math.min(afterMs, longestRestMs)).toISOString() };
  const items = itemsOf(sending);
  const kept =
    items.length === 0
      ? noted
      : await editing(
          noted,
          (box) => ({ ...withTrying(edit(box), items, undefined), ...again }),
          delivered,
          clock.now(),
        );
  const all = rest === undefined || waiting.length === 0 ? failures : [resting(notifier, waiting.length, rest)];
  return {
    notifier,
    memory: kept,
    sent: delivered.map(({ message }) => message),
    room: Math.max(0, sending.most - delivered.length),
    deferred: waiting.length > items.length && !('error' in kept),
    failures: all,
    missed: all.length === 0 ? [] : waiting,
  };
}

type Due = { waiting: readonly WaitingMessage[]; envelopes: Envelope[]; rest: Date | undefined };

/**
 * The messages of an outbox to send now, unless its notifier asked for a pause. `before`: the outbox without what is
 * new.
 */
function dueIn(box: Outbox, before: Outbox, at: Date, room: number, { newsOnly = false }: TellDeps): Due {
  const rest = restOf(box, at);
  const due = toSend(box, at);
  const waiting = newsOnly && due.every((one) => before.waiting.includes(one)) ? [] : due;
  return { waiting, envelopes: rest === undefined ? messagesOf(waiting, at, room) : [], rest };
}

function itemsOf({ envelopes }: Due): WaitingMessage[] {
  return envelopes.flatMap(({ items }) => items);
}

/** Resolves when nothing was tried for some seconds: a vault that doesn't answer must not delay messages. */
async function silence(lastTry: () => number): Promise<void> {
  for (let leftMs = silentMs; leftMs > 0; leftMs = lastTry() + silentMs - performance.now())
    await wait(leftMs, undefined, { ref: false });
}

type Sent = { delivered: (Delivered & { message: Message })[]; failures: unknown[]; afterMs?: number | undefined };

/**
 * Sends messages one after the other. One that is refused doesn't stop the next, unless the other side asks for a pause
 * or the time is over.
 */
async function sendAll(notifier: Notifier, envelopes: readonly Envelope[], signal: AbortSignal): Promise<Sent> {
  const sent: Sent = { delivered: [], failures: [] };
  const late = new BackupError(
    'notify-failed',
    `${notifier.name} did not take the message within ${notifierMs / 1000} s`,
    { hint: 'see whether messages arrive: nightjar notify' },
  );
  const until = performance.now() + notifierMs;
  for (const { message, items, group } of envelopes) {
    const { failed, error } = await outcomeOf(
      withTimeLimit(Math.max(0, until - performance.now()), late, (stop) => notifier.notify(message, stop), signal),
    );
    if (!failed) {
      sent.delivered.push({ message, items, group });
      continue;
    }
    sent.failures.push(error);
    sent.afterMs = error instanceof BackupError ? error.afterMs : undefined;
    if (error === late || signal.aborted || sent.afterMs !== undefined) break;
  }
  return sent;
}

function restOf({ notBefore }: Outbox, at: Date): Date | undefined {
  const restMs = notBefore === undefined ? 0 : Date.parse(notBefore) - at.getTime();
  return restMs > 0 && restMs <= longestRestMs ? new Date(notBefore!) : undefined;
}

function resting({ name }: Notifier, count: number, until: Date): BackupError {
  return new BackupError(
    'notify-failed',
    `${name} asked not to be told anything before ${until.toISOString()}; what waits for it: ${formatCount(count)}`,
    { hint: 'the next check or run after that tells it' },
  );
}
