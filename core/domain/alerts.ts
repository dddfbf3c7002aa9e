import type { Alert } from '../contract/alert-state.ts';
import type { MessageKind } from '../contract/message.ts';

/** What a check has seen of one source, or, without a source, of all: what holds of the kinds that it could judge. */
export type Sighting = { source?: string | undefined; judged: readonly MessageKind[]; found: readonly MessageKind[] };

/** Something to tell; `recovered` once it is over. `alert` is what it was before, or what it begins as. */
export type Change = { severity: 'problem' | 'reminder' | 'recovered'; alert: Alert };

/** `silent`: what is over without a word, because something else says more. */
export type Plan = { tell: Change[]; silent: Alert[]; open: Alert[] };

/** A check that runs once a day must not miss the day by seconds. */
const remindMs = 24 * 3_600_000 - 10 * 60_000;
const remindPausedMs = 7 * 24 * 3_600_000 - 10 * 60_000;

/** Kinds that say whether there is a good backup: one takes the place of the other, and no all-clear is given while one of them holds. */
const standing: readonly MessageKind[] = ['never', 'stale', 'unknown', 'paused'];

/**
 * What is to be told: each thing when it begins, again a day later while it lasts (a pause and old database clients each week, a source that left the configuration
 * never), and when it is over. What could not be judged stays as it is: while the vault can't be read, nothing recovers.
 */
export function planAlerts(open: readonly Alert[], sightings: readonly Sighting[], now: Date): Plan {
  const plan: Plan = { tell: [], silent: [], open: [] };
  const seen = new Set<string>();
  for (const { source, judged, found } of sightings) {
    for (const kind of judged) {
      const alert = open.find((one) => one.source === source && one.kind === kind);
      if (alert !== undefined) seen.add(keyOf(alert));
      if (found.includes(kind)) begin(alert, { ...(source !== undefined && { source }), kind, since: now.toISOString(), told: now.toISOString() }, now, plan);
      else if (alert !== undefined) end(alert, found, now, plan);
    }
  }
  plan.open.push(...open.filter((alert) => !seen.has(keyOf(alert))));
  return plan;
}

/** What is open after it was tried to tell: a thing that reached nobody stays as it was before, and is tried again by the next check. */
export function settle({ tell, open }: Plan, reached: (change: Change) => boolean, now: Date): Alert[] {
  const told = tell.flatMap((change) => {
    const { severity, alert } = change;
    if (!reached(change)) return severity === 'problem' ? [] : [alert];
    return severity === 'recovered' ? [] : [{ ...alert, told: now.toISOString() }];
  });
  return [...open, ...told].toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

/** An alert's place among others: there is one of a kind for a source. */
export function keyOf({ source, kind }: Pick<Alert, 'source' | 'kind'>): string {
  return JSON.stringify([source ?? null, kind]);
}

function begin(alert: Alert | undefined, fresh: Alert, now: Date, { tell, open }: Plan): void {
  if (alert === undefined) tell.push({ severity: 'problem', alert: fresh });
  else if (now.getTime() - Date.parse(alert.told) >= remindAfterMs(alert.kind)) tell.push({ severity: 'reminder', alert });
  else open.push(alert);
}

function end(alert: Alert, found: readonly MessageKind[], now: Date, { tell, silent, open }: Plan): void {
  // who checks elsewhere may know more, or an archive be out of reach for a day: within the week it would be told again
  if (alert.kind === 'tools-outdated' && now.getTime() - Date.parse(alert.told) < remindAfterMs(alert.kind)) {
    open.push(alert);
    return;
  }
  const hidden = alert.kind === 'unconfigured' || alert.kind === 'tools-outdated' || found.includes('paused') || found.includes('never') || (standing.includes(alert.kind) && found.some((kind) => standing.includes(kind)));
  if (hidden) silent.push(alert);
  else tell.push({ severity: 'recovered', alert });
}

function remindAfterMs(kind: MessageKind): number {
  return kind === 'unconfigured' ? Number.POSITIVE_INFINITY : kind === 'paused' || kind === 'tools-outdated' ? remindPausedMs : remindMs;
}
