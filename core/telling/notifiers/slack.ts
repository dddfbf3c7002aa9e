import type { Fact, Message } from '../../contract/events/message.ts';
import { runbookOf, shortened, title } from '../../domain/messages/plain.ts';
import { moment } from '../../domain/messages/text.ts';
import type { Notifier } from '../../ports.ts';
import { secretUrl } from '../web/address.ts';
import type { SecretReader } from '../web/address.ts';
import { post, postLimits } from '../web/post.ts';
import type { Answer, PostLimits } from '../web/post.ts';

/** Limits of Block Kit (Slack API reference, "Blocks"; text objects). */
export const slackLimits = { blocks: 50, header: 150, text: 3000, field: 2000, fieldsOfSection: 10 } as const;

const signs = {
  problem: ':red_circle:',
  reminder: ':large_orange_circle:',
  recovered: ':large_green_circle:',
  info: ':information_source:',
} as const;
/** Blocks beside the facts: header, commands, context, and a line for facts that did not fit. */
const otherBlocks = 4;

/** An incoming webhook of Slack. Its URL is the secret: whoever has it can write to the channel. */
export function slackNotifier(url: SecretReader, limits: PostLimits = postLimits): Notifier {
  return {
    name: 'slack',
    address: (signal) => secretUrl('slack', url, signal),
    async notify(message, signal) {
      const address = await secretUrl('slack', url, signal);
      const body = JSON.stringify(slackPayload(message));
      const content = () => ({ headers: { 'content-type': 'application/json; charset=utf-8' }, body });
      await post({ to: 'slack', url: address, secrets: [], content, refused }, signal, limits);
    },
  };
}

/** The message as blocks; `text` is what a notification on a phone shows. */
export function slackPayload(message: Message) {
  const { facts, next, at, timeZone, severity } = message;
  const line = title(message);
  const rows = chunks(facts, slackLimits.fieldsOfSection / 2);
  const shown = rows.slice(0, slackLimits.blocks - otherBlocks);
  const left = facts.length - shown.flat().length;
  return {
    text: shortened(escaped(line), slackLimits.text),
    blocks: [
      { type: 'header', text: { type: 'plain_text', text: shortened(line, slackLimits.header), emoji: false } },
      ...(line.length > slackLimits.header ? [markdown(`*${escaped(line)}*`)] : []),
      ...shown.map((row) => ({ type: 'section', fields: row.flatMap(fields) })),
      ...(left > 0 ? [markdown(`… and ${left} more`)] : []),
      ...(next.length === 0
        ? []
        : [
            markdown(
              '*Run ' +
                `next*\n\`\`\`${shortened(escaped(next.join('\n')).replaceAll('```', "'''"), slackLimits.text - 20)}\`\`\``,
            ),
          ]),
      {
        type: 'context',
        elements: [
          {
            type: 'mrkdwn',
            text: `${signs[severity]} ${escaped(runbookOf(message))}  ·  ${moment(new Date(at), timeZone)}`,
          },
        ],
      },
    ].slice(0, slackLimits.blocks),
  };
}

/**
 * An incoming webhook answers `ok` and nothing else when it has posted (Slack API, "Sending messages using incoming
 * webhooks").
 */
function refused({ text }: Answer): string | undefined {
  return text.trim() === 'ok' ? undefined : 'and not "ok"';
}

/** Label and value side by side. A value is plain text, so that nothing in it becomes a mention, a link or bold. */
function fields({ label, value }: Fact) {
  return [
    { type: 'mrkdwn', text: `*${shortened(escaped(label), slackLimits.field - 2)}*` },
    { type: 'plain_text', text: shortened(value, slackLimits.field), emoji: false },
  ];
}

function markdown(text: string) {
  return { type: 'section', text: { type: 'mrkdwn', text: shortened(text, slackLimits.text) } };
}

/** Slack API, "Formatting text": these three are control characters. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}
