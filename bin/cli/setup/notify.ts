import { outcomeOf } from '../../../core/telling/outcome.ts';
import { BackupError } from '../../../core/domain/errors.ts';
import { testMessage } from '../../../core/domain/messages/run.ts';
import { failureDocument } from '../text/failure.ts';
import type { CommandOutcome } from '../text/output.ts';
import type { CommandSession } from '../session.ts';

/**
 * `nightjar notify`: sends a test to every notifier, so that an alert is not the first thing that is ever sent there.
 */
export async function notifyCommand({ nightjar, out }: CommandSession, signal: AbortSignal): Promise<CommandOutcome> {
  const { notifiers, store, clock } = nightjar;
  if (notifiers.length === 0) {
    throw new BackupError('config-invalid', 'nobody is told when something fails: the configuration has no notify', {
      hint: 'add it, as notify: [{ slack: { env: SLACK_WEBHOOK } }]; docs/alerts.md has mail, Telegram and the others',
    });
  }
  const message = testMessage(store.place, clock.now());
  const results = await Promise.all(
    notifiers.map(async (notifier) => ({
      name: notifier.name,
      ...(await outcomeOf(notifier.notify(message, signal))),
    })),
  );
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
