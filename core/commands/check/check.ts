import { abortError } from '../../domain/errors.ts';
import { isFirstAtWork } from '../../domain/watch/freshness.ts';
import type { Finding, Judgement, WatchedSource } from '../../domain/watch/freshness.ts';
import type { Message } from '../../contract/events/message.ts';
import type { Notice } from '../../domain/tools/notices.ts';
import type { AccountLook } from '../../domain/watch/account.ts';
import type { Clock, Meter, Notifier } from '../../ports.ts';
import type { Store } from '../../store/store.ts';
import { announce } from '../../telling/announce.ts';
import { rememberFound } from '../../survey/remember-found.ts';
import { surveyCopies } from '../../survey/survey-copies.ts';
import type { CopyLook } from '../../survey/survey-copies.ts';
import { surveyVault } from '../../survey/survey-vault.ts';
import type { VaultSurvey } from '../../survey/survey-vault.ts';

/**
 * What a check found and reported. `failures`: what failed while reporting or remembering; findings are not failures.
 */
export type Checked = VaultSurvey & { told: Message[]; failures: unknown[] };

/**
 * `vault` opens further vaults: without it, copies are not judged. `remember`: whether findings are written to the
 * vault; true unless somebody only looks.
 */
export type CheckDeps = Partial<CopyLook> & {
  toolsNotices?: ((signal: AbortSignal) => Promise<Notice[] | undefined>) | undefined;
  /** Looks at what surrounds the backups in an AWS account. */
  account?: ((signal: AbortSignal) => Promise<AccountLook>) | undefined;
  store: Store;
  clock: Clock;
  notifiers: readonly Notifier[];
  meter: Meter;
  remember?: boolean;
  /** Every source name of the configuration; default: the sources that are checked. */
  sourceNames?: readonly string[];
};

/**
 * Judges every source by its vault, and its copies by theirs, and reports what changed since the last check. `whole`:
 * these are all sources of the configuration.
 */
export async function check(
  sources: readonly WatchedSource[],
  { whole }: { whole: boolean },
  deps: CheckDeps,
  signal: AbortSignal,
): Promise<Checked> {
  const { store, clock, remember = true } = deps;
  const [looked, notices, unheard, account] = await Promise.all([
    surveyVault(sources, whole, { store, at: clock.now(), remember }, signal),
    deps.toolsNotices?.(signal),
    whole ? unheardOf(deps.notifiers, signal) : undefined,
    whole ? deps.account?.(signal) : undefined,
  ]);
  const { vault, copiesWithinMs } = deps;
  const seen = {
    ...(vault === undefined ? looked : await surveyCopies(looked, sources, { vault, copiesWithinMs }, signal)),
    notices,
    unheard,
    account,
  };
  const announced =
    deps.notifiers.length === 0
      ? { told: [], failures: [] }
      : await announce(seen, { sourceNames: sources.map(({ source }) => source), ...deps }, signal);
  const forgotten = remember ? await rememberFound(seen.judgements, store, signal) : [];
  const failures = [...seen.forgotten, ...announced.failures, ...forgotten];
  // a check that failed to report or to remember emits no figures, so that the alarm for silent checks fires
  if (failures.length === 0) deps.meter(figuresOf(seen));
  return { ...seen, told: announced.told, failures };
}

/**
 * Notifiers whose messages reach nobody. A topic that can't be asked does not hide what is known of the others;
 * undefined if nothing is known to be wrong and not all could be asked.
 */
export async function unheardOf(notifiers: readonly Notifier[], signal: AbortSignal): Promise<Notice[] | undefined> {
  const asked = await Promise.allSettled(notifiers.map(async (one) => (await one.unheard?.(signal)) ?? []));
  if (signal.aborted) throw abortError(signal);
  const found = asked.flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
  return found.length === 0 && asked.some(({ status }) => status === 'rejected') ? undefined : found;
}

/**
 * How many sources have each finding: a source may count in several, and in `Problems` with any. Each figure costs
 * money, so not every kind of finding has one.
 */
function figuresOf({ at, judgements, unconfigured }: VaultSurvey): Record<string, number> {
  const count = (...kinds: Finding['kind'][]): number => judgements.filter((one) => hasFound(one, ...kinds)).length;
  const fresh = judgements.filter(({ state }) => state === 'fresh').length;
  return {
    Checks: 1,
    Sources: judgements.length,
    Fresh: fresh,
    Problems: judgements.length - fresh - count('paused'),
    Stale: count('stale', 'missed'),
    Never: judgements.filter((one) => hasFound(one, 'never') && !isFirstAtWork(one, at)).length,
    Unknown: count('unknown'),
    Shrunk: count('shrunk'),
    OverdueDrill: count('overdue-drill'),
    Paused: count('paused'),
    Unconfigured: unconfigured.length,
  };
}

function hasFound({ findings }: Judgement, ...kinds: Finding['kind'][]): boolean {
  return findings.some(({ kind }) => kinds.includes(kind));
}
