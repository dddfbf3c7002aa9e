import type { RunEnded } from '../contract/events/run-ended.ts';
import type { Sighting } from '../domain/watch/alerts.ts';
import { messageOf } from '../domain/errors.ts';
import type { SourceName } from '../domain/keys.ts';
import { withSightings } from '../domain/watch/outbox.ts';
import { hookFailed, runEnded } from '../domain/messages/run.ts';
import type { Clock, Hook } from '../ports.ts';
import { outcomeOf } from './outcome.ts';
import type { OutboxEdit } from '../store/memory/outbox.ts';

type Calling = { hooks: readonly Hook[]; clock: Clock; limit(): AbortSignal };

/** The result of the hooks: `edit` adds it to outboxes; `changes`: there is something to add. */
export type Called = { failed: unknown[]; changes: boolean; edit: OutboxEdit };

/** Calls every hook that wants the event. Notifiers are told of hooks that fail, and of those that work again. */
export async function callHooks(event: RunEnded, { hooks, clock, limit }: Calling): Promise<Called> {
  const wanting = hooks.filter((hook) => hook.wants(event));
  const tried = await Promise.all(
    wanting.map(async (hook) => ({ hook, ...(await outcomeOf(hook.call(event, limit()))) })),
  );
  const failed = tried.filter((one) => one.failed);
  const at = clock.now();
  const source = event.source as SourceName | undefined;
  const reasons = failed.map(({ hook, error }) => ({ name: hook.name, why: messageOf(error) }));
  const sighting: Sighting = {
    source,
    cause: event.verb,
    judged: ['hook-failed'],
    found: failed.length === 0 ? [] : ['hook-failed'],
  };
  const edit: OutboxEdit = (box) =>
    withSightings(box, [sighting], at, { others: new Set() }, ({ severity, alert }) => ({
      severity,
      alert,
      message:
        severity === 'recovered'
          ? runEnded(alert, [alert], at)
          : hookFailed({ verb: event.verb, status: event.status, source }, reasons, {
              at,
              ...(severity === 'reminder' && { since: new Date(alert.since) }),
            }),
    }));
  return {
    failed: failed.map(({ error }) => error),
    changes: failed.length > 0,
    edit: wanting.length === 0 ? (box) => box : edit,
  };
}
