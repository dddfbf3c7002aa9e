import type { Message } from '../contract/message.ts';
import type { Waiting } from '../contract/outbox.ts';
import { BackupError, messageOf } from '../domain/errors.ts';
import { messagesOf, mostMessages } from '../domain/message-groups.ts';
import { over } from '../domain/messages.ts';
import { toSend, withSightings, withTrying } from '../domain/outbox.ts';
import type { Delivered } from '../domain/outbox.ts';
import { notifierFailed } from '../domain/run-messages.ts';
import { formatCount } from '../domain/units.ts';
import type { Clock, Notifier, Vault } from '../ports.ts';
import { keep, recall } from './outbox.ts';
import type { Edit, Memory } from './outbox.ts';
import { within } from './within.ts';

/** `vault` undefined: there is none (yet), so nothing is remembered and everything is told. */
export type TellDeps = { vault: Vault | undefined; notifiers: readonly Notifier[]; clock: Clock; /** Whoever is told nothing new is not told what waited either. */ newsOnly?: boolean };

/** What somebody was told; what failed in telling, which must become a failure of the run; what could not be remembered; and whether anything waits for want of room. */
export type Told = { told: Message[]; failures: unknown[]; forgotten: unknown[]; waits: boolean };

/** All that a notifier may take for what it is told at once: programs of the user's have as much. */
const notifierMs = 60_000;
/** For what is written after it. */
const marginMs = 15_000;
/** Longest that a notifier may ask to be left alone. */
const longestRestMs = 6 * 3_600_000;

/** What became of one notifier: `missed` could not be told. */
type Outcome = { notifier: Notifier; memory: Memory; sent: Message[]; failures: unknown[]; missed: readonly Waiting[] };

/**
 * Tells every notifier what it does not know yet: what `edit` brings into its outbox, and what waited there. All at the same time, each in
 * its own: one that hangs or fails delays none of the others, which are then told that somebody was not. Each gets at most `room` messages, and the word
 * that another one failed. Throws nothing.
 */
export async function tell(edit: Edit | Promise<Edit>, deps: TellDeps, signal: AbortSignal, room = mostMessages): Promise<Told> {
  const first = await Promise.all(deps.notifiers.map(async (notifier) => {
    const [memory, known] = await Promise.all([recall(notifier, deps.vault, signal), edit]);
    return deliver(notifier, memory, known, room, deps, signal);
  }));
  const well = first.filter(({ failures }) => failures.length === 0);
  const second = await Promise.all(well.map(({ notifier, memory, sent }) => deliver(notifier, memory, aboutOthers(first, notifier, deps.clock), room === 0 ? 0 : Math.max(1, room - sent.length), deps, signal)));
  const told = new Map([...first, ...second].flatMap(({ sent }) => sent).map((message) => [JSON.stringify(message), message]));
  return {
    told: [...told.values()],
    failures: [...first, ...second].flatMap(({ failures }) => failures),
    waits: [...first, ...second].some(({ memory, failures }) => failures.length === 0 && memory.box.waiting.length > 0),
    forgotten: [...new Set([...first, ...second].flatMap(({ memory }) => memory.error ?? []))],
  };
}

/** How a promise ends, as a value. */
export function outcomeOf(work: Promise<unknown>): Promise<{ failed: false; error?: undefined } | { failed: true; error: unknown }> {
  return work.then(() => ({ failed: false as const }), (error: unknown) => ({ failed: true as const, error }));
}

/**
 * What waits is written down while it is being sent, and that somebody is at it, so that whoever is killed in between loses nothing, and whoever comes
 * meanwhile does not send it, too; what was sent is written down after it.
 */
async function deliver(notifier: Notifier, memory: Memory, edit: Edit, room: number, { vault, clock, newsOnly = false }: TellDeps, signal: AbortSignal): Promise<Outcome> {
  const at = clock.now();
  const rest = restOf(memory, at);
  const due = toSend(edit(memory.box), at);
  const waiting = newsOnly && due.every((one) => memory.box.waiting.includes(one)) ? [] : due;
  // what can't be written down can't wait
  const envelopes = rest === undefined ? messagesOf(waiting, at, 'error' in memory ? mostMessages : room) : [];
  const items = envelopes.flatMap((one) => one.items);
  const trying: Edit = (box) => withTrying(edit(box), items, new Date(at.getTime() + notifierMs + marginMs));
  const [noted, { delivered, failures, afterMs }] = await Promise.all([keep(memory, trying, [], at, vault), sendAll(notifier, envelopes, signal)]);
  const again = afterMs === undefined ? {} : { notBefore: new Date(clock.now().getTime() + Math.min(afterMs, longestRestMs)).toISOString() };
  const kept = items.length === 0 ? noted : await keep(noted, (box) => ({ ...withTrying(edit(box), items, undefined), ...again }), delivered, clock.now(), vault);
  const all = rest === undefined || waiting.length === 0 ? failures : [resting(notifier, waiting.length, rest)];
  return { notifier, memory: kept, sent: delivered.map(({ message }) => message), failures: all, missed: all.length === 0 ? [] : waiting };
}

type Sent = { delivered: (Delivered & { message: Message })[]; failures: unknown[]; afterMs?: number | undefined };

/** Sends one after the other; one that is refused keeps the next from nothing, unless the other side asks to be left alone or the time is over. */
async function sendAll(notifier: Notifier, envelopes: ReturnType<typeof messagesOf>, signal: AbortSignal): Promise<Sent> {
  const sent: Sent = { delivered: [], failures: [] };
  const late = new BackupError('notify-failed', `${notifier.name} did not take the message within ${notifierMs / 1000} s`, { hint: 'see whether messages arrive: nightjar notify' });
  const until = performance.now() + notifierMs;
  for (const { message, items, group } of envelopes) {
    const { failed, error } = await outcomeOf(within(Math.max(0, until - performance.now()), late, (stop) => notifier.notify(message, stop), signal));
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

function restOf({ box: { notBefore } }: Memory, at: Date): Date | undefined {
  const restMs = notBefore === undefined ? 0 : Date.parse(notBefore) - at.getTime();
  return restMs > 0 && restMs <= longestRestMs ? new Date(notBefore!) : undefined;
}

function resting({ name }: Notifier, count: number, until: Date): BackupError {
  return new BackupError('notify-failed', `${name} asked not to be told anything before ${until.toISOString()}; what waits for it: ${formatCount(count)}`, { hint: 'the next check or run after that tells it' });
}

/** For a notifier that works: which of the others do not, and which do again. */
function aboutOthers(outcomes: readonly Outcome[], self: Notifier, clock: Clock): Edit {
  const at = clock.now();
  const tried = outcomes.filter(({ notifier, sent, failures }) => notifier !== self && sent.length + failures.length > 0);
  const sightings = tried.map(({ memory, failures }) => ({ cause: memory.key, judged: ['notifier-failed' as const], found: failures.length > 0 ? ['notifier-failed' as const] : [] }));
  if (sightings.length === 0) return (box) => box;
  return (box) => withSightings(box, sightings, at, { others: new Set() }, ({ severity, alert }) => {
    const { notifier: { name }, failures, missed } = tried.find(({ memory }) => memory.key === alert.cause)!;
    const past = { was: alert.kind, since: new Date(alert.since) };
    const message = severity === 'recovered' ? over(`${name} can be told again`, past, at) : notifierFailed([{ name, why: failures.map(messageOf).join('; ') }], missed.map((one) => one.message), { at, ...(severity === 'reminder' && { since: past.since }) });
    return { severity, alert, message };
  });
}

