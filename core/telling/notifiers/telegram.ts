import { BackupError } from '../../domain/errors.ts';
import type { Message } from '../../contract/events/message.ts';
import { closing, shortened, title } from '../../domain/messages/plain.ts';
import type { Notifier } from '../../ports.ts';
import type { SecretReader } from '../web/address.ts';
import { post, postLimits } from '../web/post.ts';
import type { Answer, PostLimits } from '../web/post.ts';

/** Limits of sendMessage (Telegram Bot API): UTF-16 units of the text, and entities that are considered. */
export const telegramLimits = { text: 4096, entities: 100 } as const;

export type TelegramChat = {
  token: SecretReader;
  chat: string /** Where the Bot API is: https, or this machine. */;
  api: string;
};
type Entity = { type: 'bold' | 'pre'; offset: number; length: number };

/** Longest value of a fact, title and so on, so that a long error leaves room for everything else. */
const longest = { value: 1000, label: 60, title: 400, next: 800 };

/** A Telegram chat that a bot writes to. The bot's token is the secret. */
export function telegramNotifier({ token, chat, api }: TelegramChat, limits: PostLimits = postLimits): Notifier {
  const name = `telegram ${chat}`;
  return {
    name,
    address: async () => `${api} ${chat}`,
    async notify(message, signal) {
      const secret = (await token(signal)).trim();
      if (!/^[\w:-]+$/.test(secret))
        throw new BackupError('notify-failed', `the token of ${name} is no bot's token`, {
          hint: 'BotFather gives one as 123456:ABC…',
        });
      const body = JSON.stringify({
        chat_id: chat,
        ...telegramText(message),
        link_preview_options: { is_disabled: true },
      });
      const content = () => ({ headers: { 'content-type': 'application/json' }, body });
      await post(
        {
          to: name,
          url: `${api}/bot${secret}/sendMessage`,
          secrets: [secret, ...secret.split(':').slice(1)],
          content,
          read: answerOf,
          refused,
        },
        signal,
        limits,
      );
    },
  };
}

/** The text, and where it is bold or a command: offsets instead of markup, so that nothing has to be escaped. */
export function telegramText(message: Message): { text: string; entities: Entity[] } {
  const end = `\n${closing(message)}`;
  const { next } = message;
  const commands = next.length === 0 ? '' : shortened(next.join('\n'), longest.next);
  const tail = `${commands === '' ? '' : `\nRun next:\n${commands}\n`}${end}`;
  const entities: Entity[] = [];
  let text = '';
  const add = (part: string, type?: Entity['type']): void => {
    if (type !== undefined && part !== '' && entities.length < telegramLimits.entities - 1)
      entities.push({ type, offset: text.length, length: part.length });
    text += part;
  };
  add(shortened(title(message), longest.title), 'bold');
  add('\n\n');
  for (const [index, { label, value }] of message.facts.entries()) {
    const [name, rest] = [`${shortened(label, longest.label)}:`, ` ${shortened(value, longest.value)}\n`];
    if (text.length + name.length + rest.length + tail.length > telegramLimits.text - 40) {
      add(`… and ${message.facts.length - index} more\n`);
      break;
    }
    add(name, 'bold');
    add(rest);
  }
  if (commands !== '') {
    add('\nRun next:\n');
    entities.push({ type: 'pre', offset: text.length, length: commands.length });
    text += `${commands}\n`;
  }
  add(end);
  return { text, entities };
}

/** Only `ok: true` means success, whatever the status (Bot API, "Making requests"). */
function refused({ text }: Answer): string | undefined {
  try {
    return (JSON.parse(text) as { ok?: unknown } | null)?.ok === true ? undefined : '(without "ok": true)';
  } catch {
    return '(which the Bot API never does)';
  }
}

/** Telegram answers with a reason and a time to wait, as JSON (Bot API, ResponseParameters). */
function answerOf(text: string): { waitMs?: number | undefined; why?: string | undefined } {
  try {
    const { description, parameters } = JSON.parse(text) as {
      description?: string;
      parameters?: { retry_after?: number; migrate_to_chat_id?: number };
    };
    const moved = parameters?.migrate_to_chat_id;
    const waitMs = parameters?.retry_after === undefined ? undefined : parameters.retry_after * 1000;
    return {
      waitMs,
      why:
        moved === undefined
          ? description
          : `${description} (the chat is ${moved} now: write that into the configuration)`,
    };
  } catch {
    return {};
  }
}
