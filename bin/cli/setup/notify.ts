import { digest } from '../../../core/commands/check/digest.ts';
import type { ToldOutcome } from '../../../core/commands/check/digest.ts';
import { plainText } from '../../../core/domain/messages/plain.ts';
import { watchedSources } from '../../../core/survey/watched.ts';
import { outcomeOf } from '../../../core/telling/outcome.ts';
import { BackupError } from '../../../core/domain/errors.ts';
import { testMessage } from '../../../core/domain/messages/run.ts';
import { failureDocument } from '../text/failure.ts';
import type { CommandOutcome } from '../text/output.ts';
import type { CommandSession } from '../session.ts';

/** `nightjar notify`: sends a test to every notifier, so that the first message there is not an alert. */
export async function notifyCommand({ nightjar, out }: CommandSession, signal: AbortSignal): Promise<CommandOutcome> {
  const { notifiers, store, clock } = nightjar;
  requireSomebody(notifiers);
  const message = testMessage(store.place, clock.now());
  const results = await Promise.all(
    notifiers.map(async (notifier) => ({
      name: notifier.name,
      ...(await outcomeOf(notifier.notify(message, signal))),
    })),
  );
  return shown(results, out);
}

/** `nightjar notify --digest`: tells every notifier how everything stands, and shows it here. */
export async function digestCommand({ nightjar, out }: CommandSession, signal: AbortSignal): Promise<CommandOutcome> {
  requireSomebody(nightjar.notifiers);
  const { message, outcomes } = await digest(watchedSources(nightjar.sourceNames, nightjar), nightjar, signal);
  for (const line of plainText(message).trimEnd().split('\n')) out.say(line);
  return shown(outcomes, out);
}

function requireSomebody(notifiers: readonly unknown[]): void {
  if (notifiers.length > 0) return;
  throw new BackupError('config-invalid', 'nobody is told when something fails: the configuration has no notify', {
    hint: 'add it, as notify: [{ slack: { env: SLACK_WEBHOOK } }]; docs/alerts.md has mail, Telegram and the others',
  });
}

function shown(results: readonly ToldOutcome[], out: CommandSession['out']): CommandOutcome {
  for (const { name, failed, error } of results) {
    if (failed) out.fail(error);
    else out.say(`${name}  told`);
  }
  const document = {
    results: results.map(({ name, failed, error }) => ({
      name,
      status: failed ? 'failed' : 'told',
      ...(failed && { error: failureDocument(error) }),
    })),
  };
  return { document, failures: results.filter(({ failed }) => failed).map(({ error }) => error) };
}
