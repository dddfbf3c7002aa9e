import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { snsNotifier } from '../../../core/telling/notifiers/sns.ts';
import { samples } from '../messages/samples.ts';

// moto confirms every subscription at once: these answers are written after the SNS API reference
const topic = 'arn:aws:sns:eu-west-1:123456789012:nightjar-alerts';
const before = process.env;
const signal = (): AbortSignal => AbortSignal.timeout(30_000);
let server: Server;
let asked: string[] = [];
let pages: string[] = [];
let forbidden = false;

beforeEach(async () => {
  asked = [];
  pages = [];
  forbidden = false;
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const form = new URLSearchParams(Buffer.concat(chunks).toString());
      const [status, body] = answer(form.get('Action')!, form.get('NextToken'));
      response.writeHead(status, { 'content-type': 'text/xml' }).end(body);
    });
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  process.env = {
    ...before,
    AWS_ACCESS_KEY_ID: 'key',
    AWS_SECRET_ACCESS_KEY: 'secret',
    AWS_ENDPOINT_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  };
});
afterEach(async () => {
  process.env = before;
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function answer(action: string, token: string | null): [number, string] {
  asked.push(action);
  if (action === 'Publish')
    return [200, '<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>'];
  if (forbidden)
    return [403, '<ErrorResponse><Error><Code>AuthorizationError</Code><Message>no</Message></Error></ErrorResponse>'];
  const page = Number(token ?? 0);
  const next = page + 1 < pages.length ? `<NextToken>${page + 1}</NextToken>` : '';
  const result = `<Subscriptions>${pages[page] ?? ''}</Subscriptions>${next}`;
  return [
    200,
    `<ListSubscriptionsByTopicResponse><ListSubscriptionsByTopicResult>${result}</ListSubscriptionsByTopicResult></ListSubscriptionsByTopicResponse>`,
  ];
}

function member(endpoint: string, { confirmed = false, protocol = 'email' } = {}): string {
  const arn = confirmed ? `${topic}:2bcfbf39-05c3-41de-beaa-fcfcc21c8f55` : 'PendingConfirmation';
  return `<member><SubscriptionArn>${arn}</SubscriptionArn><Protocol>${protocol}</Protocol><Endpoint>${endpoint}</Endpoint></member>`;
}

test('while nobody has confirmed, telling the topic fails, so that the message waits', async () => {
  pages = [member('ops@acme.example') + member('https://pager.example/s3cr3t', { protocol: 'https' })];

  await expect(snsNotifier(topic).notify(samples['stale']!, signal())).rejects.toMatchObject({
    code: 'notify-failed',
    message: `sns ${topic} would tell nobody: ops@acme.example, an https address never confirmed the subscription`,
    hint: expect.stringContaining('confirms'),
  });
  expect(asked).not.toContain('Publish');
});

test('a topic without a subscription tells nobody', async () => {
  await expect(snsNotifier(topic).notify(samples['stale']!, signal())).rejects.toMatchObject({
    message: `sns ${topic} would tell nobody: it has no subscription`,
  });
});

test('one who has confirmed is told, on whatever page he stands; the other is named', async () => {
  pages = [member('ops@acme.example'), member('dev@acme.example', { confirmed: true })];

  await snsNotifier(topic).notify(samples['stale']!, signal());

  expect(asked).toContain('Publish');
  expect(await snsNotifier(topic).unheard!(signal())).toEqual([
    {
      text: `sns ${topic}: nothing reaches ops@acme.example: the subscription was never confirmed`,
      hint: expect.stringContaining('AWS Notification - Subscription Confirmation'),
    },
  ]);
});

test('where all have confirmed there is nothing to know', async () => {
  pages = [member('ops@acme.example', { confirmed: true })];

  expect(await snsNotifier(topic).unheard!(signal())).toEqual([]);
});

test('who may not see the subscriptions tells all the same', async () => {
  forbidden = true;

  await snsNotifier(topic).notify(samples['stale']!, signal());

  expect(asked).toContain('Publish');
});
