import type { Alert, Turn } from '../../contract/memory/outbox.ts';
import type { MessageKind } from '../../contract/events/message.ts';
import { clocksMs } from '../verdict/verdict.ts';

/**
 * What was found of one source (without a source: of all): the kinds that could be judged, and those that hold. `cause`
 * as in an alert.
 */
export type Sighting = {
  source?: string | undefined;
  cause?: string | undefined;
  judged: readonly MessageKind[];
  found: readonly MessageKind[];
};

/** Something to tell; `recovered` when it is over. `alert`: as it was before, or as it begins. */
export type Change = { severity: Turn; alert: Alert };

/** `silent`: alerts that end without a message, because another message says more. */
export type AlertPlan = { tell: Change[]; silent: Alert[]; open: Alert[] };

/**
 * Who judges: a configuration (`id`), and the others in use. Only the configuration that found something can end it.
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
/** What a failed drill means is reported by the check: the backup is damaged, or none was proven for too long. */
const once: readonly MessageKind[] = ['unconfigured', 'drill-failed'];

/**
 * Kinds that say whether there is a good backup: one replaces the other, and there is no all-clear while one of them
 * holds.
 */
const standing: readonly MessageKind[] = ['never', 'stale', 'missed', 'unknown', 'paused'];
const nobody: Judge = { others: new Set() };

/**
 * What a notifier is to be told: each thing when it begins, again a day later while it lasts (weekly for a pause, old
 * database clients, a waiting subscription and an overdue drill; never for a failed drill and an unconfigured source),
 * and when it is over. What was told as a group ends when all of it is over, or a day later. What could not be judged
 * stays as it is: while the vault can't be read, nothing recovers.
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

/** Identifies an alert: there is one per source, kind and cause. */
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
  // another checker may know more, or an archive may be unreachable for a day: the notice would come back within the
  // week
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
 * What is over waits for the rest of its group, but for no longer than a day. A notifier that failed is no part of the
 * group.
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
