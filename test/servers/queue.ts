import { EventBridgeClient, PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge';
import { CreateTopicCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import type { S3Server } from './server.ts';

type Access = Pick<S3Server, 'endpoint' | 'region' | 'accessKeyId' | 'secretAccessKey'>;
export type Queue = { url: string; arn: string /** Takes what has come, oldest first. */; take(): Promise<string[]> };

/** Makes a queue in moto. SQS is spoken by hand: its client would be here for these two calls alone. */
export async function createQueue(access: Access, name: string): Promise<Queue> {
  const { QueueUrl: url } = (await sqs(access, 'CreateQueue', { QueueName: name })) as { QueueUrl: string };
  return {
    url,
    arn: `arn:aws:sqs:${access.region}:123456789012:${name}`,
    async take() {
      const taken: string[] = [];
      for (;;) {
        const { Messages = [] } = (await sqs(access, 'ReceiveMessage', { QueueUrl: url, MaxNumberOfMessages: 10 })) as {
          Messages?: { Body: string; ReceiptHandle: string }[];
        };
        if (Messages.length === 0) return taken;
        for (const { Body, ReceiptHandle } of Messages) {
          taken.push(Body);
          await sqs(access, 'DeleteMessage', { QueueUrl: url, ReceiptHandle });
        }
      }
    },
  };
}

/** Makes a topic with that queue as its subscriber; returns its ARN. */
export async function subscribedTopic(access: Access, name: string, queue: Queue): Promise<string> {
  const client = new SNSClient({ ...access, credentials: access });
  try {
    const { TopicArn } = await client.send(new CreateTopicCommand({ Name: name }));
    await client.send(new SubscribeCommand({ TopicArn, Protocol: 'sqs', Endpoint: queue.arn }));
    return TopicArn!;
  } finally {
    client.destroy();
  }
}

/** Sends what Nightjar puts onto the default bus to that queue. */
export async function eventsInto(access: Access, queue: Queue): Promise<void> {
  const client = new EventBridgeClient({ ...access, credentials: access });
  try {
    await client.send(new PutRuleCommand({ Name: 'nightjar', EventPattern: JSON.stringify({ source: ['nightjar'] }) }));
    await client.send(new PutTargetsCommand({ Rule: 'nightjar', Targets: [{ Id: 'queue', Arn: queue.arn }] }));
  } finally {
    client.destroy();
  }
}

async function sqs({ endpoint, region, accessKeyId }: Access, action: string, input: object): Promise<unknown> {
  const day = new Date().toISOString().slice(0, 10).replaceAll('-', '');
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': `AmazonSQS.${action}`,
      // moto tells the service by the scope of the signature, and takes any
      authorization: `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${day}/${region}/sqs/aws4_request, SignedHeaders=host, Signature=0`,
    },
    body: JSON.stringify(input),
    signal: AbortSignal.timeout(10_000),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`SQS ${action} answered ${response.status}: ${text.slice(0, 300)}`);
  return text === '' ? {} : JSON.parse(text);
}
