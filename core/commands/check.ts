import type { Judgement, Watched } from '../domain/freshness.ts';
import type { Message } from '../domain/messages.ts';
import type { ToolsNotice } from '../domain/tools-notices.ts';
import type { Clock, Meter, Notifier, Vault } from '../ports.ts';
import { announce } from './announce.ts';
import { look } from './look.ts';
import type { Look } from './look.ts';

/** What a check has seen and told. What failed in telling is a failure of the check; what it has found is none. */
export type Checked = Look & { told: Message[]; failures: unknown[] };

export type CheckDeps = { toolsNotices?: ((signal: AbortSignal) => Promise<ToolsNotice[] | undefined>) | undefined; vault: Vault; clock: Clock; notifiers: readonly Notifier[]; meter: Meter };

/**
 * Judges every source by what stands in the vault, and tells what has changed since the last check. `whole` says that these are all
 * sources of the configuration.
 */
export async function check(sources: readonly Watched[], { whole }: { whole: boolean }, deps: CheckDeps, signal: AbortSignal): Promise<Checked> {
  const [looked, notices] = await Promise.all([look(sources, whole, { ...deps, at: deps.clock.now() }, signal), deps.toolsNotices?.(signal)]);
  const seen = { ...looked, notices };
  const announced = deps.notifiers.length === 0 ? { told: [], failures: [] } : await announce(seen, deps, signal);
  // a check that could not tell has not been one: whoever watches for the figures hears of it in another way
  if (announced.failures.length === 0) deps.meter(figuresOf(seen));
  return { ...seen, ...announced };
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
