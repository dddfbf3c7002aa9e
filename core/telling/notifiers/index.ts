import type { NotifierConfig } from '../../contract/config/notify.ts';
import type { Command } from '../../pipeline/feed.ts';
import type { Clock, Notifier, SecretReference } from '../../ports.ts';
import { commandNotifier } from './command.ts';
import { slackNotifier } from './slack.ts';
import { snsNotifier } from './sns.ts';
import { telegramNotifier } from './telegram.ts';
import { webhookNotifier } from './webhook.ts';

export type NotifierDeps = {
  clock: Clock;
  /** Reads a secret when a message is sent, not before. */
  secret(reference: SecretReference, signal: AbortSignal): Promise<string>;
  /** A program of the configuration, ready to be started. */
  command(line: readonly string[]): Command;
};

/** The notifier that the configuration describes. */
export function openNotifier({ sns, slack, telegram, webhook, command }: NotifierConfig, deps: NotifierDeps): Notifier {
  const read = (reference: SecretReference) => (signal: AbortSignal) => deps.secret(reference, signal);
  if (sns !== undefined) return snsNotifier(sns);
  if (slack !== undefined) return slackNotifier(read(slack));
  if (telegram !== undefined)
    return telegramNotifier({
      token: read(telegram.token),
      chat: telegram.chat,
      api: telegram.api.replace(/\/+$/, ''),
    });
  if (webhook !== undefined)
    return webhookNotifier({
      name: `webhook${webhook.name === undefined ? '' : ` ${webhook.name}`}`,
      url: read(webhook.url),
      key: read(webhook.key),
      clock: deps.clock,
    });
  return commandNotifier(deps.command(command!));
}
