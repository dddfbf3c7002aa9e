import { isBackupError, messageOf } from '../domain/errors.ts';
import { judge, unseen } from '../domain/freshness.ts';
import type { Judgement, Watched } from '../domain/freshness.ts';
import type { SourceHistory } from '../domain/history.ts';
import { sourceSegment } from '../domain/keys.ts';
import type { BackupId, SourceName } from '../domain/keys.ts';
import type { Message } from '../domain/messages.ts';
import type { Clock, Meter, Notifier, Vault } from '../ports.ts';
import { announce } from './announce.ts';
import { atOnce } from './at-once.ts';
import { listHistories, observe } from './observe.ts';

/** A source that has backups in the vault and is not in the configuration. `old`: nobody makes new ones. */
export type Unconfigured = { source: SourceName; newest: BackupId; count: number; old: boolean };

/** What a check has seen. `vault`: why none of it could be read. `whole`: every source was looked at, and what else lies in the vault. */
export type Look = { at: Date; place: string; whole: boolean; judgements: Judgement[]; unconfigured: Unconfigured[]; vault?: { why: string; hint?: string | undefined } };

/** What a check has seen and told. What failed in telling is a failure of the check; what it has found is none. */
export type Checked = Look & { told: Message[]; failures: unknown[] };

export type CheckDeps = { vault: Vault; clock: Clock; notifiers: readonly Notifier[]; meter: Meter };

const sourcesAtOnce = 4;
/** A source that another configuration still backs up has left nothing. */
const oldMs = 25 * 3_600_000;

/**
 * Judges every source by what stands in the vault, and tells what has changed since the last check. `whole` says that these are all
 * sources of the configuration. Everything is looked at, whatever is found; a vault that can't be read is a finding.
 */
export async function check(sources: readonly Watched[], { whole }: { whole: boolean }, deps: CheckDeps, signal: AbortSignal): Promise<Checked> {
  const seen = await look(sources, whole, deps, signal);
  const announced = deps.notifiers.length === 0 ? { told: [], failures: [] } : await announce(seen, deps, signal);
  // a check that could not tell has not been one: whoever watches for the figures hears of it in another way
  if (announced.failures.length === 0) deps.meter(figuresOf(seen));
  return { ...seen, ...announced };
}

async function look(sources: readonly Watched[], whole: boolean, { vault, clock }: CheckDeps, signal: AbortSignal): Promise<Look> {
  const at = clock.now();
  const common = { at, place: vault.place, whole };
  const listed = await orUnknown(() => listHistories(whole ? [''] : sources.map(({ source }) => `${sourceSegment(source)}/`), vault, signal), signal);
  if ('why' in listed) return { ...common, judgements: sources.map((one) => unseen(one, listed, at)), unconfigured: [], vault: listed };
  const found = await atOnce(sourcesAtOnce, sources, async (watched, stop) => {
    const history = listed.get(watched.source) ?? { source: watched.source, backups: [], leftovers: [], failures: [] };
    const seen = await orUnknown(() => observe(history, vault, stop), stop);
    return 'why' in seen ? { judgement: unseen(watched, seen, at), failed: seen } : { judgement: judge(watched, seen, at), read: seen.measures.length > 0 };
  }, signal);
  const failed = found.find((one) => one.failed !== undefined)?.failed;
  return {
    ...common,
    judgements: found.map(({ judgement }) => judgement),
    unconfigured: whole ? unconfiguredOf(listed, sources, at) : [],
    // one of many that can't be read is its own matter, all of them are the vault's
    ...(whole && failed !== undefined && !found.some(({ read }) => read === true) && { vault: failed }),
  };
}

type Unknown = { why: string; hint: string | undefined };

/** What the vault answers, or why it can't be known. Being stopped, or a defect, is no answer of a vault. */
async function orUnknown<T extends object>(ask: () => Promise<T>, signal: AbortSignal): Promise<T | Unknown> {
  try {
    return await ask();
  } catch (error) {
    if (signal.aborted || !isBackupError(error)) throw error;
    return { why: `${messageOf(error)} (${error.code})`, hint: error.hint };
  }
}

function unconfiguredOf(histories: ReadonlyMap<SourceName, SourceHistory>, sources: readonly Watched[], at: Date): Unconfigured[] {
  return [...histories.values()].flatMap(({ source, backups }) => {
    const newest = backups.at(-1);
    if (newest === undefined || sources.some((one) => one.source === source)) return [];
    return [{ source, newest: newest.id, count: backups.length, old: at.getTime() - newest.start.getTime() > oldMs }];
  });
}

function figuresOf({ judgements, unconfigured }: Look): Record<string, number> {
  const count = (...states: Judgement['state'][]): number => judgements.filter(({ state }) => states.includes(state)).length;
  return {
    Checks: 1,
    Sources: judgements.length,
    Fresh: count('fresh'),
    Problems: judgements.length - count('fresh', 'paused'),
    Stale: count('stale'),
    Never: count('never'),
    Unknown: count('unknown'),
    Shrunk: count('shrunk'),
    OverdueDrill: count('overdue-drill'),
    Paused: count('paused'),
    Unconfigured: unconfigured.length,
  };
}
