import { resourcesOf } from '../synthesis.ts';
import type { Template } from '../synthesis.ts';

type Spoil = (template: Template) => void;
const of = (template: Template, type: string): any => resourcesOf(template, type)[0]![1].Properties;
const role = (template: Template): any => of(template, 'AWS::IAM::Role').Policies[0].PolicyDocument.Statement;

/** Mistakes, each of which must be found: what it is, how it is made, words of the finding. */
export const mistakes: [string, Spoil, RegExp][] = [
  [
    'a property that there is not',
    (t) => (of(t, 'AWS::S3::Bucket').VersionConfiguration = {}),
    /no such property|VersionConfiguration/,
  ],
  [
    'a type that there is not',
    (t) => (resourcesOf(t, 'AWS::SQS::Queue')[0]![1].Type = 'AWS::SQS::Line'),
    /AWS::SQS::Line/,
  ],
  [
    'something required that is missing',
    (t) => delete of(t, 'AWS::Scheduler::Schedule').FlexibleTimeWindow,
    /FlexibleTimeWindow/,
  ],
  [
    'something required that is missing deeper',
    (t) => delete of(t, 'AWS::Scheduler::Schedule').Target.RoleArn,
    /RoleArn/,
  ],
  ['a number where a text belongs', (t) => (of(t, 'AWS::SNS::Topic').DisplayName = 7), /DisplayName/],
  ['a text where a number belongs', (t) => (of(t, 'AWS::Lambda::Function').MemorySize = 'much'), /MemorySize/],
  ['a value outside of an enumeration', (t) => (of(t, 'AWS::Lambda::Function').Architectures = ['arm32']), /arm32/],
  [
    'a value outside of an enumeration, deeper',
    (t) => (of(t, 'AWS::Scheduler::Schedule').FlexibleTimeWindow.Mode = 'SOMETIMES'),
    /SOMETIMES/,
  ],
  ['a runtime that there is not', (t) => (of(t, 'AWS::Lambda::Function').Runtime = 'nodejs25.y'), /nodejs25\.y/],
  ['a reference to nothing', (t) => (of(t, 'AWS::SNS::Subscription').TopicArn = { Ref: 'Nothing' }), /Nothing/],
  [
    'an attribute that there is not',
    (t) =>
      (of(t, 'AWS::Scheduler::Schedule').Target.Arn = {
        'Fn::GetAtt': [resourcesOf(t, 'AWS::Lambda::Function')[0]![0], 'Address'],
      }),
    /Address/,
  ],
  [
    'a cron expression of five fields',
    (t) => (of(t, 'AWS::Scheduler::Schedule').ScheduleExpression = 'cron(0 2 * * *)'),
    /six fields/,
  ],
  [
    'a cron expression with both days',
    (t) => (of(t, 'AWS::Scheduler::Schedule').ScheduleExpression = 'cron(0 2 1 * MON *)'),
    /exactly one/,
  ],
  [
    'a moment that never comes',
    (t) => (of(t, 'AWS::Scheduler::Schedule').ScheduleExpression = 'cron(0 25 * * ? *)'),
    /25/,
  ],
  [
    'a time zone that there is not',
    (t) => (of(t, 'AWS::Scheduler::Schedule').ScheduleExpressionTimezone = 'Europe/Atlantis'),
    /Atlantis/,
  ],
  ['an event that is no JSON', (t) => (of(t, 'AWS::Scheduler::Schedule').Target.Input = '{source: shop}'), /no JSON/],
  [
    'a schedule without a dead-letter queue',
    (t) => delete of(t, 'AWS::Scheduler::Schedule').Target.DeadLetterConfig,
    /nobody would learn/,
  ],
  ['a protocol that there is not', (t) => (of(t, 'AWS::SNS::Subscription').Protocol = 'pigeon'), /pigeon/],
  ['a dashboard that is no JSON', (t) => (of(t, 'AWS::CloudWatch::Dashboard').DashboardBody = '{"widgets": ['), /JSON/],
  ['an action that there is not', (t) => (role(t)[0].Action = 's3:ListBuckets2'), /s3:ListBuckets2/],
  ['an action with a wildcard', (t) => (role(t)[0].Action = 's3:*'), /more than is named/],
  ['an action on everything', (t) => (role(t)[0].Resource = '*'), /on everything/],
  [
    'an action on what it does not know',
    (t) => (role(t)[0].Resource = 'arn:aws:sns:eu-west-1:123456789012:topic'),
    /nothing that it knows/,
  ],
  [
    'a condition that its action does not know',
    (t) => (role(t)[0].Action = ['s3:ListBucket', 's3:ListBucketMultipartUploads']),
    /ListBucketMultipartUploads knows no condition s3:prefix/,
  ],
  [
    'a rule of a security group that stands twice',
    (t) => {
      const Properties = { GroupId: 'sg-1', IpProtocol: 'tcp', FromPort: 1, ToPort: 1, SourceSecurityGroupId: 'sg-2' };
      t.Resources['A'] = t.Resources['B'] = { Type: 'AWS::EC2::SecurityGroupIngress', Properties };
    },
    /stands twice/,
  ],
  ['a function of sixteen minutes', (t) => (of(t, 'AWS::Lambda::Function').Timeout = 960), /960/],
  ['an alarm that nobody hears', (t) => delete of(t, 'AWS::CloudWatch::Alarm').AlarmActions, /nobody hears/],
  [
    'an alarm that names no section of the runbook',
    (t) => (of(t, 'AWS::CloudWatch::Alarm').AlarmDescription = 'Something is wrong.'),
    /runbook/,
  ],
  [
    'an alarm that looks back for too long',
    (t) => Object.assign(of(t, 'AWS::CloudWatch::Alarm'), { Period: 86_400, EvaluationPeriods: 8 }),
    /look/,
  ],
];
