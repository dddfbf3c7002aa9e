import { expect, test } from '@jest/globals';
import { errorOf, valueOf } from '../lambda/sandbox/outcome.ts';
import type { Alarm } from './template/alarms.ts';
import { holds } from './policy/conditions.ts';
import type { Statement } from './policy/policy.ts';
import { json, query } from './policy/signed.ts';
import { messagesOf, type World } from './world.ts';

const hourMs = 3_600_000;

/** What goes wrong, and who hears of it. */
export function troubles(world: () => World): void {
  test('a backup that fails to the end lies in the dead-letter queue with its event, is told once, and two alarms ring; the next good one is told', async () => {
    const {
      fire,
      told,
      alarm,
      deadLetters,
      cloud: { aws, admin },
      shop,
    } = world();
    const login = (password: string): Promise<unknown> =>
      json(aws, admin, 'secretsmanager', 'secretsmanager.PutSecretValue', {
        SecretId: 'rds/blog',
        SecretString: JSON.stringify({ username: shop.blog.user, password }),
      });
    await login('not the password');
    await told.take();

    const { attempts, event } = await fire('backup-blog', { environment: 3 });
    const rings = [await alarm('failed-blog'), await alarm('dead-letters')];
    const letters = (await deadLetters.take()).map((body) => JSON.parse(body) as Record<string, unknown>);
    await login(shop.blog.password);
    const later = await fire('backup-blog', { environment: 3 });

    expect(attempts.map(({ status }) => status)).toEqual(['failed', 'failed', 'failed']);
    expect(letters).toMatchObject([
      {
        requestPayload: event,
        requestContext: { condition: 'RetriesExhausted', approximateInvokeCount: 3 },
        responsePayload: { errorType: 'source-unreachable' },
      },
    ]);
    expect(JSON.stringify(letters)).not.toContain('not the password');
    expect((await messagesOf(told)).map(({ kind }) => kind)).toEqual(['backup-failed', 'recovered']);
    expect(rings).toEqual(['ALARM', 'ALARM']);
    expect(later.attempts.map(({ status }) => status)).toEqual(['returned']);
    expect(await alarm('dead-letters')).toBe('ALARM');
    expect(await alarm('dead-letters', new Date(Date.now() + 6 * 60_000))).toBe('OK');
  });

  test("an event that the Scheduler can't hand over goes to the same queue, in its own name", async () => {
    const {
      cloud: { gate, aws, roles, deployed },
      deadLetters,
    } = world();
    const { credentials } = roles.get('scheduler')!;
    const dead = deployed
      .all('AWS::Scheduler::Schedule')
      .map(({ properties }) => (properties['Target'] as { DeadLetterConfig: { Arn: string } }).DeadLetterConfig.Arn);

    await json({ ...aws, endpoint: gate.endpoint }, credentials, 'sqs', 'AmazonSQS.SendMessage', {
      QueueUrl: `${gate.endpoint}/123456789012/Nightjar-dead-letters`,
      MessageBody: '{}',
    });

    expect(new Set(dead)).toEqual(new Set([deadLetters.arn]));
    expect(await deadLetters.take()).toEqual(['{}']);
  });

  test('an alarm that rings may tell the topic, and one of another account may not', async () => {
    const {
      cloud: { deployed, aws, admin },
      told,
    } = world();
    await told.take();
    const [topic] = deployed.all('AWS::SNS::Topic');
    const { Statement: statements } = deployed.all('AWS::SNS::TopicPolicy')[0]!.properties['PolicyDocument'] as {
      Statement: Statement[];
    };
    const may = (alarm: string, account: string): boolean =>
      statements.some(
        ({ Principal, Action, Resource, Condition = {} }) =>
          typeof Principal === 'object' &&
          Principal['Service'] === 'cloudwatch.amazonaws.com' &&
          Action === 'sns:Publish' &&
          Resource === topic!.id &&
          holds(Condition, {
            'aws:SourceAccount': account,
            'aws:SourceArn': `arn:aws:cloudwatch:eu-central-1:${account}:alarm:${alarm}`,
          }),
      );
    const alarms = deployed.all('AWS::CloudWatch::Alarm').map(({ properties }) => properties as unknown as Alarm);

    for (const { AlarmName: name, AlarmDescription: text, AlarmActions: actions } of alarms) {
      if (actions?.[0] !== topic!.id || !may(name, '123456789012')) throw new Error(`${name} could not tell the topic`);
      await query(aws, admin, 'sns', 'Publish', { TopicArn: actions[0], Message: text! });
    }

    const heard = (await told.take()).map((body) => (JSON.parse(body) as { Message: string }).Message);
    expect(heard).toEqual(alarms.map(() => expect.stringMatching(/ What to do: docs\/runbook\.md#[a-z-]+$/)));
    expect([may('Nightjar-stale', '210987654321'), may('somebody-else', '123456789012')]).toEqual([false, false]);
  });

  test('a backup that grows old is told once, the alarm rings, and both are over with the next backup', async () => {
    const { fn, fire, told, alarm } = world();
    await told.take();
    const check = (hoursFromNow: number) => fn('check').invoke({ hoursFromNow }, { handler: 'clock.handler' });

    // two days on: at whatever hour this runs, a moment has passed that no backup was made for
    const stale = valueOf(await check(54));
    const again = valueOf(await check(55));
    const rings = [
      await alarm('stale', new Date(Date.now() + 54 * hourMs)),
      await alarm('checker-silent', new Date(Date.now() + 55 * hourMs)),
    ];
    const messages = await messagesOf(told);
    const fresh = valueOf((await fire('check')).attempts.at(-1)!);

    expect(stale).toMatchObject({ status: 'problems', told: 3 });
    expect(again).toMatchObject({ status: 'problems', told: 0 });
    expect(messages.map(({ kind, severity }) => [kind, severity])).toEqual([
      ['missed', 'problem'],
      ['missed', 'problem'],
      ['missed', 'problem'],
    ]);
    expect(rings).toEqual(['ALARM', 'OK']);
    expect(fresh).toMatchObject({ status: 'fresh', told: 3 });
  });

  test("a check that can't tell somebody fails, tells the others, and leaves no figures; after three hours of that the alarm rings", async () => {
    const { fn, told, shop, alarm } = world();
    await told.take();
    const figures = fn('check').figures.filter(({ name }) => name === 'Checks').length;
    shop.pager.works = false;

    const check = (hoursFromNow: number) => fn('check').invoke({ hoursFromNow }, { handler: 'clock.handler' });
    const failed = await check(84);
    const first = await messagesOf(told);
    const failedAgain = await check(85);
    const then = await messagesOf(told);
    shop.pager.works = true;

    for (const one of [failed, failedAgain]) expect(errorOf(one)).toMatchObject({ errorType: 'notify-failed' });
    // nobody gets more than three messages of one check: the word about the other one comes with the next
    expect([first, then].map((messages) => messages.map(({ kind }) => kind))).toEqual([
      ['missed', 'missed', 'missed'],
      ['notifier-failed'],
    ]);
    expect(fn('check').figures.filter(({ name }) => name === 'Checks')).toHaveLength(figures);
    expect(
      await Promise.all([0, 2, 56, 59].map((hours) => alarm('checker-silent', new Date(Date.now() + hours * hourMs)))),
    ).toEqual(['OK', 'OK', 'OK', 'ALARM']);
  });
}
