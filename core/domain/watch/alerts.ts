import type { Alert, Turn } from '../../contract/memory/outbox.ts';
import type { MessageKind } from '../../contract/events/message.ts';
import { clocksMs } from '../verdict/verdict.ts';

/**
 * What was seen of one source, or, without a source, of all: what holds of the kinds that could be judged. `cause` as
 * in an alert.
 */
export type Sighting = {
  source?: string | undefined;
  cause?: string | undefined;
  judged: readonly MessageKind[];
  found: readonly MessageKind[];
};

/** Something to tell; `recovered` once it is over. `alert` is what it was before, or what it begins as. */
export type Change = { severity: Turn; alert: Alert };

/** `silent`: what is over without a word, because something else says more. */
export type AlertPlan = { tell: Change[]; silent: Alert[]; open: Alert[] };

/**
 * Who judges: a configuration, and those beside it that are at work. What another one found is its own to take back.
 */
export type Judge = { id?: string | undefined; others: ReadonlySet<string> };

/** A check that runs once a day must not miss the day by seconds. */
const remindMs = 24 * 3_600_000 - 10 * 60_000;
const remindWeeklyMs = 7 * 24 * 3_600_000 - 10 * 60_000;
/** Nothing of these needs anybody today. */
const weekly: readonly MessageKind[] = [
  'paused',
  'tools-outdated',
  'overdue-drill',
  'unconfirmed',
  'schedule-disabled',
  'schedule-missing',
  'uncovered',
  'account-unseen',
];
/** Of a drill that failed, a check says what it means: the backup is damaged, or none was proven for too long. */
const once: readonly MessageKind[] = ['unconfigured', 'drill-failed'];

/**
 * Kinds that say whether there is a good backup: one takes the place of the other, and no all-clear is given while one
 * of them holds.
 */
const standing: readonly MessageKind[] = ['never', 'stale', 'missed', 'unknown', 'paused'];
const nobody: Judge = { others: new Set() };

/**
 * What a notifier is to be told: each thing when it begins, again a day later while it lasts (a pause, old database
 * clients, a subscription that waits and an overdue drill each week; a drill that failed and a source that left the configuration never), and when
 * it is over: what was told as a group, when all of it is over, or a day later. What could not be judged stays as it is:
 * while the vault can't be read, nothing recovers.
 */
export function planAlerts(
  open: readonly Alert[],
  sightings: readonly Sighting[],
  now: Date,
  judge: Judge = nobody,
): AlertPlan {
  const plan: AlertPlan = { tell: [], silent: [], open: [] };
  const known = new Map(open.map((alert) => [keyOf(alert), alert]));
  for (const { source, cause, judged, found } of sightings) {
    for (const kind of judged) {
      const fresh = {
        ...(source !== undefined && { source }),
        kind,
        ...(cause !== undefined && { cause }),
        since: now.toISOString(),
        told: now.toISOString(),
      };
      const alert = known.get(keyOf(fresh));
      known.delete(keyOf(fresh));
      if (found.includes(kind)) begin(alert, fresh, now, judge, plan);
      else if (alert !== undefined) end(alert, found, judge, now, plan);
    }
  }
  plan.open.push(...known.values());
  return holdBack(plan, now);
}

/** An alert's place among others: there is one of a kind (and cause) for a source. */
export function keyOf({ source, kind, cause }: Pick<Alert, 'source' | 'kind' | 'cause'>): string {
  return JSON.stringify([source ?? null, kind, ...(cause === undefined ? [] : [cause])]);
}

function begin(alert: Alert | undefined, fresh: Alert, now: Date, { id }: Judge, { tell, open }: AlertPlan): void {
  const by = id === undefined ? alert?.by : [...new Set([...(alert?.by ?? []), id])].toSorted();
  const { over: _, ...held }: Alert = { ...(alert ?? fresh), ...(by && { by }) };
  if (alert === undefined) tell.push({ severity: 'problem', alert: held });
  else if (isDue(alert, now)) tell.push({ severity: 'reminder', alert: held });
  else open.push(held);
}

function end(
  alert: Alert,
  found: readonly MessageKind[],
  { id, others }: Judge,
  now: Date,
  { tell, silent, open }: AlertPlan,
): void {
  const by = alert.by?.filter((one) => one !== id && others.has(one)) ?? [];
  // who checks elsewhere may know more, or an archive be out of reach for a day: within the week it would be told again
  const stays = alert.kind === 'tools-outdated' && !isDue(alert, now);
  const hidden =
    alert.kind === 'unconfigured' ||
    alert.kind === 'tools-outdated' ||
    found.includes('paused') ||
    found.includes('never') ||
    (standing.includes(alert.kind) && found.some((kind) => standing.includes(kind)));
  if (stays) open.push(alert);
  else if (by.length > 0) open.push({ ...alert, by });
  else if (hidden) silent.push(alert);
  else tell.push({ severity: 'recovered', alert });
}

/**
 * What is over waits for the rest of its group, but for no longer than a day. That somebody could not be told is no
 * trouble of the group.
 */
function holdBack({ tell, silent, open }: AlertPlan, now: Date): AlertPlan {
  const lasting = new Set(
    [
      ...open.filter(({ over, kind }) => over === undefined && kind !== 'notifier-failed'),
      ...tell.flatMap(({ severity, alert }) => (severity === 'reminder' ? [alert] : [])),
    ].map(({ group }) => group),
  );
  const waits = ({ severity, alert }: Change): boolean =>
    severity === 'recovered' &&
    alert.group !== undefined &&
    lasting.has(alert.group) &&
    !isToldFor(remindMs, alert, now);
  const held = tell.filter(waits).map(({ alert }): Alert => ({ ...alert, over: alert.over ?? now.toISOString() }));
  return { tell: tell.filter((change) => !waits(change)), silent, open: [...open, ...held] };
}

function isDue(alert: Alert, now: Date): boolean {
  return isToldFor(remindAfterMs(alert.kind), alert, now);
}

function isToldFor(ms: number, { told }: Alert, now: Date): boolean {
  const agoMs = now.getTime() - Date.parse(told);
  return agoMs >= ms || agoMs < -clocksMs;
}

function remindAfterMs(kind: MessageKind): number {
  if (once.includes(kind)) return Number.POSITIVE_INFINITY;
  return weekly.includes(kind) ? remindWeeklyMs : remindMs;
}
