import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { RunEnded } from '../../../core/contract/events/run-ended.ts';
import { eventBusHook } from '../../../core/telling/hooks/event-bus.ts';
import { snsContent, snsNotifier } from '../../../core/telling/notifiers/sns.ts';
import { plainText } from '../../../core/domain/messages/plain.ts';
import { samples } from '../../unit/messages/samples.ts';
import { startMoto } from '../../servers/s3/moto.ts';
import { createQueue, eventsInto, subscribedTopic } from '../../servers/queue.ts';
import type { Queue } from '../../servers/queue.ts';
import type { S3Server } from '../../servers/server.ts';

const before = process.env;
const signal = (): AbortSignal => AbortSignal.timeout(30_000);
const event: RunEnded = {
  version: 1,
  verb: 'backup',
  status: 'succeeded',
  source: 'shop',
  run: '4f2a91c0',
  vault: 's3://b',
  at: '2026-11-21T02:00:41.000Z',
  seconds: 41.2,
  result: { rows: 5 },
};
let moto: S3Server;
let queue: Queue;
let topic: string;

beforeAll(async () => {
  moto = await startMoto();
  process.env = {
    ...before,
    AWS_REGION: moto.region,
    AWS_ACCESS_KEY_ID: moto.accessKeyId,
    AWS_SECRET_ACCESS_KEY: moto.secretAccessKey,
    AWS_ENDPOINT_URL: moto.endpoint,
  };
  queue = await createQueue(moto, 'all');
  topic = await subscribedTopic(moto, 'alerts', queue);
}, 20 * 60_000);

afterAll(async () => {
  process.env = before;
  await moto?.stop();
});

test('a queue gets the message as JSON, with attributes to filter by; mail gets a text', async () => {
  const message = samples['odd-name']!;

  await snsNotifier(topic).notify(message, signal());

  const [body] = await queue.take();
  const received = JSON.parse(body!) as {
    Subject: string;
    Message: string;
    MessageAttributes: Record<string, { Type: string; Value: string }>;
  };
  expect(JSON.parse(received.Message)).toEqual(message);
  expect(received.Subject).toMatch(/^Nightjar PROBLEM [ -~]{1,83}$/);
  expect(received.MessageAttributes).toEqual({
    kind: { Type: 'String', Value: 'stale' },
    severity: { Type: 'String', Value: 'problem' },
    source: { Type: 'String', Value: message.source },
  });
  expect(JSON.parse(snsContent(message).Message)).toMatchObject({
    default: plainText(message),
    email: plainText(message),
  });
});

test('SNS takes every message there is', async () => {
  for (const message of Object.values(samples)) await snsNotifier(topic).notify(message, signal());

  expect(await queue.take()).toHaveLength(Object.keys(samples).length);
});

test('a topic that is not there is a failure that names it', async () => {
  const absent = `${topic}-absent`;

  await expect(snsNotifier(absent).notify(samples['stale']!, signal())).rejects.toMatchObject({
    code: 'notify-failed',
    message: expect.stringContaining(`sns ${absent} could not be told: `),
  });
});

test('an event reaches a rule of the bus, in the form that its schema says', async () => {
  await eventsInto(moto, queue);

  await eventBusHook('default', () => true).call(event, signal());

  const [body] = await queue.take();
  expect(JSON.parse(body!)).toMatchObject({
    source: 'nightjar',
    'detail-type': 'Nightjar Backup Succeeded',
    detail: event,
  });
});

test('a result too large for an event is left out of it', async () => {
  await eventBusHook('default', () => true).call(
    {
      ...event,
      result: { sources: Array.from({ length: 3000 }, (_, n) => ({ source: `source ${n}`, why: 'x'.repeat(100) })) },
    },
    signal(),
  );

  const [body] = await queue.take();
  expect(JSON.parse(body!)).toMatchObject({
    detail: { verb: 'backup', result: { leftOut: expect.stringMatching(/^\d+ bytes$/) } },
  });
});

test('a bus that is not there is a failure that names it', async () => {
  await expect(eventBusHook('absent', () => true).call(event, signal())).rejects.toMatchObject({
    code: 'hook-failed',
    message: expect.stringContaining('the event bus absent did not take the event: '),
  });
});

test('a service that does not answer is given up when asked to stop', async () => {
  process.kill(moto.pid, 'SIGSTOP');
  try {
    const stop = () => AbortSignal.timeout(400);

    await expect(snsNotifier(topic).notify(samples['stale']!, stop())).rejects.toMatchObject({ code: 'aborted' });
    await expect(eventBusHook('default', () => true).call(event, stop())).rejects.toMatchObject({ code: 'aborted' });
  } finally {
    process.kill(moto.pid, 'SIGCONT');
  }
});
