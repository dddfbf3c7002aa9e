import { readFileSync } from 'node:fs';
import { Stack } from 'aws-cdk-lib';
import type { App } from 'aws-cdk-lib';
import { expect, test } from '@jest/globals';
import { NightjarBackups } from '../../../lib/nightjar-backups.ts';
import type { WrittenConfig } from '../../../lib/read-config.ts';
import { exampleConfig, quickApp, resourcesOf, stackOf } from '../synthesis.ts';
import { functionEnvironmentSchema } from '../../../core/contract/events/requests.ts';
import type { Template } from '../synthesis.ts';

const server = { host: 'shop.c1x2y3.eu-west-1.rds.amazonaws.com', user: 'backup', password: { secret: 'shop' } };

/** Databases in a private network, each in a security group of its own. */
function fleet(size: number, alarms: 'each' | 'few', stacks = 0): WrittenConfig {
  const names = Array.from({ length: size }, (_, index) => `shop-number-${index}`);
  return {
    ...exampleConfig('plain'),
    sources: Object.fromEntries(
      names.map((database, index) => [
        database,
        { postgres: { ...server, database }, cloud: { network: 'main', databaseSecurityGroup: `sg-${index}` } },
      ]),
    ),
    cloud: {
      region: 'eu-west-1',
      email: ['ops@acme.example'],
      alarms,
      stacks,
      networks: { main: { vpc: 'vpc-1', subnets: ['subnet-1'], routeTables: ['rtb-1'], endpoints: ['sns'] } },
    },
  };
}

function problemOf(app: App): string {
  try {
    app.synth();
  } catch (error) {
    return String(error);
  }
  return 'nothing was thrown';
}

test('as many databases in a VPC as a stack has resources for make a template that CloudFormation takes', () => {
  const { app, stack } = stackOf(fleet(34, 'each'));

  const { templateFullPath, template } = app.synth().getStackByName(stack.stackName);

  expect(readFileSync(templateFullPath).length).toBeLessThan(1_000_000);
  expect(Object.keys((template as { Resources: object }).Resources).length).toBeGreaterThan(470);
}, 60_000);

test('a stack of too many resources says so before CloudFormation does, and what to do that was not done yet', () => {
  const [each, few] = (['each', 'few'] as const).map((alarms) => problemOf(stackOf(fleet(60, alarms)).app));

  expect(each).toMatch(
    /60 sources make a stack of \d+ resources, and CloudFormation takes 500: write "alarms: few" below cloud, or write "stacks: \d"/,
  );
  expect(few).toMatch(
    /60 sources make a stack of \d+ resources, and CloudFormation takes 500: write "stacks: \d" below cloud \(about \d\d sources fit/,
  );
}, 120_000);

test('in a stack of somebody’s own, a template of too many bytes says so, and how it becomes shorter', () => {
  const problemIn = (suppressTemplateIndentation: boolean): string => {
    const app = quickApp();
    const stack = new Stack(app, 'Mine', { suppressTemplateIndentation });
    new NightjarBackups(stack, 'Backups', fleet(34, 'each'));
    return problemOf(app);
  };

  expect(problemIn(false)).toMatch(
    /34 sources make a template of 1\d{6} bytes, and CloudFormation takes 1000000: give its stack suppressTemplateIndentation: true/,
  );
  expect(problemIn(true)).toBe('nothing was thrown');
}, 120_000);

test('300 databases of one file fit into further stacks, as many as the message named, each in one of them', () => {
  const problem = problemOf(stackOf(fleet(300, 'each')).app);
  const [, stacks] = /write "stacks: (\d+)"/.exec(problem)!;
  const { app } = stackOf(fleet(300, 'each', Number(stacks)));

  const assembly = app.synth();
  const templates = assembly.stacks.map(({ template }) => template as Template);

  for (const { templateFullPath } of assembly.stacks)
    expect(readFileSync(templateFullPath).length).toBeLessThan(1_000_000);
  expect(Math.max(...templates.map(({ Resources }) => Object.keys(Resources).length))).toBeLessThanOrEqual(500);
  const functions = templates.flatMap((one) => resourcesOf(one, 'AWS::Lambda::Function'));
  const names = functions.map(([, { Properties }]) => String(Properties['FunctionName']));
  expect(names.filter((name) => name.startsWith('Nightjar-backup-')).length).toBe(300);
  expect(new Set(names).size).toBe(602);
  // all variables of a function have 4 KB (AWS Lambda quotas)
  const variables = functions.map(
    ([, { Properties }]) => (Properties['Environment'] as { Variables: object }).Variables,
  );
  expect(Math.max(...variables.map((one) => JSON.stringify(one).length))).toBeLessThan(2_000);
  const ofCheck = variables.find((one) => 'NIGHTJAR_SCHEDULES' in one);
  const groups = templates.flatMap((one) => resourcesOf(one, 'AWS::Scheduler::ScheduleGroup'));
  const looked = functionEnvironmentSchema.pick({ NIGHTJAR_SCHEDULES: true }).parse(ofCheck).NIGHTJAR_SCHEDULES;
  expect(looked.toSorted()).toEqual(groups.map(([, { Properties }]) => Properties['Name']).toSorted());
  const first = assembly.getStackByName('Nightjar');
  expect(first.dependencies.map(({ id }) => id)).toEqual(['Nightjar.assets']);
}, 240_000);

test('a source stays in its stack, whichever others come and go', () => {
  const placed = (size: number): Map<string, string> => {
    const { app } = stackOf(fleet(size, 'few', 3));
    const functions = app
      .synth()
      .stacks.flatMap(({ stackName, template }) =>
        resourcesOf(template as Template, 'AWS::Lambda::Function').map(
          ([, { Properties }]) => [String(Properties['FunctionName']), stackName] as const,
        ),
      );
    return new Map(functions);
  };
  const [few, more] = [placed(6), placed(12)];

  expect(new Set(few.values()).size).toBeGreaterThan(2);
  for (const [name, stackName] of few) expect([name, more.get(name)]).toEqual([name, stackName]);
}, 120_000);

test('nothing of the room for runs of an account is reserved unless asked for: a new account has 10, none to give', () => {
  const reservedIn = (cloud: object): unknown[] => {
    const example = exampleConfig('plain');
    const { app, stack } = stackOf({ ...example, cloud: { ...example.cloud, ...cloud } });
    const template = app.synth().getStackByName(stack.stackName).template as Template;
    return resourcesOf(template, 'AWS::Lambda::Function').flatMap(
      ([, { Properties }]) => Properties['ReservedConcurrentExecutions'] ?? [],
    );
  };

  expect(reservedIn({})).toEqual([]);
  expect(reservedIn({ reserveConcurrency: true })).toEqual([1]);
}, 180_000);
