import { Stack } from 'aws-cdk-lib';
import { expect, test } from '@jest/globals';
import { NightjarBackups } from '../../../lib/nightjar-backups.ts';
import type { WrittenConfig } from '../../../lib/read-config.ts';
import { readable } from '../judges/readable.ts';
import { exampleConfig, quickApp } from '../synthesis.ts';
import type { Template } from '../synthesis.ts';

/** Keys of properties that name a thing for all of an account, or of one region of it. */
const naming: Record<string, string> = {
  'AWS::Lambda::Function': 'FunctionName',
  'AWS::CloudWatch::Alarm': 'AlarmName',
  'AWS::CloudWatch::Dashboard': 'DashboardName',
  'AWS::SNS::Topic': 'TopicName',
  'AWS::SQS::Queue': 'QueueName',
  'AWS::Logs::LogGroup': 'LogGroupName',
  'AWS::KMS::Alias': 'AliasName',
  'AWS::Scheduler::ScheduleGroup': 'Name',
  'AWS::S3::Bucket': 'BucketName',
  'AWS::IAM::Role': 'RoleName',
};
/** Known in every region of an account. */
const everywhere = ['AWS::CloudWatch::Dashboard', 'AWS::IAM::Role', 'AWS::S3::Bucket'];

function namesIn(template: Template, region: string): string[] {
  return Object.values(template.Resources).flatMap(({ Type, Properties }) => {
    const name = readable(Properties?.[naming[Type] ?? ''], template);
    if (typeof name !== 'string') return [];
    return [`${Type} ${name.replaceAll('{region}', region)}${everywhere.includes(Type) ? '' : ` in ${region}`}`];
  });
}

function configOf(bucket: string, stack?: string): WrittenConfig {
  const plain = exampleConfig('plain');
  return { ...plain, vault: `s3://${bucket}`, cloud: { email: ['ops@acme.example'], ...(stack && { stack }) } };
}

test('stacks of one app, in one region or in two, share no name though their configurations give none', () => {
  const app = quickApp();
  const account = '123456789012';
  const places = [
    ['Shops', 'eu-west-1', 'Shops'],
    ['AVeryLongNameOfAStackThatNoFunctionCouldBear', 'eu-west-1'],
    ['Far', 'us-east-1', 'Shops'],
    ['Named', 'eu-west-1', undefined, 'Other'],
  ] as const;

  const stacks = places.map(([id, region, stackName, own]) => {
    const stack = new Stack(app, id, { env: { account, region }, ...(stackName && { stackName }) });
    new NightjarBackups(stack, 'Backups', configOf(`acme-${id.toLowerCase()}`, own));
    return { id, region };
  });
  const assembly = app.synth();
  const names = stacks.flatMap(({ id, region }) => namesIn(assembly.getStackArtifact(id).template as Template, region));

  expect(names.length).toBeGreaterThan(80);
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  expect(names).toContain('AWS::Lambda::Function Shops-backup-shop in eu-west-1');
  expect(names).toContain('AWS::Lambda::Function Other-check in eu-west-1');
}, 60_000);

test('two of them under one name in one place are refused, with what to write', () => {
  const app = quickApp();
  const stack = new Stack(app, 'Shops');
  new NightjarBackups(stack, 'Backups', configOf('acme-one'));

  expect(() => new NightjarBackups(stack, 'More', configOf('acme-two'))).toThrow(
    /things of Shops\/Backups would be called Shops-…, too.*cloud\.stack of its own/,
  );
  expect(() => new NightjarBackups(stack, 'Others', configOf('acme-two', 'Others'))).not.toThrow();
}, 60_000);
