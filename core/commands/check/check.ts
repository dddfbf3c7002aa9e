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

/** What a check has seen and told. What failed in telling is a failure of the check; what it has found is none. */
export type Checked = VaultSurvey & { told: Message[]; failures: unknown[] };

/**
 * `vault` opens further ones: without it, copies are not judged. `remember`: whether what was seen is written down beside the backups; true unless somebody only looks.
 */
export type CheckDeps = Partial<CopyLook> & {
  toolsNotices?: ((signal: AbortSignal) => Promise<Notice[] | undefined>) | undefined;
  /** Looks at what stands around the backups in an account of AWS. */
  account?: ((signal: AbortSignal) => Promise<AccountLook>) | undefined;
  store: Store;
  clock: Clock;
  notifiers: readonly Notifier[];
  meter: Meter;
  remember?: boolean;
  /** Every name of the configuration; without it, those that are checked. */
  sourceNames?: readonly string[];
};

/**
 * Judges every source by what stands in the vault, and its copies by what stands in theirs, and tells what has changed since the last check. `whole` says that
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
  // a check that could not tell, or not remember, emits no figures: whoever watches for them hears of it in another way
  if (failures.length === 0) deps.meter(figuresOf(seen));
  return { ...seen, told: announced.told, failures };
}

/**
 * Who of those that are told does not hear it. A topic that can't be asked hides nothing of another; undefined where
 * nothing is known to be wrong, and not all could be asked.
 */
export async function unheardOf(notifiers: readonly Notifier[], signal: AbortSignal): Promise<Notice[] | undefined> {
  const asked = await Promise.allSettled(notifiers.map(async (one) => (await one.unheard?.(signal)) ?? []));
  if (signal.aborted) throw abortError(signal);
  const found = asked.flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
  return found.length === 0 && asked.some(({ status }) => status === 'rejected') ? undefined : found;
}

/**
 * How many sources something was found of: one can be counted in several, and in `Problems` whatever was found. Each
 * figure costs, so not every kind has one.
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
