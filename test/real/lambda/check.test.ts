import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { checkResultSchema } from '../../../core/contract/events/check.ts';
import { s3Vault } from '../../../core/vaults/s3/s3.ts';
import type { DatabaseServer } from '../../servers/server.ts';
import { storeBackup } from '../../support/vaults/stored.ts';
import { elements, query, signed } from '../cloud/policy/signed.ts';
import { newQueue } from '../cloud/template/queue.ts';
import { clientOf } from '../vaults/s3/servers.ts';
import type { Invocation } from './sandbox/function.ts';
import { errorOf, valueOf } from './sandbox/outcome.ts';
import { openScene, type Scene, type SceneSource } from './scene.ts';

/** A check never asks the database: nobody listens there. */
const server = { host: '127.0.0.1', port: 1, user: 'nobody', password: 'none' } as DatabaseServer;
const shop: SceneSource = { server, engine: 'postgres', database: 'shop' };
const settings = { handler: 'clock.handler' };
let scene: Scene;

beforeAll(async () => {
  scene = await openScene();
}, 20 * 60_000);
afterAll(() => scene?.close());

/** The figures of an invocation, where it left some: the line that CloudWatch makes metrics of. */
function figuresOf({ logs }: Invocation): Record<string, unknown>[] {
  return logs.map((line) => JSON.parse(line) as Record<string, unknown>).filter((line) => '_aws' in line);
}

const answerOf = (invocation: Invocation) => checkResultSchema.parse(valueOf(invocation));

test('the bundled function sees a backup come and grow old: never, fresh, fresh at 25 hours, stale after them', async () => {
  const client = clientOf(scene.aws);
  const vault = s3Vault({ client, bucket: 'vault', prefix: '' });
  const check = await scene.deploy('check', { shop }, settings);

  const never = answerOf(await check.invoke({}));
  const id = await storeBackup(vault, 'shop', new Date(), { seconds: 600 });
  const states = [];
  for (const hoursFromNow of [1, 25.1, 25.2]) states.push(answerOf(await check.invoke({ hoursFromNow })));
  client.destroy();

  expect(never).toMatchObject({
    status: 'problems',
    sources: [{ source: 'shop', state: 'never', backups: 0 }],
    told: 0,
  });
  expect(
    states.map(({ status, sources: [first] }) => [status, first!.state, first!.newest, first!.limitSeconds]),
  ).toEqual([
    ['fresh', 'fresh', id, 25 * 3600 + 600],
    ['fresh', 'fresh', id, 25 * 3600 + 600],
    ['problems', 'stale', id, 25 * 3600 + 600],
  ]);
  expect(check.processes()).toHaveLength(1);
});

test('the function tells how old the clients of its layer are, by what the layer says, and asks nobody', async () => {
  const check = await scene.deploy('check', { shop }, { ...settings, environment: { NIGHTJAR_LAYER_NEWS: 'on' } });

  const later = answerOf(await check.invoke({ hoursFromNow: 400 * 24 }));

  expect(later.notices).toEqual([
    expect.stringMatching(/^the database clients were pinned \d{3,} days ago: they lack what was fixed since$/),
  ]);
});

test('it tells of schedules that are switched off or deleted, and by the event of a digest how all stands', async () => {
  const { aws } = scene;
  const topic = elements(await query(aws, aws, 'sns', 'CreateTopic', { Name: 'digests' }), 'TopicArn')[0]!;
  const told = await newQueue('digests', '123456789012', aws, () => aws);
  await query(aws, aws, 'sns', 'Subscribe', { TopicArn: topic, Protocol: 'sqs', Endpoint: told.arn });
  const make = (path: string, body: object) =>
    signed(aws, aws, { service: 'scheduler', path, body: JSON.stringify(body) });
  await make('/schedule-groups/Nightjar', {});
  const rest = { ScheduleExpression: 'rate(1 day)', FlexibleTimeWindow: { Mode: 'OFF' }, GroupName: 'Nightjar' };
  const target = { Arn: topic, RoleArn: 'arn:aws:iam::123456789012:role/r' };
  await make('/schedules/rotate-seen', { ...rest, Target: target, State: 'DISABLED' });
  const environment = { AWS_ENDPOINT_URL: aws.endpoint, NIGHTJAR_SCHEDULES: 'Nightjar', NIGHTJAR_MUST_COVER: 'all' };
  const check = await scene.deploy('check', { seen: shop }, { environment, config: { notify: [{ sns: topic }] } });

  const looked = answerOf(await check.invoke({}));
  const atOnce = await told.take();
  const digested = answerOf(await check.invoke({ digest: true }));
  const later = await told.take();
  const notify = [{ sns: topic }, { sns: `${topic}-gone` }];
  const half = await scene.deploy('check', { seen: shop }, { environment, config: { notify } });
  const untold = answerOf(await half.invoke({ digest: true }));

  expect(untold).toMatchObject({ told: 1, untold: expect.stringContaining('digests-gone') });
  expect(looked.notices).toEqual([
    expect.stringContaining('the schedule rotate-seen is switched off'),
    expect.stringContaining('the schedule check is not there'),
    expect.stringContaining('the schedule backup-seen is not there'),
  ]);
  expect(JSON.stringify(atOnce)).toContain('schedule-disabled');
  expect(digested.told).toBe(1);
  expect(later).toHaveLength(1);
  expect(JSON.stringify(later)).toMatch(/digest: 1 of 1 source needs a look.*never, 0 backups.*no database of RDS/s);
  expect(JSON.stringify(later)).toMatch(/Cost.*about \$\d+\.\d\d a month for all of it, by estimate/);
});

test('each check leaves one line of figures in embedded metric format, whatever it finds', async () => {
  const [check, blind] = await Promise.all([
    scene.deploy('check', { told: shop, paused: shop }, settings),
    scene.deploy(
      'check',
      { told: shop },
      {
        ...settings,
        config: { vault: { s3: { bucket: 'gone', region: scene.aws.region, endpoint: scene.aws.endpoint } } },
      },
    ),
  ]);

  const [line, ...more] = figuresOf(await check.invoke({}));
  const blinded = await blind.invoke({});

  expect(more).toEqual([]);
  const names = [
    'Checks',
    'Sources',
    'Fresh',
    'Problems',
    'Stale',
    'Never',
    'Unknown',
    'Shrunk',
    'OverdueDrill',
    'Paused',
    'Unconfigured',
  ];
  expect(line).toMatchObject({
    _aws: {
      Timestamp: expect.any(Number),
      CloudWatchMetrics: [
        {
          Namespace: 'Nightjar',
          Dimensions: [['FunctionName']],
          Metrics: names.map((Name) => ({ Name, Unit: 'Count' })),
        },
      ],
    },
    FunctionName: 'nightjar-check',
    Checks: 1,
    Sources: 2,
    Never: 2,
    Problems: 2,
  });
  expect(answerOf(blinded)).toMatchObject({
    status: 'problems',
    vault: { place: 's3://gone', error: expect.stringMatching(/gone.*\(vault-\w+\)$/) },
    sources: [{ source: 'told', state: 'unknown' }],
  });
  expect(figuresOf(blinded)).toMatchObject([{ Checks: 1, Unknown: 1 }]);
});

test('a check that can tell nobody fails and leaves no figures: their absence is the alarm', async () => {
  const nobody = { notify: [{ webhook: { url: { env: 'PAGER_URL' }, key: { env: 'PAGER_KEY' } } }] };
  const check = await scene.deploy(
    'check',
    { lonely: shop },
    {
      ...settings,
      config: nobody,
      environment: { PAGER_URL: 'http://127.0.0.1:1/', PAGER_KEY: 'a key' },
      timeoutMs: 30_000,
    },
  );

  const failed = await check.invoke({});

  expect(errorOf(failed)).toMatchObject({ errorType: 'notify-failed' });
  expect(figuresOf(failed)).toEqual([]);
});

test('an empty configuration is a failure of the check, by its name', async () => {
  const check = await scene.deploy('check', {}, settings);

  const failed = await check.invoke({});

  expect(errorOf(failed)).toMatchObject({
    errorType: 'config-invalid',
    errorMessage: expect.stringContaining('sources: names no source'),
  });
  expect(figuresOf(failed)).toEqual([]);
});

test('a wrong event is refused', async () => {
  const check = await scene.deploy('check', { shop }, settings);

  expect(errorOf(await check.invoke({ source: 'shop' }))).toMatchObject({
    errorType: 'input-invalid',
    errorMessage: expect.stringContaining('source: unknown key'),
  });
});
