import type { Alert } from '../contract/alert-state.ts';
import { keyOf, planAlerts, settle } from '../domain/alerts.ts';
import type { Change, Plan, Sighting } from '../domain/alerts.ts';
import { messageOfFinding } from '../domain/check-messages.ts';
import { isBackupError } from '../domain/errors.ts';
import type { Finding, Judgement } from '../domain/freshness.ts';
import { over, recovered, toolsOutdated, unconfigured, unknown } from '../domain/messages.ts';
import type { Message } from '../domain/messages.ts';
import type { Clock, Notifier, Vault } from '../ports.ts';
import { readAlerts, writeAlerts } from './alert-state.ts';
import type { AlertState } from './alert-state.ts';
import type { Look } from './look.ts';
import { tell } from './tell.ts';

type Deps = { vault: Vault; clock: Clock; notifiers: readonly Notifier[] };

const kinds = ['never', 'stale', 'gone', 'damaged', 'other-database', 'unknown', 'shrunk', 'overdue-drill', 'paused'] as const satisfies Finding['kind'][];
const writeLimitMs = 15_000;
const attempts = 5;

/**
 * Tells what has changed since the last check, and then writes down what was told: whoever is killed between the two tells twice. What
 * was told stands in the vault; while that can't be read, everything that is wrong is told at each check.
 */
export async function announce(look: Look, { vault, clock, notifiers }: Deps, signal: AbortSignal): Promise<{ told: Message[]; failures: unknown[] }> {
  const state = await readAlerts(vault, signal).catch((error: unknown) => {
    if (signal.aborted || !isBackupError(error)) throw error;
    return { open: [], version: undefined, error };
  });
  const plan = planAlerts(state.open, sightingsOf(look, state.open), look.at);
  const told: Message[] = [];
  const failures: unknown[] = [];
  const reached = new Set<string>();
  for (const change of plan.tell) {
    const message = messageOf(change, look);
    if (message === undefined) continue;
    const outcome = await tell(message, { notifiers, clock }, signal);
    failures.push(...outcome.failures);
    if (outcome.told.length === 0) continue;
    told.push(message);
    reached.add(idOf(change));
  }
  // that the vault can't be read is told already where nothing of it could be
  const kept = 'error' in state ? (look.vault !== undefined || look.judgements.every(isUnknown) ? [] : [state.error]) : await keep(look, plan, state, reached, vault);
  return { told, failures: [...failures, ...kept] };
}

/** What could be judged of each source, and what of it holds. */
function sightingsOf({ whole, judgements, unconfigured: others, vault, notices }: Look, open: readonly Alert[]): Sighting[] {
  const all: Sighting[] = whole ? [{ judged: ['unknown'], found: vault === undefined ? [] : ['unknown'] }, ...toolsSighting(notices)] : [];
  if (vault !== undefined) return all;
  const left = open.flatMap(({ source, kind }) => (kind === 'unconfigured' && source !== undefined && !judgements.some(({ standing }) => standing.source === source) ? [source] : []));
  const gone = others.flatMap(({ source, old }) => (old ? [source as string] : []));
  return [
    ...all,
    ...judgements.map(sightingOf),
    ...(whole ? [...new Set([...gone, ...left])].map((source): Sighting => ({ source, judged: ['unconfigured'], found: gone.includes(source) ? ['unconfigured'] : [] })) : []),
  ];
}

function toolsSighting(notices: Look['notices']): Sighting[] {
  return notices === undefined ? [] : [{ judged: ['tools-outdated'], found: notices.length === 0 ? [] : ['tools-outdated'] }];
}

/** Where a source as a whole is unknown, nothing else can be judged. One that is fresh has come back to some configuration. */
function sightingOf(judgement: Judgement): Sighting {
  const { standing: { source }, state, findings } = judgement;
  const found = [...new Set(findings.map(({ kind }) => kind))];
  if (isUnknown(judgement)) return { source, judged: ['unknown', 'paused'], found };
  return { source, judged: state === 'fresh' ? [...kinds, 'unconfigured'] : kinds, found };
}

function isUnknown({ findings }: Judgement): boolean {
  return findings.some((one) => one.kind === 'unknown' && one.whole);
}

function messageOf({ severity, alert: { source, kind, since } }: Change, { at, place, judgements, unconfigured: others, vault, notices = [] }: Look): Message | undefined {
  const past = { was: kind, since: new Date(since) };
  const telling = { at, ...(severity === 'reminder' && { since: past.since }) };
  if (kind === 'tools-outdated') return toolsOutdated(notices, telling);
  if (source === undefined) return severity === 'recovered' ? over('the vault can be read again', past, at) : unknown({ place, why: '', ...vault }, telling);
  const other = others.find((one) => one.source === source);
  if (kind === 'unconfigured') return other && { ...unconfigured({ ...other, place }, telling), severity: 'info' };
  const judgement = judgements.find(({ standing }) => standing.source === source);
  if (judgement === undefined) return undefined;
  return severity === 'recovered' ? recovered(judgement.standing, past, at) : messageOfFinding(judgement, kind as Finding['kind'], telling);
}

/** Writes what is open now. Where another check has written meanwhile, what it has told counts, too. */
async function keep(look: Look, first: Plan, before: AlertState, reached: ReadonlySet<string>, vault: Vault): Promise<unknown[]> {
  const signal = AbortSignal.timeout(writeLimitMs);
  let plan = first;
  let state = before;
  for (let left = attempts; ; left -= 1) {
    try {
      const open = settle(plan, (change) => reached.has(idOf(change)), look.at);
      if (JSON.stringify(open) !== JSON.stringify(state.open)) await writeAlerts({ ...state, open }, vault, signal);
      return [];
    } catch (error) {
      if (!isBackupError(error, 'object-exists') || left <= 1) return [error];
    }
    try {
      state = await readAlerts(vault, signal);
      plan = planAlerts(state.open, sightingsOf(look, state.open), look.at);
    } catch (error) {
      return [error];
    }
  }
}

function idOf({ severity, alert }: Change): string {
  return `${severity === 'recovered' ? 'over' : 'on'} ${keyOf(alert)}`;
}
