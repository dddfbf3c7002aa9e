import { messageKinds } from '../../contract/events/message.ts';
import type { Fact, Message, MessageKind } from '../../contract/events/message.ts';
import type { WaitingMessage } from '../../contract/memory/outbox.ts';
import { shortened } from './plain.ts';
import { fact, moment } from './text.ts';
import { formatCount } from '../units.ts';

/** One message, and the items that it tells. `group`: what was told together, if more than one. */
export type Envelope = { message: Message; items: WaitingMessage[]; group?: string };

/** How many messages a notifier gets at once at most, whatever has happened. */
export const mostMessages = 3;
/** Groups leave room for the message that another notifier failed. */
const mostGroups = 2;
const shownNames = 30;
const longestList = 1500;
const listedSources = 200;
const lateMs = 5 * 60_000;

/** How several sources are mentioned at once; a kind that is missing here is mentioned by its name. */
const together: Partial<Record<MessageKind, { on: string; over: string }>> = {
  stale: { on: 'are stale', over: 'are fresh again' },
  missed: { on: 'have no backup of a moment of their schedule', over: 'have the next backup of their schedule' },
  'lease-stuck': { on: 'have a lease that keeps every run out', over: 'have a lease that is free again' },
  never: { on: 'have no backup', over: 'have a backup' },
  unknown: { on: "can't be judged", over: 'can be judged again' },
  'copy-behind': { on: 'have a copy that is behind', over: 'have copies that are complete again' },
  'copy-unknown': { on: "can't be read: nobody knows how their copies stand", over: 'can be read again' },
  'overdue-drill': { on: 'have no backup that was proven lately', over: 'are proven again' },
  shrunk: { on: 'hold far less than usual', over: 'are as large as usual again' },
  paused: { on: 'are paused in the configuration', over: 'are no longer paused' },
  unconfigured: {
    on: 'are no longer in the configuration, and still have backups',
    over: 'are in the configuration again',
  },
  'schedule-disabled': { on: 'are switched off', over: 'are on again' },
  'schedule-missing': { on: 'are not there', over: 'are there again' },
  uncovered: { on: 'are in no source: nobody backs them up here', over: 'are covered now, or gone' },
  'discovery-failed': { on: 'could not look for databases by tag', over: 'can look for databases by tag again' },
  'account-unseen': { on: "can't be looked at in the account", over: 'can be looked at in the account again' },
  'backup-failed': { on: 'could not be backed up', over: 'are backed up again' },
  gone: { on: 'have lost backups that no rotation removed', over: 'have their backups back, or it was accepted' },
  damaged: { on: 'have damaged backups', over: 'have no damaged backup left' },
  'other-database': {
    on: 'have a newest backup of another database',
    over: 'have backups of the database that was expected, or it was accepted',
  },
  'restore-failed': { on: 'could not be restored', over: 'are restored again' },
  'verify-failed': { on: 'have a backup that did not pass its verification', over: 'are verified again' },
  'rotation-failed': { on: 'could not be rotated', over: 'are rotated again' },
  'drill-failed': { on: 'failed a drill', over: 'are drilled again' },
  'copy-failed': { on: 'could not be copied', over: 'are copied again' },
  'hook-failed': { on: 'have a hook that failed', over: 'have hooks that are called again' },
  'notifier-failed': { on: 'failed: somebody was not told', over: 'can be told again' },
};

/** What a message without a source is about. */
const nouns: Partial<Record<MessageKind, string>> = {
  'notifier-failed': 'notifiers',
  'copy-unknown': 'further vaults',
  'schedule-disabled': 'schedules',
  'schedule-missing': 'schedules',
  uncovered: 'databases of RDS',
  'account-unseen': 'kinds of things',
};

/**
 * Waiting items as at most `room` messages, in order: a few each alone, many grouped by kind, very many as problems and
 * all-clears.
 */
export function messagesOf(items: readonly WaitingMessage[], at: Date, room: number = mostMessages): Envelope[] {
  const ways = [
    { most: mostMessages, of: aloneOf },
    { most: mostGroups, of: kindOf },
    { most: mostGroups, of: turnOf },
  ];
  const { of } = ways.find(({ most, of: way }) => new Set(items.map(way)).size <= Math.min(room, most)) ?? ways.at(-1)!;
  return [...Map.groupBy(items, of).values()].slice(0, room).map((group) => envelope(group, at));
}

/** Notifiers that failed are always one message. */
function aloneOf(item: WaitingMessage): unknown {
  return item.alert.kind === 'notifier-failed' ? kindOf(item) : item;
}

function kindOf(item: WaitingMessage): string {
  return `${turnOf(item)} ${item.alert.kind}`;
}

function turnOf({ severity }: WaitingMessage): string {
  return severity === 'recovered' ? 'over' : 'on';
}

function envelope(items: WaitingMessage[], at: Date): Envelope {
  const [first, ...others] = items;
  if (others.length === 0) return { message: late(first!.message, at), items };
  const over = first!.severity === 'recovered';
  const kinds = messageKinds.filter((kind) => items.some(({ alert }) => alert.kind === kind));
  const [kind = first!.alert.kind, ...otherKinds] = kinds;
  const message: Message = {
    version: 1,
    kind: over ? 'recovered' : kind,
    severity: severityOf(items),
    sources: [...new Set(items.flatMap(({ alert }) => alert.source ?? []))].slice(0, listedSources),
    subject: otherKinds.length === 0 ? subjectOf(kind, items, over) : mixedSubject(kinds, items, over),
    facts:
      otherKinds.length === 0
        ? factsOf(items)
        : kinds.map((one) =>
            listOf(
              one,
              items.filter(({ alert }) => alert.kind === one),
            ),
          ),
    next: over ? [] : [kind === 'notifier-failed' ? 'nightjar notify' : 'nightjar check'],
    runbook: over ? 'recovered' : kind,
    at: at.toISOString(),
  };
  return { message, items, group: `${at.toISOString()} ${kind}` };
}

function severityOf(items: readonly WaitingMessage[]): Message['severity'] {
  const severities = items.map(({ message }) => message.severity);
  return (['recovered', 'problem', 'reminder'] as const).find((one) => severities.includes(one)) ?? 'info';
}

/** `40 sources are stale, all on db-1` */
function subjectOf(kind: MessageKind, items: readonly WaitingMessage[], over: boolean): string {
  const noun = nouns[kind] ?? 'sources';
  const said = together[kind]?.[over ? 'over' : 'on'] ?? `${over ? 'no longer ' : ''}${kind}`;
  const count = kind in nouns ? items.length : new Set(items.map(({ alert }) => alert.source)).size;
  const [cause, on] = [common(items, ({ alert }) => alert.cause), common(items, (item) => item.on)];
  const why = cause === undefined || over || noun !== 'sources' ? '' : `: ${cause}`;
  const where = on === undefined || over ? '' : `, all on ${on}`;
  const space = /^(are|have|hold|can|could|failed)/.test(said) ? ' ' : ': ';
  return `${formatCount(count)} ${noun}${space}${said}${why}${where}`;
}

/** `57 problems: 40 stale, 17 shrunk` */
function mixedSubject(kinds: readonly MessageKind[], items: readonly WaitingMessage[], over: boolean): string {
  const counts = kinds.map((kind) => `${formatCount(items.filter(({ alert }) => alert.kind === kind).length)} ${kind}`);
  return `${formatCount(items.length)} problems${over ? ' are over' : ''}: ${counts.join(', ')}`;
}

/** A few sources with the finding of each; many by cause and server. */
function factsOf(items: readonly WaitingMessage[]): Fact[] {
  if (items.every(({ alert }) => alert.source === undefined))
    return items.flatMap(({ message }, index) =>
      index === items.length - 1 ? message.facts : message.facts.slice(0, 1),
    );
  if (items.length <= 10)
    return items.map((item) =>
      fact(nameOf(item), `${item.message.subject}${item.severity === 'reminder' ? ' (told before)' : ''}`),
    );
  const groups = Map.groupBy(items, ({ alert: { cause }, on }) =>
    [cause, on === undefined ? undefined : `on ${on}`].filter((part) => part !== undefined).join(' '),
  );
  return [...groups].slice(0, shownNames).map(([label, group]) => listOf(label === '' ? 'Sources' : label, group));
}

function listOf(label: string, items: readonly WaitingMessage[]): Fact {
  const names = [...new Set(items.map(nameOf))];
  const more = names.length - shownNames;
  const list = shortened(names.slice(0, shownNames).join(', '), longestList);
  return fact(
    `${label} (${formatCount(names.length)})`,
    `${list}${more > 0 ? `, … and ${formatCount(more)} more` : ''}`,
  );
}

function nameOf({ alert, message }: WaitingMessage): string {
  return alert.source ?? message.subject;
}

function common(
  items: readonly WaitingMessage[],
  of: (item: WaitingMessage) => string | undefined,
): string | undefined {
  const [value, ...others] = new Set(items.map(of));
  return others.length === 0 ? value : undefined;
}

/** A finding that is told much later says when it was found. */
function late(message: Message, at: Date): Message {
  const found = new Date(message.at);
  if (at.getTime() - found.getTime() < lateMs) return message;
  return {
    ...message,
    at: at.toISOString(),
    facts: [...message.facts, fact('Delayed', `written at ${moment(found)}, and could not be told here before`)],
  };
}
