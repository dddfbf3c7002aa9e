import type { Alert } from '../contract/memory/outbox.ts';
import type { Change, Sighting } from '../domain/watch/alerts.ts';
import { messageOf } from '../domain/errors.ts';
import { over } from '../domain/messages/findings/over.ts';
import type { Message } from '../contract/events/message.ts';
import { notifierFailed, withoutName } from '../domain/messages/run.ts';
import { isFoundElsewhere, isFoundLately, withSightings } from '../domain/watch/outbox.ts';
import type { Outbox } from '../domain/watch/outbox.ts';
import type { Notifier } from '../ports.ts';
import { configurationId } from '../store/memory/checkers.ts';
import type { OutboxEdit } from '../store/memory/outbox.ts';
import type { Delivery, TellDeps } from './deliver.ts';

const kind = 'notifier-failed';

/**
 * What a working notifier is told about the others: which fail, and which work again. An alert is about an address. The
 * alert of an address that is no longer configured is over when another address of the same name takes a message, or,
 * if the name is gone, too, when nobody has found it for a day.
 */
export function aboutOthers(
  outcomes: readonly Delivery[],
  self: Notifier,
  { clock, sourceNames }: Pick<TellDeps, 'clock' | 'sourceNames'>,
): OutboxEdit {
  const at = clock.now();
  const id = configurationId(sourceNames);
  const tried = outcomes.filter(
    ({ notifier, sent, failures }) => notifier !== self && sent.length + failures.length > 0,
  );
  const now = tried.map(({ memory, failures }) => sightingOf(memory.key, failures.length > 0));
  return (box) => {
    const replaced = replacedIn(box, outcomes, { id, at });
    const open = box.open.filter((alert) => replaced.get(alert) !== 'silent');
    const ended = open.flatMap((alert) => (replaced.has(alert) ? [sightingOf(alert.cause!, false)] : []));
    if (now.length + replaced.size === 0) return box;
    return withSightings({ ...box, open }, [...now, ...ended], at, { id, others: new Set() }, (change) => ({
      ...change,
      message: messageOfChange(change, outcomes, at),
    }));
  };
}

function sightingOf(cause: string, fails: boolean): Sighting {
  return { cause, judged: [kind], found: fails ? [kind] : [] };
}

/**
 * Alerts about addresses that this configuration had: `over`, or `silent` if the new address does not work either,
 * which has its own alert. An address that was not tried yet decides nothing.
 */
function replacedIn(
  { open }: Outbox,
  outcomes: readonly Delivery[],
  { id, at }: { id: string; at: Date },
): Map<Alert, 'over' | 'silent'> {
  // the key of a notifier whose outbox can't be read is unknown
  if (outcomes.some(({ memory }) => 'error' in memory)) return new Map();
  const keys = new Set<string>(outcomes.map(({ memory }) => memory.key));
  return new Map(
    open.flatMap((alert): [Alert, 'over' | 'silent'][] => {
      if (alert.kind !== kind || alert.cause === undefined || keys.has(alert.cause) || isFoundElsewhere(alert, id, at))
        return [];
      const same = outcomes.filter(({ memory }) => nameIn(memory.key) === nameIn(alert.cause!));
      if (same.some(({ failures }) => failures.length > 0)) return [[alert, 'silent']];
      const isOver = same.length === 0 ? !isFoundLately(alert, at) : same.some(({ sent }) => sent.length > 0);
      return isOver ? [[alert, 'over']] : [];
    }),
  );
}

/** The part of a key that comes from the notifier's name, without its address. */
function nameIn(key: string): string {
  return key.slice(0, key.lastIndexOf('-'));
}

function messageOfChange({ severity, alert }: Change, outcomes: readonly Delivery[], at: Date): Message {
  const past = { was: alert.kind, since: new Date(alert.since) };
  const exact = outcomes.find(({ memory }) => memory.key === alert.cause);
  const found = exact ?? outcomes.find(({ memory }) => nameIn(memory.key) === nameIn(alert.cause ?? ''));
  if (found === undefined) return over('a notifier that failed is no longer in the configuration', past, at);
  const { name } = found.notifier;
  if (severity === 'recovered') return over(`${name} can be told again`, past, at);
  return notifierFailed(
    [{ name, why: found.failures.map((error) => withoutName(name, messageOf(error))).join('; ') }],
    found.missed.map((one) => one.message),
    { at, ...(severity === 'reminder' && { since: past.since }) },
  );
}
