import { ArnFormat, Stack } from 'aws-cdk-lib';
import { PolicyDocument, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { CfnSchedule, CfnScheduleGroup } from 'aws-cdk-lib/aws-scheduler';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { awsCron } from '../../core/contract/cloud/aws-schedule.ts';
import { allow } from '../rights/grants.ts';

/** One schedule: when, in which time zone, which function, with which event. */
export type Planned = {
  readonly name: string;
  readonly description: string;
  readonly cron: string;
  readonly timeZone: string;
  readonly fn: IFunction;
  readonly event: object /** How long after its moment it may start, in milliseconds; 0: at its moment. */;
  readonly windowMs: number;
};

export type SchedulesProps = {
  readonly stack: string;
  readonly planned: readonly Planned[];
  readonly deadLetters: IQueue;
};

/** The Scheduler delivers an event at once; if Lambda can't take it, it retries for an hour. */
const retryPolicy = { maximumRetryAttempts: 10, maximumEventAgeInSeconds: 3_600 };

/** All schedules of a stack, in their own group, with one role that may start only these functions. */
export class Schedules extends Construct {
  constructor(scope: Construct, id: string, { stack, planned, deadLetters }: SchedulesProps) {
    super(scope, id);
    const group = new CfnScheduleGroup(this, 'Group', { name: stack });
    const role = starter(
      this,
      stack,
      planned.map(({ fn }) => fn.functionArn),
      deadLetters,
    );
    for (const { name, description, cron, timeZone, fn, event, windowMs } of planned) {
      new CfnSchedule(this, name, {
        name,
        description,
        groupName: group.ref,
        scheduleExpression: awsCron(cron),
        scheduleExpressionTimezone: timeZone,
        flexibleTimeWindow: windowOf(windowMs),
        target: {
          arn: fn.functionArn,
          roleArn: role.roleArn,
          input: JSON.stringify(event),
          retryPolicy,
          deadLetterConfig: { arn: deadLetters.queueArn },
        },
      });
    }
  }
}

function starter(scope: Construct, stack: string, functionArns: string[], deadLetters: IQueue): Role {
  const { account } = Stack.of(scope);
  const ofThisGroup = Stack.of(scope).formatArn({
    service: 'scheduler',
    resource: 'schedule-group',
    resourceName: stack,
    arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
  });
  return new Role(scope, 'Role', {
    description: `Starts the functions of ${stack} by schedule`,
    assumedBy: new ServicePrincipal('scheduler.amazonaws.com', {
      conditions: { StringEquals: { 'aws:SourceAccount': account }, ArnLike: { 'aws:SourceArn': ofThisGroup } },
    }),
    inlinePolicies: {
      Nightjar: new PolicyDocument({
        statements: [
          allow('Start', ['lambda:InvokeFunction'], [...new Set(functionArns)]),
          allow('GiveUp', ['sqs:SendMessage'], [deadLetters.queueArn]),
        ],
      }),
    },
  });
}

function windowOf(ms: number): CfnSchedule.FlexibleTimeWindowProperty {
  const minutes = Math.ceil(ms / 60_000);
  return minutes === 0 ? { mode: 'OFF' } : { mode: 'FLEXIBLE', maximumWindowInMinutes: minutes };
}
