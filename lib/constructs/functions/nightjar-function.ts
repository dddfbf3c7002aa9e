import { ArnFormat, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { PolicyDocument, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import {
  Architecture,
  CfnEventInvokeConfig,
  Function as LambdaFunction,
  LoggingFormat,
  Runtime,
  Tracing,
} from 'aws-cdk-lib/aws-lambda';
import type { CfnFunction, Code, ILayerVersion } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type * as z from 'zod';
import type { functionEnvironmentSchema } from '../../../core/contract/events/requests.ts';
import { acknowledgeWildcards } from '../../acknowledge.ts';
import { allow } from '../../rights/grants.ts';
import type { Sizing } from '../../../core/contract/cloud/sizing.ts';
import { networkStatements } from '../network.ts';
import type { Network } from '../network.ts';

/** What all functions of a stack have in common. */
export type FunctionCommon = {
  readonly topic: ITopic;
  readonly deadLetters: IQueue;
  readonly logDays: number;
  readonly tracing: boolean;
};

export type NightjarFunctionProps = {
  readonly functionName: string;
  readonly description: string;
  readonly code: Code;
  readonly sizing: Sizing;
  /** What its role may do, besides writing its log, publishing to the topic and running in its network. */
  readonly statements: readonly PolicyStatement[];
  readonly common: FunctionCommon;
  /** Its own environment variables. @default - none */
  readonly environment?: Readonly<Record<string, string>> | undefined;
  /** @default - none: the function starts no database programs */
  readonly layer?: ILayerVersion | undefined;
  /** @default - the public internet */
  readonly network?: Network | undefined;
  /** A file system that it mounts; its network leads there. @default - none */
  readonly fileSystem?: { readonly accessPoint: string; readonly mount: string } | undefined;
  /** How many run at the same time at most. @default - as many as the account allows */
  readonly atOnce?: number | undefined;
  /** How often Lambda retries a failure. @default 0 */
  readonly retries?: number | undefined;
};

/** AWS Lambda API reference, CreateFunction. */
const longestDescription = 256;
/** An event that waits longer than this for its function is dropped: the next one comes a day later at the latest. */
const oldestEvent = Duration.hours(6);

/** One function with its role, its log, and its dead-letter queue. */
export class NightjarFunction extends Construct {
  readonly fn: LambdaFunction;
  readonly role: Role;

  constructor(
    scope: Construct,
    id: string,
    {
      functionName,
      description,
      code,
      sizing,
      statements,
      common,
      environment: variables = {},
      layer,
      network,
      fileSystem,
      atOnce,
      retries = 0,
    }: NightjarFunctionProps,
  ) {
    super(scope, id);
    const logGroup = new LogGroup(this, 'Log', {
      logGroupName: `/aws/lambda/${functionName}`,
      retention: common.logDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const logStreams = Stack.of(this).formatArn({
      service: 'logs',
      resource: 'log-group',
      resourceName: `/aws/lambda/${functionName}:log-stream:*`,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
    const own = [
      allow('WriteLog', ['logs:CreateLogStream', 'logs:PutLogEvents'], [logStreams]),
      allow('Tell', ['sns:Publish', 'sns:ListSubscriptionsByTopic'], [common.topic.topicArn]),
      allow('GiveUp', ['sqs:SendMessage'], [common.deadLetters.queueArn]),
      // segments have no ARN (X-Ray, actions and resources)
      ...(common.tracing ? [allow('Trace', ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'], ['*'])] : []),
      ...(network === undefined ? [] : networkStatements(this, functionName)),
    ];
    const rights = [...statements, ...own];
    this.role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      description: `What ${functionName} may do`,
      inlinePolicies: { Nightjar: new PolicyDocument({ statements: rights }) },
    });
    const environment = { NIGHTJAR_TOPIC: common.topic.topicArn } satisfies z.input<typeof functionEnvironmentSchema>;
    this.fn = new LambdaFunction(this, 'Function', {
      functionName,
      description: description.slice(0, longestDescription),
      code,
      role: this.role.withoutPolicyUpdates(),
      logGroup,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      handler: 'index.handler',
      memorySize: sizing.memoryMb,
      timeout: Duration.seconds(sizing.timeoutSeconds),
      environment: { ...environment, ...variables, NODE_OPTIONS: '--max-semi-space-size=2' },
      loggingFormat: LoggingFormat.JSON,
      tracing: common.tracing ? Tracing.ACTIVE : Tracing.DISABLED,
      ...(layer && { layers: [layer] }),
      ...(atOnce !== undefined && { reservedConcurrentExecutions: atOnce }),
    });
    const resource = this.fn.node.defaultChild as CfnFunction;
    if (network !== undefined)
      resource.vpcConfig = { subnetIds: [...network.subnetIds], securityGroupIds: [...network.securityGroupIds] };
    if (fileSystem !== undefined)
      resource.fileSystemConfigs = [{ arn: fileSystem.accessPoint, localMountPath: fileSystem.mount }];
    new CfnEventInvokeConfig(this, 'Events', {
      functionName: this.fn.functionName,
      qualifier: '$LATEST',
      maximumRetryAttempts: retries,
      maximumEventAgeInSeconds: oldestEvent.toSeconds(),
      destinationConfig: { onFailure: { destination: common.deadLetters.queueArn } },
    });
    acknowledgeWildcards(this.role, rights);
  }
}
