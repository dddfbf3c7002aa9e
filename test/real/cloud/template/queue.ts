import { json, type Keys, type Place } from '../policy/signed.ts';

/** A queue of the emulator, as a test looks into it. */
export type Queue = {
  arn: string /** Takes what has come, oldest first. */;
  take(): Promise<string[]> /** How many wait in it. */;
  waiting(): Promise<number>;
};

/** Looks into a queue by its name, as whoever `keys` are. */
export function queueNamed(name: string, account: string, place: Place, keys: () => Keys): Queue {
  const url = `${place.endpoint}/${account}/${name}`;
  const call = (action: string, input: object): Promise<unknown> =>
    json(place, keys(), 'sqs', `AmazonSQS.${action}`, { QueueUrl: url, ...input });
  return {
    arn: `arn:aws:sqs:${place.region}:${account}:${name}`,
    async take() {
      const taken: string[] = [];
      for (;;) {
        const { Messages = [] } = (await call('ReceiveMessage', { MaxNumberOfMessages: 10 })) as {
          Messages?: { Body: string; ReceiptHandle: string }[];
        };
        if (Messages.length === 0) return taken;
        for (const { Body, ReceiptHandle } of Messages) {
          taken.push(Body);
          await call('DeleteMessage', { ReceiptHandle });
        }
      }
    },
    async waiting() {
      const { Attributes } = (await call('GetQueueAttributes', {
        AttributeNames: ['ApproximateNumberOfMessages'],
      })) as { Attributes: { ApproximateNumberOfMessages: string } };
      return Number(Attributes.ApproximateNumberOfMessages);
    },
  };
}

/** Makes a queue, before anything is enforced. */
export async function newQueue(name: string, account: string, place: Place, admin: () => Keys): Promise<Queue> {
  await json(place, admin(), 'sqs', 'AmazonSQS.CreateQueue', { QueueName: name });
  return queueNamed(name, account, place, admin);
}
