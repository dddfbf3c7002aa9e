import type { Alert, Outbox, WaitingMessage } from '../../contract/memory/outbox.ts';
import { keyOf, planAlerts } from './alerts.ts';
import type { Change, Judge, Sighting } from './alerts.ts';
import { shortened } from '../messages/plain.ts';
import { runKinds } from '../messages/run.ts';

export type { Outbox, WaitingMessage };

/** Nothing was told, and nothing waits. */
export const emptyOutbox: Outbox = { open: [], waiting: [], left: 0 };

/** The items that one message has told; `group`: identifies those told together. */
export type Delivered = { items: readonly WaitingMessage[]; group?: string | undefined };

/** Nobody works on one message for longer. */
const longestTryMs = 10 * 60_000;

/**
 * An outbox is a small object: how many messages wait whole, how many more by subject only, and how many alerts are
 * remembered.
 */
export const outboxLimits = { whole: 40, waiting: 400, open: 4000, value: 500, facts: 12 } as const;

/**
 * Adds findings to an outbox. Waiting messages about the same things are replaced by what holds now: what is over and
 * was never told is dropped. `itemOf` makes the message of a change; without a message, nothing is told and nothing
 * forgotten.
 */
export function withSightings(
  box: Outbox,
  sightings: readonly Sighting[],
  now: Date,
  judge: Judge,
  itemOf: (change: Change) => WaitingMessage | undefined,
): Outbox {
  const seen = new Map(
    sightings.flatMap(({ source, cause, judged, found }) =>
      judged.map((kind): [string, boolean] => [keyOf({ source, cause, kind }), found.includes(kind)]),
    ),
  );
  const known = presumed(box, ({ severity, alert }) => seen.get(keyOf(alert)) === (severity === 'recovered'), now);
  const plan = planAlerts(known.open, sightings, now, judge);
  const items = plan.tell.flatMap((change) => itemOf(change) ?? []);
  const stillTold = plan.tell.flatMap(({ severity, alert }) => (severity === 'problem' ? [] : [alert]));
  return { ...box, open: sorted([...plan.open, ...stillTold]), waiting: merged(known.waiting, seen, items) };
}

/**
 * A run that was killed while telling may or may not have told a message. If that no longer holds, it counts as told,
 * so that its end is told, too: better one all-clear too many than none.
 */
function presumed(box: Outbox, isOver: (one: WaitingMessage) => boolean, now: Date): Outbox {
  const tried = box.waiting.filter((one) => one.trying !== undefined && isOver(one));
  return withDelivered(
    box,
    tried.map((one) => ({ items: [one] })),
    now,
  );
}

/**
 * Findings about missing backups: a check tells when they are over, and its all-clear also stands for that of the run.
 */
const missing: readonly Alert['kind'][] = ['never', 'stale', 'missed'];

/** Failures of a configuration, or of what it needs, because of which no run can begin: any good run ends them. */
const ofConfiguration: readonly (string | undefined)[] = ['config-invalid', 'secret-missing'];
/** A configuration that still finds something would have told it again by then. */
const foundAgainMs = 26 * 3_600_000;

type GoodRun = Pick<Alert, 'source' | 'kind'> & { by: string };
type ItemOfEnd = (change: Change, ended: readonly Alert[]) => WaitingMessage;

/**
 * Adds the good end of a run to an outbox. Whatever was told of this kind and source, of any cause, is over, and that
 * is told once; so is the alert that no run of this kind could begin. Failures that never reached this notifier are
 * dropped. What another configuration than `by` found stays.
 */
export function withGoodRun(box: Outbox, { source, kind, by }: GoodRun, now: Date, itemOf: ItemOfEnd): Outbox {
  const isOwn = (alert: Alert): boolean => alert.source === source;
  const isOf = (alert: Alert): boolean =>
    alert.kind === kind &&
    (isOwn(alert) || (alert.source === undefined && ofConfiguration.includes(alert.cause))) &&
    !isFoundElsewhere(alert, by, now);
  const before = presumed(box, ({ severity, alert }) => isOf(alert) && severity !== 'recovered', now);
  const ended = before.open.filter(isOf);
  const saidByCheck =
    kind === 'backup-failed' && before.open.some((alert) => isOwn(alert) && missing.includes(alert.kind));
  const first = ended.find((alert) => isOwn(alert) && !saidByCheck) ?? ended.find((alert) => !isOwn(alert));
  const known = {
    ...before,
    open: before.open.filter((alert) => !isOf(alert) || alert === first),
    waiting: before.waiting.filter(({ severity, alert }) => !isOf(alert) || severity === 'recovered'),
  };
  const over: Sighting[] =
    first === undefined ? [] : [{ source: first.source, cause: first.cause, judged: [kind], found: [] }];
  return withSightings(
    known,
    [...over, ...endedRuns(known).filter((other) => other.source !== source)],
    now,
    { others: new Set() },
    (change) => itemOf(change, change.alert === first ? ended : [change.alert]),
  );
}

/** Whether another configuration has found it lately, too: then only that one can end it. */
export function isFoundElsewhere(alert: Alert, own: string, now: Date): boolean {
  return (alert.by ?? []).some((one) => one !== own) && isFoundLately(alert, now);
}

/** Whether somebody may still find it: then it would be told again within a day. */
export function isFoundLately({ told }: Alert, now: Date): boolean {
  return now.getTime() - Date.parse(told) < foundAgainMs;
}

/** Failures of runs that are over and wait for the rest of their group: no run will report them again. */
export function endedRuns({ open }: Outbox): Sighting[] {
  return open.flatMap(({ source, kind, cause, over }) =>
    over === undefined || !runKinds.includes(kind) ? [] : [{ source, cause, judged: [kind], found: [] }],
  );
}

/**
 * What is to be sent now: what waits, except what somebody else is sending at this moment. Messages of a sender that
 * was killed wait until its time is over.
 */
export function toSend({ waiting }: Outbox, now: Date): WaitingMessage[] {
  const [from, to] = [now.toISOString(), new Date(now.getTime() + longestTryMs).toISOString()];
  return waiting.filter(({ trying }) => trying === undefined || trying <= from || trying > to);
}

/** Marks these items as being sent until a time or, without one, as no longer being sent. */
export function withTrying(box: Outbox, items: readonly WaitingMessage[], until: Date | undefined): Outbox {
  const keys = new Set(items.map(({ alert }) => keyOf(alert)));
  return { ...box, waiting: box.waiting.map((one) => (keys.has(keyOf(one.alert)) ? tried(one, until) : one)) };
}

function tried({ trying: _, ...one }: WaitingMessage, until: Date | undefined): WaitingMessage {
  return until === undefined ? one : { ...one, trying: until.toISOString() };
}

/** Records in an outbox what has been delivered, whoever has written it meanwhile. */
export function withDelivered(box: Outbox, delivered: readonly Delivered[], now: Date): Outbox {
  const open = new Map(box.open.map((alert) => [keyOf(alert), alert]));
  let { waiting } = box;
  for (const { items, group } of delivered) {
    for (const { severity, alert } of items) {
      const key = keyOf(alert);
      if (severity === 'recovered') open.delete(key);
      else open.set(key, toldNow(alert, open.get(key), severity === 'problem', group, now));
      waiting = waiting.filter(
        (one) => keyOf(one.alert) !== key || (one.severity === 'recovered') !== (severity === 'recovered'),
      );
    }
  }
  return { ...box, open: sorted([...open.values()]), waiting, left: waiting.length === 0 ? 0 : box.left };
}

/** An outbox limited to the size that is stored. */
export function bounded(box: Outbox): Outbox {
  const { whole, waiting: most, open: mostOpen } = outboxLimits;
  const waiting = box.waiting.slice(0, most).map((one, index) => (index < whole ? shortFacts(one) : bare(one)));
  const open =
    box.open.length <= mostOpen
      ? box.open
      : sorted(box.open.toSorted((a, b) => (a.told < b.told ? 1 : -1)).slice(0, mostOpen));
  return { ...box, open, waiting, left: box.left + Math.max(0, box.waiting.length - most) };
}

function toldNow(
  alert: Alert,
  before: Alert | undefined,
  begins: boolean,
  group: string | undefined,
  now: Date,
): Alert {
  const { group: _, ...rest } = { ...before, ...alert };
  return {
    ...rest,
    since: begins ? (before?.since ?? now.toISOString()) : alert.since,
    told: now.toISOString(),
    ...(group !== undefined && { group }),
  };
}

/** A waiting message keeps its place and gets today's text. */
function merged(
  waiting: readonly WaitingMessage[],
  judged: ReadonlyMap<string, unknown>,
  items: readonly WaitingMessage[],
): WaitingMessage[] {
  const news = new Map(items.map((item) => [keyOf(item.alert), item]));
  const kept = waiting.flatMap((one) => {
    const key = keyOf(one.alert);
    const item = news.get(key);
    news.delete(key);
    if (item === undefined) return judged.has(key) ? [] : one;
    return one.trying === undefined ? item : { ...item, trying: one.trying };
  });
  return [...kept, ...news.values()];
}

function shortFacts(one: WaitingMessage): WaitingMessage {
  const { facts: most, value: longest } = outboxLimits;
  const facts = one.message.facts
    .slice(0, most)
    .map(({ label, value }) => ({ label, value: shortened(value, longest) }));
  return { ...one, message: { ...one.message, facts } };
}

function bare(one: WaitingMessage): WaitingMessage {
  return { ...one, message: { ...one.message, facts: [], next: [] } };
}

function sorted(open: readonly Alert[]): Alert[] {
  return open.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}
