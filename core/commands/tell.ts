import type { Message } from '../contract/message.ts';
import { messageOf } from '../domain/errors.ts';
import { notifierFailed } from '../domain/run-messages.ts';
import type { Clock, Notifier } from '../ports.ts';

/** Who was told, by name, and what failed. One failure makes the run a failure; that some were told is for whoever keeps count. */
export type Told = { told: string[]; failures: unknown[] };

/**
 * Tells everybody at once; one that fails keeps none of the others from being told, and they are then told that somebody was not. Throws
 * nothing: what failed is in the answer, and must become a failure of the run.
 */
export async function tell(message: Message, { notifiers, clock }: { notifiers: readonly Notifier[]; clock: Clock }, signal: AbortSignal): Promise<Told> {
  const tried = await Promise.all(notifiers.map(async (notifier) => ({ notifier, ...(await outcomeOf(notifier.notify(message, signal))) })));
  const reached = tried.filter(({ failed }) => !failed).map(({ notifier }) => notifier);
  const failed = tried.filter((one) => one.failed);
  const failures = failed.map(({ error }) => error);
  if (failed.length > 0 && reached.length > 0 && message.kind !== 'notifier-failed') {
    const missed = notifierFailed(failed.map(({ notifier, error }) => ({ name: notifier.name, why: messageOf(error) })), message, clock.now());
    failures.push(...(await tell(missed, { notifiers: reached, clock }, signal)).failures);
  }
  return { told: reached.map(({ name }) => name), failures };
}

/** How a promise ends, as a value. */
export function outcomeOf(work: Promise<unknown>): Promise<{ failed: false; error?: undefined } | { failed: true; error: unknown }> {
  return work.then(() => ({ failed: false as const }), (error: unknown) => ({ failed: true as const, error }));
}
