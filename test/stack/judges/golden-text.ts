import { policiesOf } from './policies.ts';
import { readable } from './readable.ts';
import { resourcesOf } from '../synthesis.ts';
import type { Template } from '../synthesis.ts';

type Properties = Record<string, any>;

/** What matters of a template, for a person: what there is, what runs when, who may do what, what raises an alarm. */
export function goldenText(template: Template): string {
  const all = (type: string): Properties[] =>
    resourcesOf(template, type).map(([, { Properties: properties }]) => readable(properties, template) as Properties);
  return [
    section('Resources', counted(template)),
    section(
      'Functions',
      all('AWS::Lambda::Function').map((one) => functionLine(one, all('AWS::Lambda::EventInvokeConfig'))),
    ),
    section('Schedules', all('AWS::Scheduler::Schedule').map(scheduleLine)),
    section('Bucket', all('AWS::S3::Bucket').flatMap(bucketLines)),
    section(
      'Rights',
      policiesOf(template)
        .filter(({ kind }) => kind === 'identity')
        .flatMap(({ of, statements }) => [of, ...statements.flatMap((one) => statementLines(one))]),
    ),
    section(
      'Policies of things',
      policiesOf(template)
        .filter(({ kind }) => kind === 'resource')
        .flatMap(({ of, statements }) => [of, ...statements.flatMap((one) => statementLines(one))]),
    ),
    section('Alarms', all('AWS::CloudWatch::Alarm').map(alarmLine)),
    section(
      'Network',
      [
        ...all('AWS::EC2::VPCEndpoint'),
        ...all('AWS::EC2::SecurityGroup'),
        ...all('AWS::EC2::SecurityGroupIngress'),
      ].map((one) => `  ${JSON.stringify(one)}`),
    ),
    section(
      'Told',
      [...all('AWS::SNS::Subscription'), ...all('AWS::Chatbot::SlackChannelConfiguration')].map(
        (one) => `  ${JSON.stringify(one)}`,
      ),
    ),
  ]
    .filter((text) => text !== '')
    .join('\n');
}

function section(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : `${title}\n${lines.join('\n')}\n`;
}

function counted({ Resources }: Template): string[] {
  const types = Object.values(Resources).map(({ Type }) => Type);
  return [...new Set(types)]
    .sort()
    .map((type) => `${String(types.filter((one) => one === type).length).padStart(5)}  ${type}`);
}

function functionLine(
  {
    FunctionName: name,
    Architectures,
    Runtime,
    Handler,
    MemorySize,
    Timeout,
    Layers = [],
    VpcConfig,
    ReservedConcurrentExecutions: atOnce,
    TracingConfig,
    Environment,
  }: Properties,
  events: Properties[],
): string {
  const own = events.find(({ FunctionName }) => FunctionName === name)!;
  const words = [
    Architectures[0],
    Runtime,
    Handler,
    `${MemorySize} MB`,
    `${Timeout} s`,
    ...(Layers.length > 0 ? ['with the layer'] : []),
    ...(atOnce === undefined ? [] : [`${atOnce} at once`]),
    ...(VpcConfig === undefined
      ? []
      : [`in ${VpcConfig.SubnetIds.join(', ')} as ${VpcConfig.SecurityGroupIds.join(', ')}`]),
    ...(TracingConfig === undefined ? [] : ['traced']),
  ];
  const after =
    `${own['MaximumRetryAttempts']} retries within ${own['MaximumEventAgeInSeconds']} s, then ` +
    `${own['DestinationConfig'].OnFailure.Destination}`;
  return `  ${name}: ${words.join(', ')}\n    ${after}\n    ${Object.entries(Environment.Variables)
    .map(([key, value]) => `${key}=${value}`)
    .join(' ')}`;
}

function scheduleLine({
  Name,
  ScheduleExpression,
  ScheduleExpressionTimezone,
  FlexibleTimeWindow,
  Target,
  GroupName,
}: Properties): string {
  const { Mode, MaximumWindowInMinutes: minutes } = FlexibleTimeWindow;
  return `  ${GroupName}/${Name}: ${ScheduleExpression} ${ScheduleExpressionTimezone}${Mode === 'OFF' ? '' : ` within ${minutes} min`} → ${Target.Arn} ${Target.Input}`;
}

function bucketLines({
  BucketName,
  BucketEncryption,
  VersioningConfiguration,
  PublicAccessBlockConfiguration,
  ObjectLockEnabled,
  ObjectLockConfiguration,
  LifecycleConfiguration,
  OwnershipControls,
}: Properties): string[] {
  return [
    `  ${BucketName}: ${VersioningConfiguration.Status} versions, ` +
      `${JSON.stringify(BucketEncryption.ServerSideEncryptionConfiguration)}`,
    `  ${JSON.stringify(PublicAccessBlockConfiguration)} ${JSON.stringify(OwnershipControls)}`,
    ...(ObjectLockEnabled === true ? [`  locked: ${JSON.stringify(ObjectLockConfiguration.Rule)}`] : []),
    ...LifecycleConfiguration.Rules.map((rule: Properties) => `  rule ${JSON.stringify(rule)}`),
  ];
}

function statementLines({
  Sid,
  Effect,
  Action,
  Resource,
  Condition,
  Principal,
}: {
  Sid?: string;
  Effect: string;
  Action: string[];
  Resource: string[];
  Condition: Record<string, Record<string, unknown>>;
  Principal?: unknown;
}): string[] {
  const conditions = Object.entries(Condition).flatMap(([operator, keys]) =>
    Object.entries(keys).map(([key, value]) => `      when ${key} ${operator} ${[value].flat().join(', ')}`),
  );
  return [
    `  ${Effect}${Sid === undefined ? '' : ` ${Sid}`}: ` +
      `${Action.join(', ')}${Principal === undefined ? '' : ` by ${JSON.stringify(Principal)}`}`,
    ...Resource.map((one) => `      on ${one}`),
    ...conditions,
  ];
}

function alarmLine({
  AlarmName,
  AlarmDescription,
  Namespace,
  MetricName,
  Metrics,
  Dimensions = [],
  Statistic,
  Period,
  EvaluationPeriods,
  DatapointsToAlarm,
  Threshold,
  ComparisonOperator,
  TreatMissingData,
  AlarmActions,
  OKActions,
}: Properties): string {
  const what =
    Metrics === undefined
      ? `${Statistic} of ${Namespace}/${MetricName} ` +
        `${Dimensions.map((one: Properties) => one['Value']).join(' ')} over ${Period} s`
      : (Metrics as Properties[])
          .map(
            (one) =>
              one['Expression'] ??
              `${one['Id']}=${one['MetricStat'].Stat} of ${one['MetricStat'].Metric.MetricName} ` +
                `${one['MetricStat'].Metric.Dimensions[0].Value}`,
          )
          .join('; ');
  return `  ${AlarmName}: ${what}, ${DatapointsToAlarm === undefined ? '' : `${DatapointsToAlarm} of `}${EvaluationPeriods} times ${ComparisonOperator} ${Threshold}, missing: ${TreatMissingData}\n    ${AlarmDescription}\n    tells ${[...AlarmActions].join(', ')}${OKActions === undefined ? '' : ', and when it is over'}`;
}
