import { createHash } from 'node:crypto';
import type { SNSClient } from '@aws-sdk/client-sns';
import type { Message } from '../../contract/events/message.ts';
import { abortError, BackupError, messageOf } from '../../domain/errors.ts';
import { plainText, shortened, title } from '../../domain/messages/plain.ts';
import type { Notice } from '../../domain/tools/notices.ts';
import type { Notifier } from '../../ports.ts';

const connectionMs = 5_000;
const answerMs = 10_000;
const limitMs = 30_000;
const attempts = 4;
/** Longest subject: 100 characters, ASCII (SNS API reference, Publish). */
const longestSubject = 100;
/** Characters of one SMS; longer ones are split into several, each of which costs (SNS developer guide, SMS). */
const longestSms = 140;
const largestMessage = 25_000;
const shownPending = 5;

/**
 * An SNS topic: plain text for mail, and the message as JSON for queues, functions and web addresses, with attributes
 * to filter by.
 */
export function snsNotifier(topic: string): Notifier {
  return {
    name: `sns ${topic}`,
    unheard: async (signal) => unconfirmed(topic, await subscribed(topic, signal)),
    async notify(message, signal) {
      const { PublishCommand } = await import('@aws-sdk/client-sns');
      await requireHearers(topic, signal);
      const client = await connect(topic);
      try {
        const limit = AbortSignal.any([signal, AbortSignal.timeout(limitMs)]);
        const { MessageId } = await client.send(
          new PublishCommand({
            TopicArn: topic,
            ...snsContent(message),
            ...(topic.endsWith('.fifo') && ordered(message)),
          }),
          { abortSignal: limit },
        );
        if (!MessageId) throw new Error('the answer names no message: is AWS_ENDPOINT_URL right?');
      } catch (cause) {
        if (signal.aborted) throw abortError(signal);
        throw new BackupError('notify-failed', `sns ${topic} could not be told: ${messageOf(cause)}`, {
          hint:
            'the role needs sns:Publish on the topic, and kms:GenerateDataKey* and kms:Decrypt on its key where ' +
            'it has one',
          cause,
        });
      } finally {
        client.destroy();
      }
    },
  };
}

/** The subscribers that SNS lists. Those that have yet to confirm have a placeholder instead of an ARN. */
type Subscribed = { confirmed: number; pending: string[] };

const confirmHint =
  'whoever it is for opens the mail “AWS Notification - Subscription Confirmation” and confirms; after two days ' +
  'that is void: subscribe, or deploy, anew';

/**
 * Throws if nobody is subscribed: publishing would succeed (SNS API reference, Publish), and the message would be lost
 * instead of waiting.
 */
async function requireHearers(topic: string, signal: AbortSignal): Promise<void> {
  const seen = await subscribed(topic, signal).catch(() => undefined); // what may not be seen is no reason not to tell
  if (signal.aborted) throw abortError(signal);
  if (seen === undefined || seen.confirmed > 0) return;
  const [why, hint] =
    seen.pending.length > 0
      ? [`${seen.pending.join(', ')} never confirmed the subscription`, confirmHint]
      : ['it has no subscription', 'subscribe an address to the topic, and confirm it'];
  throw new BackupError('notify-failed', `sns ${topic} would tell nobody: ${why}`, { hint });
}

function unconfirmed(topic: string, { pending }: Subscribed): Notice[] {
  if (pending.length === 0) return [];
  const who = pending.length > shownPending ? `${pending.length} subscribers` : pending.join(', ');
  return [{ text: `sns ${topic}: nothing reaches ${who}: the subscription was never confirmed`, hint: confirmHint }];
}

async function subscribed(topic: string, signal: AbortSignal): Promise<Subscribed> {
  const { paginateListSubscriptionsByTopic } = await import('@aws-sdk/client-sns');
  const client = await connect(topic);
  const abortSignal = AbortSignal.any([signal, AbortSignal.timeout(limitMs)]);
  const seen: Subscribed = { confirmed: 0, pending: [] };
  try {
    for await (const { Subscriptions = [] } of paginateListSubscriptionsByTopic(
      { client },
      { TopicArn: topic },
      { abortSignal },
    ))
      for (const { SubscriptionArn, Protocol = '', Endpoint = '' } of Subscriptions)
        if (SubscriptionArn !== 'PendingConfirmation') seen.confirmed += 1;
        // a web address may hold a secret
        else seen.pending.push(Protocol.startsWith('http') ? `an ${Protocol} address` : Endpoint);
    return seen;
  } finally {
    client.destroy();
  }
}

/** What is published: a text for each protocol (SNS API reference, MessageStructure). */
export function snsContent(whole: Message) {
  const message = fitting(whole);
  const json = JSON.stringify(message);
  const text = plainText(message);
  const structure = {
    default: text,
    email: text,
    'email-json': json,
    sms: shortened(ascii(title(message)), longestSms),
    sqs: json,
    lambda: json,
    firehose: json,
    http: json,
    https: json,
  };
  const { kind, severity, source } = message;
  const attributes = { kind, severity, ...(source !== undefined && { source }) };
  return {
    Subject: snsSubject(message),
    MessageStructure: 'json',
    Message: JSON.stringify(structure),
    MessageAttributes: Object.fromEntries(
      Object.entries(attributes).map(([name, value]) => [name, { DataType: 'String', StringValue: value }]),
    ),
  };
}

/**
 * The subject of the mail: one line of ASCII, at most 100 characters. Accents are dropped, other letters become `?`.
 */
export function snsSubject(message: Message): string {
  const subject = ascii(`Nightjar ${title(message)}`);
  return subject.length <= longestSubject ? subject : `${subject.slice(0, longestSubject - 3).trimEnd()}...`;
}

function ascii(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[‘’]/g, "'")
    .replace(/[“”]/g, '"')
    .replace(/[–—]/g, '-')
    .replace(/\s+/g, ' ')
    .replace(/[^ -~]/gu, '?');
}

/** SNS accepts 256 KB for all forms together (SNS API reference, Publish). */
function fitting(message: Message): Message {
  if (Buffer.byteLength(JSON.stringify(message)) < largestMessage) return message;
  return {
    ...message,
    subject: shortened(message.subject, 500),
    facts: message.facts
      .slice(0, 50)
      .map(({ label, value }) => ({ label: shortened(label, 100), value: shortened(value, 200) })),
  };
}

/** A FIFO topic needs a group for the order of its messages. */
function ordered(message: Message) {
  return {
    MessageGroupId: 'nightjar',
    MessageDeduplicationId: createHash('sha256').update(JSON.stringify(message)).digest('hex'),
  };
}

/** An ARN names its region (AWS General Reference, ARN format). */
async function connect(topic: string): Promise<SNSClient> {
  const { SNSClient: Client } = await import('@aws-sdk/client-sns');
  return new Client({
    region: topic.split(':')[3]!,
    maxAttempts: attempts,
    requestHandler: { connectionTimeout: connectionMs, requestTimeout: answerMs, throwOnRequestTimeout: true },
  });
}
