import * as z from 'zod';
import { always, countOf, expected, expectedUnseen, group, text } from './fields.ts';
import { secretReference } from './secret.ts';

const topic = 'the ARN of an SNS topic, as arn:aws:sns:eu-west-1:123456789012:alerts';
const bus = 'the name or ARN of an event bus';
const program = 'a program and its arguments, each a text of its own: ["./page-me", "--loud"] (there is no shell)';

const command = z
  .array(z.string({ error: expectedUnseen(program) }), { error: expectedUnseen(program) })
  .min(1, { error: expectedUnseen(program) })
  .refine(([first = '']) => first.trim() !== '', { error: expectedUnseen(program) });

const telegram = group('a chat of Telegram', {
  token: secretReference.describe('Token of the bot, as BotFather gives it.'),
  chat: text('the id of a chat')
    .regex(/^(-?\d+|@\w+)$/, {
      error: expectedUnseen('the id of a chat in quotes ("-1001234567890"), or the @name of a channel'),
    })
    .describe('Id of the chat, in quotes, or the `@name` of a channel.'),
  api: text('the URL of a Bot API server')
    .refine(isApi, { error: 'expected an https URL (http on this machine alone) without user, password and query' })
    .default('https://api.telegram.org')
    .describe('A Bot API server of your own.'),
});

const webhook = group('a webhook', {
  url: secretReference.describe('Where its address is kept: https (http on this machine alone).'),
  key: secretReference.describe('Key of the signature: HMAC-SHA256 over time and body.'),
  name: text('a name').optional().describe('Its name in messages.'),
});

const notifierKeys = {
  sns: z
    .string({ error: expectedUnseen(topic) })
    .regex(/^arn:[\w-]+:sns:[a-z0-9-]+:\d{12}:[\w-]{1,256}(\.fifo)?$/, { error: expectedUnseen(topic) })
    .optional()
    .describe('ARN of an SNS topic: mail, queues, functions.'),
  slack: secretReference
    .optional()
    .describe('Where the URL of an incoming webhook of Slack is kept; whoever has it can write into the channel.'),
  telegram: telegram.optional().describe('A chat of Telegram.'),
  webhook: webhook.optional().describe('Any web address: gets the message as JSON, signed.'),
  command: command
    .optional()
    .describe('A program and its arguments, started without a shell: gets the message as JSON on standard input.'),
};
const notifierNames = Object.keys(notifierKeys);

/** Who is told when something is wrong, and when it is over. */
export const notifySchema = z.array(group('a notifier', notifierKeys).superRefine(oneOf(notifierNames), always), {
  error: expected(`a list of notifiers, each one of ${notifierNames.join(', ')}`),
});

const orNone = `a list of notifiers, each one of ${notifierNames.join(', ')}, or the word none`;

/** The same, or `none`: nobody is to be told. */
export const notifyOrNoneSchema = z.union([z.enum(['none']), notifySchema], { error: expected(orNone) });

const ends = ['succeeded', 'failed', 'skipped'] as const;

const hookKeys = {
  eventBus: z
    .string({ error: expectedUnseen(bus) })
    .regex(/^(arn:[\w-]+:events:[a-z0-9-]+:\d{12}:event-bus\/)?[\w./-]{1,256}$/, { error: expectedUnseen(bus) })
    .optional()
    .describe('Name or ARN of an EventBridge bus.'),
  command: command
    .optional()
    .describe('A program and its arguments, started without a shell: gets the event as JSON on standard input.'),
  heartbeat: secretReference
    .optional()
    .describe(
      'Where the URL is kept that is called after each check, with `/fail` at its end after a failed one, as ' +
        'healthchecks.io has it: silence rings there.',
    ),
  on: z
    .array(z.enum(ends, { error: expected(ends.join(', ')) }), { error: expected(`a list of ${ends.join(', ')}`) })
    .min(1)
    .optional()
    .describe('For which ends of a run: `succeeded`, `failed`, `skipped`; without it, for all of them.'),
};

/** Who is called when a run has ended, well or badly. */
export const hooksSchema = z.array(
  group('a hook', hookKeys)
    .superRefine(oneOf(['eventBus', 'command', 'heartbeat']), always)
    .superRefine(noEnds),
  { error: expected('a list of hooks, each an eventBus, a command or a heartbeat') },
);

export type NotifierConfig = z.infer<typeof notifySchema>[number];
export type HookConfig = z.infer<typeof hooksSchema>[number];

function oneOf(keys: readonly string[]) {
  return (value: object, context: z.core.$RefinementCtx) => {
    if (countOf(value, keys) !== 1) context.addIssue(`expected exactly one of ${keys.join(', ')}`);
  };
}

function noEnds({ heartbeat, on }: { heartbeat?: unknown; on?: unknown }, context: z.core.$RefinementCtx): void {
  if (heartbeat === undefined || on === undefined) return;
  context.addIssue({ code: 'custom', path: ['on'], message: 'a heartbeat hears of every check: leave on out' });
}

function isApi(value: string): boolean {
  const url = URL.parse(value);
  if (url === null || url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') return false;
  return (
    url.protocol === 'https:' ||
    (url.protocol === 'http:' && ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname))
  );
}
