import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Message } from '../../../core/contract/events/message.ts';
import { messageSchema } from '../../../core/contract/events/message.ts';
import { runEndedSchema } from '../../../core/contract/events/run-ended.ts';
import type { LambdaFunction } from '../../real/lambda/sandbox/function.ts';
import { errorOf, valueOf } from '../../real/lambda/sandbox/outcome.ts';
import { openScene } from '../../real/lambda/scene.ts';
import type { Scene, SceneSource } from '../../real/lambda/scene.ts';
import { postgresSql } from '../../real/lambda/sql.ts';
import { startEndpoint } from '../../support/endpoints/endpoint.ts';
import type { Endpoint } from '../../support/endpoints/endpoint.ts';
import { startSlack } from '../../support/endpoints/slack.ts';
import { answer, startTelegram } from '../../support/endpoints/telegram.ts';
import { startPostgres } from '../../servers/databases/postgres.ts';
import { createQueue, eventsInto, subscribedTopic } from '../../servers/queue.ts';
import type { Queue } from '../../servers/queue.ts';
import type { DatabaseServer } from '../../servers/server.ts';

let scene: Scene;
let postgres: DatabaseServer;
let slack: Endpoint & { webhook: string };
let telegram: Endpoint & { token: string; chat: string };
let webhook: Endpoint;
let alerts: Queue;
let events: Queue;
let backup: LambdaFunction;
let check: LambdaFunction;
let sources: Record<string, SceneSource>;
let settings: { handler: string; environment: Record<string, string>; config: object };

beforeAll(async () => {
  [scene, postgres, slack, telegram, webhook] = await Promise.all([
    openScene(),
    startPostgres({ major: 18 }),
    startSlack(),
    startTelegram(),
    startEndpoint(() => ({ status: 204 })),
  ]);
  await postgresSql(postgres, 'postgres', 'create database shop');
  await postgresSql(
    postgres,
    'shop',
    'create table orders (id int primary key)',
    'insert into orders select generate_series(1, 100)',
  );
  [alerts, events] = await Promise.all([createQueue(scene.aws, 'alerts'), createQueue(scene.aws, 'events')]);
  await eventsInto(scene.aws, events);
  const notify = [
    { sns: await subscribedTopic(scene.aws, 'backup-alerts', alerts) },
    { slack: { env: 'SLACK_URL' } },
    { telegram: { token: { env: 'TELEGRAM_TOKEN' }, chat: telegram.chat, api: telegram.url } },
    { webhook: { url: { env: 'PAGER_URL' }, key: { env: 'PAGER_KEY' } } },
  ];
  const environment = {
    AWS_ENDPOINT_URL_SECRETS_MANAGER: scene.aws.endpoint,
    AWS_ENDPOINT_URL_SNS: scene.aws.endpoint,
    AWS_ENDPOINT_URL_EVENTBRIDGE: scene.aws.endpoint,
    SLACK_URL: slack.webhook,
    TELEGRAM_TOKEN: telegram.token,
    PAGER_URL: `${webhook.url}/pager`,
    PAGER_KEY: 'a key of the tests',
  };
  settings = { handler: 'clock.handler', environment, config: { notify, hooks: [{ eventBus: 'default' }] } };
  sources = { shop: { server: postgres, engine: 'postgres', database: 'shop' } };
  [backup, check] = await Promise.all([
    scene.deploy('backup', sources, settings),
    scene.deploy('check', sources, settings),
  ]);
}, 20 * 60_000);

afterAll(async () => {
  await Promise.all([scene?.close(), postgres?.stop(), slack?.stop(), telegram?.stop(), webhook?.stop()]);
});

/** What has come by each way since the last look; all must say the same. */
async function arrived(): Promise<Message[]> {
  const fromQueue = (await alerts.take()).map((body) => {
    const { Subject, Message: text } = JSON.parse(body) as { Subject: string; Message: string };
    const message = messageSchema.parse(JSON.parse(text));
    expect(Subject).toContain(message.subject.slice(0, 40));
    return message;
  });
  const titles = fromQueue.map(({ subject }) => expect.stringContaining(subject));
  expect(taken(slack).map((body) => (JSON.parse(body) as { text: string }).text)).toEqual(titles);
  expect(taken(telegram).map((body) => (JSON.parse(body) as { text: string }).text)).toEqual(titles);
  expect(taken(webhook).map((body) => JSON.parse(body) as Message)).toEqual(fromQueue);
  return fromQueue;
}

function taken({ accepted }: Endpoint): string[] {
  return accepted.splice(0).map(({ body }) => body);
}

async function eventsSeen(): Promise<string[]> {
  return (await events.take()).map((body) => {
    const event = JSON.parse(body) as { source: string; 'detail-type': string; detail: unknown };
    const detail = runEndedSchema.parse(event.detail);
    return `${event['detail-type']}${detail.error === undefined ? '' : `: ${detail.error.code}`}`;
  });
}

test('museum 12: a broken backup reaches a subscriber, after 25 hours, a day later again, and when it is mended', async () => {
  valueOf(await backup.invoke({ source: 'shop' }));
  valueOf(await check.invoke({ hoursFromNow: 1 }));
  expect(await arrived()).toEqual([]);
  expect(await eventsSeen()).toEqual(['Nightjar Backup Succeeded', 'Nightjar Check Succeeded']);

  await postgresSql(postgres, 'postgres', 'alter database shop rename to gone');
  const broken = errorOf(await backup.invoke({ source: 'shop', hoursFromNow: 24 }));
  expect(broken.errorMessage).toContain('shop');
  expect(await arrived()).toMatchObject([
    {
      kind: 'backup-failed',
      severity: 'problem',
      source: 'shop',
      next: ['nightjar check shop', 'nightjar backup shop'],
    },
  ]);
  expect(await eventsSeen()).toEqual([`Nightjar Backup Failed: ${broken.errorType}`]);

  valueOf(await check.invoke({ hoursFromNow: 24.9 }));
  expect(await arrived()).toEqual([]);

  slack.refusals.push({ status: 429, headers: { 'retry-after': '1' }, body: 'rate_limited' });
  telegram.refusals.push(answer(429, 'Too Many Requests: retry after 1', { retry_after: 1 }));
  valueOf(await check.invoke({ hoursFromNow: 26 }));
  const [stale, ...others] = await arrived();
  expect(
    [slack, telegram].map(({ refusals, received }) => [
      refusals.length,
      received.at(-1)!.at - received.at(-2)!.at >= 950,
    ]),
  ).toEqual([
    [0, true],
    [0, true],
  ]);
  expect(others).toEqual([]);
  expect(stale).toMatchObject({ kind: 'stale', severity: 'problem', source: 'shop' });
  expect(stale!.facts).toEqual(
    expect.arrayContaining([
      { label: 'Failures since', value: '1' },
      { label: 'Backups in the vault', value: '1' },
    ]),
  );

  valueOf(await check.invoke({ hoursFromNow: 40 }));
  expect(await arrived()).toEqual([]);

  valueOf(await check.invoke({ hoursFromNow: 50 }));
  expect(await arrived()).toMatchObject([{ kind: 'stale', severity: 'reminder', source: 'shop' }]);

  await postgresSql(postgres, 'postgres', 'alter database gone rename to shop');
  valueOf(await backup.invoke({ source: 'shop', hoursFromNow: 51 }));
  valueOf(await check.invoke({ hoursFromNow: 51.5 }));
  expect(await arrived()).toMatchObject([{ kind: 'recovered', severity: 'recovered', source: 'shop' }]);
});

test('an address that is dead fails the run by its name alone, and the others hear that somebody was not told', async () => {
  slack.refusals.push({ status: 404, body: 'no_service' });

  const failed = errorOf(await backup.invoke({ source: 'shpo' }));

  expect(failed.errorMessage).toContain('there is no source shpo');
  expect(failed.errorMessage).toContain('slack answered 404: no_service');
  expect(failed.errorMessage).not.toMatch(/sEcReT/);
  expect(taken(webhook).map((body) => (JSON.parse(body) as Message).kind)).toEqual([
    'backup-failed',
    'notifier-failed',
  ]);
  for (const endpoint of [slack, telegram]) taken(endpoint);

  valueOf(await check.invoke({ hoursFromNow: 52 }));

  expect(taken(slack)).toEqual([expect.stringContaining('PROBLEM shpo: the backup failed')]);
  expect(taken(webhook)).toEqual([expect.stringContaining('slack can be told again')]);
  taken(telegram);
  await alerts.take();
});

test('a configuration that was deployed with a mistake, or without a source, is told by what is right in it', async () => {
  const [mistaken, empty] = await Promise.all([
    scene.deploy('backup', sources, { ...settings, config: { ...settings.config, defaults: { timezone: 'UTC' } } }),
    scene.deploy('check', {}, settings),
  ]);

  const failed = errorOf(await mistaken.invoke({ source: 'shop' }));
  const unchecked = errorOf(await empty.invoke({}));

  expect([failed.errorType, unchecked.errorType]).toEqual(['config-invalid', 'config-invalid']);
  const told = await arrived();
  expect(told.map(({ kind, source }) => [kind, source])).toEqual([
    ['backup-failed', 'shop'],
    ['check-failed', undefined],
  ]);
  expect(told[1]!.facts[0]!.value).toContain('names no source');
});
