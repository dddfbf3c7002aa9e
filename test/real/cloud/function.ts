import { randomUUID } from 'node:crypto';
import {
  lambdaFunction,
  type FunctionSettings,
  type Invocation,
  type LambdaFunction,
} from '../lambda/sandbox/function.ts';
import type { Role } from './policy/gate.ts';
import { embeddedFigures, lambdaFigures, type Figure } from './template/metrics.ts';
import { json, type Keys, type Place } from './policy/signed.ts';

/** What Lambda knows of a deployed function. */
export type Configuration = {
  FunctionName: string;
  FunctionArn: string;
  Handler: string;
  MemorySize: number;
  Timeout: number;
  Role: string;
  Environment?: { Variables: Record<string, string> };
  Layers?: unknown[];
  Architectures?: string[];
  Runtime: string;
};

/** How Lambda treats events that come without somebody waiting: its `EventInvokeConfig`. */
export type Asynchronous = {
  retries: number;
  deadLetters: string /** Reserved concurrency. */;
  atOnce?: number | undefined;
};

export type DeployedFunction = {
  configuration: Configuration;
  role: Role;
  /** As somebody who waits for the answer. */
  invoke(event: unknown, options?: InvokeOptions): Promise<Invocation>;
  /**
   * As the Scheduler does it: tried again as configured, under the same request id; what fails to the end goes to the
   * dead-letter queue. The last attempt's end.
   */
  deliver(event: unknown, options?: InvokeOptions): Promise<{ attempts: Invocation[] }>;
  /** What CloudWatch has of it by now. */
  figures: Figure[];
  stop(): Promise<void>;
};

export type InvokeOptions = {
  requestId?: string /** An execution environment beside the first one. */;
  environment?: number /** Ended so much later than it is told, for a slow machine. */;
  patienceMs?: number /** Instead of the time that it has. */;
  timeoutMs?: number /** Another file of the fixtures in place of `index`. */;
  handler?: string /** Its time is up then, however much of it is left. */;
  over?: Promise<unknown>;
};

export type FunctionPlace = {
  configuration: Configuration;
  role: Role;
  credentials: Required<Keys>;
  asynchronous: Asynchronous;
  task: string;
  layer: string;
  hosts: string /** Where AWS is. */;
  gate: Place;
};

/**
 * A function of the stack in the imitated Lambda: its own bundle, variables, memory, time and role. Its log goes to
 * CloudWatch under that role, as Lambda writes it.
 */
export function deployedFunction({
  configuration,
  role,
  credentials,
  asynchronous,
  task,
  layer,
  hosts,
  gate,
}: FunctionPlace): DeployedFunction {
  const { FunctionName: name, Handler: handler, MemorySize: memoryMb, Timeout: seconds } = configuration;
  const environments = new Map<string, { fn: LambdaFunction; stream: string }>();
  const figures: Figure[] = [];
  const running = new Set<Promise<unknown>>();
  const variables = {
    ...configuration.Environment?.Variables,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_SESSION_TOKEN: credentials.sessionToken,
    AWS_ENDPOINT_URL: gate.endpoint,
  };

  async function environment({
    environment: number = 1,
    timeoutMs = seconds * 1000,
    patienceMs = 0,
    handler: file = handler,
  }: InvokeOptions): Promise<{ fn: LambdaFunction; stream: string }> {
    const key = `${number} ${timeoutMs} ${patienceMs} ${file}`;
    const known = environments.get(key);
    if (known !== undefined) return known;
    const settings: FunctionSettings = {
      task,
      layer,
      name,
      region: gate.region,
      handler: file,
      memoryMb,
      timeoutMs,
      patienceMs,
      hosts,
      shell: name.endsWith('-globals'),
      environment: variables,
    };
    const made = { fn: lambdaFunction(settings), stream: `test/${randomUUID()}` };
    environments.set(key, made);
    await json(gate, credentials, 'logs', 'Logs_20140328.CreateLogStream', {
      logGroupName: `/aws/lambda/${name}`,
      logStreamName: made.stream,
    });
    return made;
  }

  async function invoke(event: unknown, options: InvokeOptions = {}): Promise<Invocation> {
    const { fn, stream } = await environment(options);
    // Lambda dates its figures to the start of a run
    const began = new Date();
    const { requestId = randomUUID(), over } = options;
    const ended = await fn.invoke(event, { requestId, over });
    const at = new Date();
    const written = [...ended.logs, `REPORT Duration: ${ended.durationMs.toFixed(0)} ms`];
    await json(gate, credentials, 'logs', 'Logs_20140328.PutLogEvents', {
      logGroupName: `/aws/lambda/${name}`,
      logStreamName: stream,
      logEvents: written.map((message) => ({ timestamp: at.getTime(), message })),
    });
    // a function whose time was cut short for a test has used as large a part of it
    const stretch = (seconds * 1000) / (options.timeoutMs ?? seconds * 1000);
    figures.push(
      ...lambdaFigures(name, { ...ended, durationMs: ended.durationMs * stretch }, began),
      ...embeddedFigures(ended.logs),
    );
    return ended;
  }

  return {
    configuration,
    role,
    invoke,
    figures,
    async deliver(event, { requestId = randomUUID(), ...options } = {}) {
      const attempts: Invocation[] = [];
      do attempts.push(await whenThereIsRoom(() => invoke(event, { ...options, requestId })));
      while (attempts.at(-1)!.status !== 'returned' && attempts.length <= asynchronous.retries);
      const last = attempts.at(-1)!;
      if (last.status !== 'returned') await giveUp(recordOf(configuration, requestId, attempts.length, event, last));
      return { attempts };
    },
    async stop() {
      await Promise.all([...environments.values()].map(({ fn }) => fn.stop()));
    },
  };

  /**
   * Events that find no room wait in Lambda's own queue (Lambda Developer Guide, "Configuring reserved concurrency").
   */
  async function whenThereIsRoom<T>(work: () => Promise<T>): Promise<T> {
    while (asynchronous.atOnce !== undefined && running.size >= asynchronous.atOnce) {
      figures.push({
        namespace: 'AWS/Lambda',
        name: 'Throttles',
        dimensions: { FunctionName: name },
        value: 1,
        at: new Date(),
      });
      await Promise.race(running);
    }
    const run = work();
    const settled = run.then(
      () => {},
      () => {},
    );
    running.add(settled);
    void settled.then(() => running.delete(settled));
    return run;
  }

  /**
   * The destination of failures, which Lambda writes to in the function's own name (Lambda Developer Guide, "Capturing
   * records of asynchronous invocations").
   */
  async function giveUp(record: object): Promise<void> {
    const [, , , region, account, queue] = asynchronous.deadLetters.split(':');
    await json({ ...gate, region: region! }, credentials, 'sqs', 'AmazonSQS.SendMessage', {
      QueueUrl: `${gate.endpoint}/${account}/${queue}`,
      MessageBody: JSON.stringify(record),
    });
  }
}

function recordOf(
  { FunctionArn: functionArn }: Configuration,
  requestId: string,
  attempts: number,
  event: unknown,
  last: Invocation,
): object {
  return {
    version: '1.0',
    timestamp: new Date().toISOString(),
    requestContext: {
      requestId,
      functionArn: `${functionArn}:$LATEST`,
      condition: 'RetriesExhausted',
      approximateInvokeCount: attempts,
    },
    requestPayload: event,
    responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
    responsePayload: last.status === 'failed' ? last.error : { errorMessage: last.status },
  };
}
