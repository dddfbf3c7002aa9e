import type { Message } from '../../contract/events/message.ts';
import { collected, messageOf } from '../../domain/errors.ts';
import { digestMessage } from '../../domain/messages/digest.ts';
import type { WatchedSource } from '../../domain/watch/freshness.ts';
import { outcomeOf } from '../../telling/outcome.ts';
import { check, unheardOf } from './check.ts';
import type { CheckDeps, Checked } from './check.ts';

/** Whether a notifier took a message. */
export type ToldOutcome = { name: string; failed: boolean; error?: unknown };
export type Digested = { message: Message; checked: Checked; outcomes: ToldOutcome[] };

/**
 * Whom a digest could not be told. Where it could be told nobody, that is thrown: it may be tried again as a whole, and
 * comes to nobody twice.
 */
export function untoldOf(outcomes: readonly ToldOutcome[]): { untold?: string } {
  const lost = outcomes.filter(({ failed }) => failed);
  if (lost.length === 0) return {};
  const failure = collected(lost.map(({ error }) => error));
  if (lost.length === outcomes.length) throw failure;
  return { untold: messageOf(failure) };
}

/**
 * Looks at all sources as a check does, and tells every notifier how everything stands. It remembers nothing and counts
 * for no alert: who is told what is wrong stays as it is.
 */
export async function digest(
  sources: readonly WatchedSource[],
  { notifiers, ...deps }: Omit<CheckDeps, 'meter'> & { dollarsPerGb?: number | undefined },
  signal: AbortSignal,
): Promise<Digested> {
  const looking = { ...deps, notifiers: [], remember: false, meter: () => undefined };
  const [seen, unheard] = await Promise.all([
    check(sources, { whole: true }, looking, signal),
    unheardOf(notifiers, signal),
  ]);
  const checked = { ...seen, unheard };
  const message = digestMessage(checked, deps.dollarsPerGb);
  const outcomes = await Promise.all(
    notifiers.map(async (one) => ({ name: one.name, ...(await outcomeOf(one.notify(message, signal))) })),
  );
  return { message, checked: { ...checked, told: outcomes.some(({ failed }) => !failed) ? [message] : [] }, outcomes };
}
