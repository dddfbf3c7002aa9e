import type { RunEnded } from '../../contract/events/run-ended.ts';
import { abortError, BackupError, messageOf } from '../../domain/errors.ts';
import type { Hook } from '../../ports.ts';

const connectionMs = 5_000;
const answerMs = 10_000;
const limitMs = 30_000;
const attempts = 4;
/** An entry may have 256 KB, including names and time (EventBridge user guide, PutEvents). */
const largestDetail = 240_000;

/**
 * A bus of Amazon EventBridge: each event has the source `nightjar` and a detail type like `Nightjar Backup Succeeded`.
 */
export function eventBusHook(bus: string, wants: Hook['wants']): Hook {
  return {
    name: `event bus ${bus}`,
    wants,
    async call(event, signal) {
      try {
        await put(bus, event, AbortSignal.any([signal, AbortSignal.timeout(limitMs)]));
      } catch (cause) {
        if (signal.aborted) throw abortError(signal);
        throw new BackupError('hook-failed', `the event bus ${bus} did not take the event: ${messageOf(cause)}`, {
          hint: 'the role needs events:PutEvents on the bus',
          cause,
        });
      }
    },
  };
}

/** The detail type of an event, for rules to match. */
export function detailType({ verb, status }: Pick<RunEnded, 'verb' | 'status'>): string {
  return `Nightjar ${[verb, status].map((word) => `${word[0]!.toUpperCase()}${word.slice(1)}`).join(' ')}`;
}

/** A result that is too large for an entry is replaced by a note, so that the event can still be sent. */
function detailOf(event: RunEnded): string {
  const whole = JSON.stringify(event);
  const bytes = Buffer.byteLength(whole);
  return bytes <= largestDetail ? whole : JSON.stringify({ ...event, result: { leftOut: `${bytes} bytes` } });
}

async function put(bus: string, event: RunEnded, signal: AbortSignal): Promise<void> {
  const { EventBridgeClient, PutEventsCommand } = await import('@aws-sdk/client-eventbridge');
  const [, region] = /^arn:[^:]*:events:([^:]+):/.exec(bus) ?? [];
  const client = new EventBridgeClient({
    ...(region !== undefined && { region }),
    maxAttempts: attempts,
    requestHandler: { connectionTimeout: connectionMs, requestTimeout: answerMs, throwOnRequestTimeout: true },
  });
  try {
    const entry = {
      EventBusName: bus,
      Source: 'nightjar',
      DetailType: detailType(event),
      Detail: detailOf(event),
      Time: new Date(event.at),
    };
    const { FailedEntryCount: refused = 0, Entries = [] } = await client.send(
      new PutEventsCommand({ Entries: [entry] }),
      { abortSignal: signal },
    );
    // the answer is 200 whatever happened to the entry
    if (refused > 0)
      throw new Error(`${Entries[0]?.ErrorCode ?? 'refused'}: ${Entries[0]?.ErrorMessage ?? 'no reason given'}`);
  } finally {
    client.destroy();
  }
}
