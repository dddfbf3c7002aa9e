import { setTimeout as sleep } from 'node:timers/promises';
import { refusalOf } from '../../support/iam/token.ts';
import type { Invocation } from '../lambda/sandbox/function.ts';
import { stateOf, type Alarm, type State } from './template/alarms.ts';
import { account, type Deployed } from './template/deploy.ts';
import type { DeployedFunction, InvokeOptions } from './function.ts';
import { queueFigure, type Figure } from './template/metrics.ts';
import { newQueue, queueNamed, type Queue } from './template/queue.ts';
import { openCloud, type Cloud } from './scene.ts';
import { databaseHost, openShop, type Shop } from './shop.ts';
import { json, query, type Keys, type Place } from './policy/signed.ts';

/** A shop, its stack, and who listens to it. */
export type World = {
  shop: Shop;
  cloud: Cloud;
  /** Gets what the topic of alerts is told. */
  told: Queue;
  /** Gets what is put onto the event bus. */
  bus: Queue;
  deadLetters: Queue;
  /** Gets what functions have started, in Lambda's place. */
  started: Queue;
  fn(name: string): DeployedFunction;
  /** What the Scheduler does at the moment of a schedule: under its role, with the input that the template gives it. */
  fire(schedule: string, options?: InvokeOptions & { at?: Date }): Promise<{ attempts: Invocation[]; event: unknown }>;
  /** The state of an alarm of the stack, by all that CloudWatch has seen so far. */
  alarm(name: string, now?: Date): Promise<State>;
  close(): Promise<void>;
};

/** Starts everything. */
export async function openWorld(): Promise<World> {
  const queues = {} as { told: Queue; bus: Queue; started: Queue };
  let cloud: Cloud;
  const shop = await openShop((name, token) => mayLogIn(name, token, shop.ledger.port, cloud));
  cloud = await openCloud({
    ...shop,
    databaseHost,
    async beforeEnforcing(deployed, aws) {
      const admin = (): Keys => cloud?.admin ?? aws;
      queues.told = await newQueue('told', account, aws, admin);
      queues.bus = await newQueue('bus', account, aws, admin);
      queues.started = await newQueue('started', account, aws, admin);
      await listen(deployed, queues, aws);
    },
  });
  const { deployed, functions, roles, gate, aws, admin } = cloud;
  const deadLetters = queueNamed('Nightjar-dead-letters', account, aws, () => admin);
  const figures: Figure[] = [];

  function fn(name: string): DeployedFunction {
    const found = functions.get(`Nightjar-${name}`);
    if (found === undefined) throw new Error(`there is no function ${name}: ${[...functions.keys()].join(', ')}`);
    return found;
  }

  return {
    shop,
    cloud,
    deadLetters,
    fn,
    ...queues,
    async fire(schedule, { at = new Date(), ...options } = {}) {
      const { properties } = deployed.all('AWS::Scheduler::Schedule').find(({ id }) => id === schedule)!;
      const {
        Arn: arn,
        Input: input,
        RoleArn: roleArn,
      } = properties['Target'] as { Arn: string; Input: string; RoleArn: string };
      const { role } = roles.get('scheduler')!;
      if (
        roleArn !== role.arn ||
        !gate.ask(role, { action: 'lambda:InvokeFunction', resource: arn, context: {} }).allowed
      )
        throw new Error(`${schedule} may not start ${arn}`);
      const event: unknown = JSON.parse(
        input.replaceAll('<aws.scheduler.scheduled-time>', `${at.toISOString().slice(0, 19)}Z`),
      );
      return { ...(await functions.get(arn.split(':').at(-1)!)!.deliver(event, options)), event };
    },
    async alarm(name, now = new Date()) {
      figures.push(queueFigure('Nightjar-dead-letters', await deadLetters.waiting(), new Date()));
      const alarms = deployed.all('AWS::CloudWatch::Alarm');
      const found = alarms.find(({ id }) => id === `Nightjar-${name}`);
      if (found === undefined) throw new Error(`there is no alarm ${name}: ${alarms.map(({ id }) => id).join(', ')}`);
      return stateOf(
        found.properties as unknown as Alarm,
        [...figures, ...[...functions.values()].flatMap((one) => one.figures)],
        now,
      );
    },
    async close() {
      await cloud.close();
      await shop.stop();
    },
  };
}

/** Lets a token in as RDS does: rightly signed by a role that may log in as this user. */
function mayLogIn(name: string, token: string, port: number, { gate, roles }: Cloud): boolean {
  const role = gate.roleOf(/X-Amz-Credential=([A-Z0-9]+)/.exec(token)?.[1] ?? '');
  const user = name.replace('user=', '');
  if (role === undefined || !['backup', 'nightjar'].includes(user)) return false;
  const { credentials } = [...roles.values()].find((one) => one.role === role)!;
  const wanted = { host: databaseHost, port, user, region: 'eu-central-1', now: new Date() };
  return (
    refusalOf(token, wanted, credentials) === undefined &&
    gate.ask(role, {
      action: 'rds-db:connect',
      resource: `arn:aws:rds-db:eu-central-1:${account}:dbuser:db-ABCDEFGHIJKL01234/${user}`,
      context: {},
    }).allowed
  );
}

/** Subscribes the queues to the topic of the stack and to its events. */
async function listen(
  deployed: Deployed,
  { told, bus }: { told: Queue; bus: Queue },
  aws: Place & Keys,
): Promise<void> {
  const [topic] = deployed.all('AWS::SNS::Topic');
  await query(aws, aws, 'sns', 'Subscribe', { TopicArn: topic!.id, Protocol: 'sqs', Endpoint: told.arn });
  await json(aws, aws, 'events', 'AWSEvents.PutRule', {
    Name: 'nightjar',
    EventPattern: JSON.stringify({ source: ['nightjar'] }),
  });
  await json(aws, aws, 'events', 'AWSEvents.PutTargets', { Rule: 'nightjar', Targets: [{ Id: 'bus', Arn: bus.arn }] });
}

/** What a queue of the topic has got, as the messages that were told. */
export async function messagesOf(
  queue: Queue,
): Promise<{ kind: string; severity: string; source?: string; subject: string }[]> {
  return (await queue.take()).map(
    (body) =>
      JSON.parse((JSON.parse(body) as { Message: string }).Message) as {
        kind: string;
        severity: string;
        source?: string;
        subject: string;
      },
  );
}

/** Waits until something is so. */
export async function until(holds: () => Promise<boolean>, limitMs = 60_000): Promise<void> {
  const signal = AbortSignal.timeout(limitMs);
  while (!(await holds())) await sleep(100, undefined, { signal });
}
