import { CfnOutput, Stack } from 'aws-cdk-lib';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';

type StackParts = {
  stack: string;
  bucket: IBucket;
  topic: ITopic;
  deadLetters: IQueue;
  check: IFunction;
  rotate: IFunction;
  signingKey: IKey | undefined;
};

/** What people look for after a deployment. */
export function outputs(scope: Construct, parts: StackParts): void {
  const { stack, bucket, topic, deadLetters, check, rotate, signingKey } = parts;
  const { region } = Stack.of(scope);
  const console = region.startsWith('us-gov-') ? 'console.amazonaws-us-gov.com' : `${region}.console.aws.amazon.com`;
  const values = {
    BucketName: { description: 'Where the backups lie', value: bucket.bucketName },
    TopicArn: { description: 'Told by alarms and functions', value: topic.topicArn },
    DeadLettersUrl: { description: 'Events that no function could work off', value: deadLetters.queueUrl },
    CheckFunction: { description: 'Invoke it with {} to see whether everything is fresh', value: check.functionName },
    RotateFunction: {
      description: 'Invoke it with { "source": "…", "dryRun": true } to see what would be removed',
      value: rotate.functionName,
    },
    ...(signingKey && {
      SigningKeyArn: { description: 'Signs backups: nightjar key kms prints what to write', value: signingKey.keyArn },
    }),
    DashboardUrl: {
      description: 'The dashboard',
      value: `https://${console}/cloudwatch/home?region=${region}#dashboards/dashboard/${stack}-${region}`,
    },
  };
  for (const [name, { description, value }] of Object.entries(values))
    new CfnOutput(scope, name, { description, value });
}
