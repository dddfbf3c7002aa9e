import type { Manifest } from '../../contract/manifest/manifest.ts';
import type { Message } from '../../contract/events/message.ts';
import { collected, isBackupError, messageOf } from '../../domain/errors.ts';
import { digestMessage } from '../../domain/messages/digest.ts';
import type { WatchedSource } from '../../domain/watch/freshness.ts';
import { mapConcurrently } from '../../pipeline/concurrency.ts';
import { outcomeOf } from '../../telling/outcome.ts';
import { check, unheardOf } from './check.ts';
import type { CheckDeps, Checked } from './check.ts';

/** Whether a notifier took a message. */
export type ToldOutcome = { name: string; failed: boolean; error?: unknown };
export type Digested = { message: Message; checked: Checked; outcomes: ToldOutcome[] };

/**
 * Whom a digest could not reach. Throws if it reached nobody: it can then be tried again without anybody getting it
 * twice.
 */
export function untoldOf(outcomes: readonly ToldOutcome[]): { untold?: string } {
  const lost = outcomes.filter(({ failed }) => failed);
  if (lost.length === 0) return {};
  const failure = collected(lost.map(({ error }) => error));
  if (lost.length === outcomes.length) throw failure;
  return { untold: messageOf(failure) };
}

/**
 * What a digest knows about cost. `monthly`: dollars for everything, from the newest backup of each source that has
 * one.
 */
export type DigestCost = {
  dollarsPerGb?: number | undefined;
  monthly?: ((newest: ReadonlyMap<string, Manifest>) => number) | undefined;
};

const manifestsAtOnce = 8;

/**
 * Judges all sources as a check does, and tells every notifier how everything stands. Remembers nothing, and does not
 * count as an alert.
 */
export async function digest(
  sources: readonly WatchedSource[],
  { notifiers, ...deps }: Omit<CheckDeps, 'meter'> & DigestCost,
  signal: AbortSignal,
): Promise<Digested> {
  const looking = { ...deps, notifiers: [], remember: false, meter: () => undefined };
  const [seen, unheard] = await Promise.all([
    check(sources, { whole: true }, looking, signal),
    unheardOf(notifiers, signal),
  ]);
  const checked = { ...seen, unheard };
  const monthly = await monthlyOf(checked, deps, signal);
  const message = digestMessage(checked, { dollarsPerGb: deps.dollarsPerGb, monthly });
  const outcomes = await Promise.all(
    notifiers.map(async (one) => ({ name: one.name, ...(await outcomeOf(one.notify(message, signal))) })),
  );
  return { message, checked: { ...checked, told: outcomes.some(({ failed }) => !failed) ? [message] : [] }, outcomes };
}

/** If a manifest can't be read, the estimate uses the configuration instead and is coarser. */
async function monthlyOf(
  { judgements }: Checked,
  { monthly, store }: Pick<CheckDeps, 'store'> & DigestCost,
  signal: AbortSignal,
): Promise<number | undefined> {
  if (monthly === undefined) return undefined;
  const known = judgements.flatMap(({ standing: { source, newest } }) =>
    newest === undefined ? [] : [{ source, newest }],
  );
  const read = await mapConcurrently(
    manifestsAtOnce,
    known,
    ({ source, newest }, stop) => outcomeOfRead(store.readManifest(source, newest, stop)),
    signal,
  );
  return monthly(
    new Map(read.flatMap((manifest, at) => (manifest === undefined ? [] : [[known[at]!.source, manifest]]))),
  );
}

async function outcomeOfRead(reading: ReturnType<CheckDeps['store']['readManifest']>): Promise<Manifest | undefined> {
  return reading.then(
    ({ manifest }) => manifest,
    (error: unknown) => {
      if (!isBackupError(error)) throw error;
      return undefined;
    },
  );
}
