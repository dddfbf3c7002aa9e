import { Duration } from 'aws-cdk-lib';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { acknowledge } from '../acknowledge.ts';

/** Receives the events that no function could handle, in spite of all retries. Any message in it raises an alarm. */
export class DeadLetters extends Construct {
  readonly queue: Queue;

  constructor(scope: Construct, id: string, { stack }: { readonly stack: string }) {
    super(scope, id);
    this.queue = new Queue(this, 'Queue', {
      queueName: `${stack}-dead-letters`,
      // the longest that SQS keeps a message, because somebody has to read it
      retentionPeriod: Duration.days(14),
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
    });
    acknowledge(this.queue, { 'AwsSolutions-SQS3': 'It is the dead-letter queue itself, of functions and schedules.' });
  }
}
