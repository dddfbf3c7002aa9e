import { ArnFormat, Stack } from 'aws-cdk-lib';
import { CfnSlackChannelConfiguration } from 'aws-cdk-lib/aws-chatbot';
import { PolicyDocument, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import type { CloudConfig } from '../../core/contract/cloud/cloud.ts';
import { acknowledgeWildcards } from '../acknowledge.ts';
import { allow } from '../rights/grants.ts';

/** The topic that alarms and functions publish to, and its subscribers. */
export class AlertTopic extends Construct {
  readonly topic: Topic;

  constructor(
    scope: Construct,
    id: string,
    { cloud }: { readonly cloud: Pick<CloudConfig, 'stack' | 'email' | 'slack'> },
  ) {
    super(scope, id);
    this.topic = new Topic(this, 'Topic', {
      topicName: `${cloud.stack}-alerts`,
      displayName: `${cloud.stack} backups`,
      enforceSSL: true,
    });
    this.topic.addToResourcePolicy(fromAlarms(this.topic, cloud.stack));
    for (const address of cloud.email) this.topic.addSubscription(new EmailSubscription(address));
    if (cloud.slack !== undefined) slackChannel(this, this.topic, cloud.stack, cloud.slack);
  }
}

/** A topic with its own policy no longer admits CloudWatch by default: this admits only the alarms of this stack. */
function fromAlarms(topic: Topic, stack: string): PolicyStatement {
  const { account } = Stack.of(topic);
  return new PolicyStatement({
    sid: 'AlarmsOfThisStack',
    principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
    actions: ['sns:Publish'],
    resources: [topic.topicArn],
    conditions: {
      StringEquals: { 'aws:SourceAccount': account },
      ArnLike: { 'aws:SourceArn': alarmsOf(topic, stack) },
    },
  });
}

function alarmsOf(scope: Construct, stack: string): string {
  return Stack.of(scope).formatArn({
    service: 'cloudwatch',
    resource: 'alarm',
    resourceName: `${stack}-*`,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
}

function slackChannel(
  scope: Construct,
  topic: Topic,
  stack: string,
  { workspace, channel }: NonNullable<CloudConfig['slack']>,
): void {
  const rights = [
    allow('ShowAlarms', ['cloudwatch:DescribeAlarms'], [alarmsOf(scope, stack)]),
    allow('ShowGraphs', ['cloudwatch:GetMetricData', 'cloudwatch:GetMetricWidgetImage'], ['*']),
  ];
  const role = new Role(scope, 'SlackRole', {
    assumedBy: new ServicePrincipal('chatbot.amazonaws.com'),
    description: 'Shows alarms and their graphs in Slack',
    inlinePolicies: { Nightjar: new PolicyDocument({ statements: rights }) },
  });
  acknowledgeWildcards(role, rights);
  new CfnSlackChannelConfiguration(scope, 'Slack', {
    configurationName: `${stack}-alerts`,
    iamRoleArn: role.roleArn,
    slackWorkspaceId: workspace,
    slackChannelId: channel,
    snsTopicArns: [topic.topicArn],
    guardrailPolicies: [
      Stack.of(scope).formatArn({
        service: 'iam',
        region: '',
        account: 'aws',
        resource: 'policy',
        resourceName: 'CloudWatchReadOnlyAccess',
      }),
    ],
  });
}
