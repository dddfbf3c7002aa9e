import type { Call } from './policy.ts';
import { s3Asked, type Asked, type Encryption, type Wire } from './requests-s3.ts';

/** What must be known of the account to say what a request asks for. */
export type World = {
  region: string;
  account: string;
  /** The default encryption of a bucket. */
  encryption(bucket: string): Encryption | undefined;
  /** The ARN of a secret by its name. */
  secretArn(name: string): string | undefined;
  /** The key of a secret, a topic or a queue, where it has one of its own. */
  keyOf(arn: string): string | undefined;
};

/**
 * What a request asks of IAM. Throws on a service or an operation that is not known here, so that a new call of ours
 * can't slip by.
 */
export function askedBy(service: string, wire: Wire, world: World): Asked {
  if (service === 's3') return s3Asked(wire, world);
  const read = services[service];
  if (service === 'scheduler') return { needed: [on(schedulerAction(wire), '*')], given: [] };
  if (read === undefined) throw new Error(`no permissions are known for the service ${service}`);
  const [operation = '', input] = service === 'lambda' ? (['', lambdaInput(wire, world)] as const) : operationOf(wire);
  return { needed: read(operation, input, world), given: [] };
}

type Input = Record<string, unknown>;
type Read = (operation: string, input: Input, world: World) => Call[];

const services: Record<string, Read> = {
  secretsmanager: (operation, input, world) =>
    encrypted(
      on(
        `secretsmanager:${operation}`,
        isArn(input['SecretId']) ??
          world.secretArn(String(input['SecretId'])) ??
          `unknown secret ${String(input['SecretId'])}`,
      ),
      world,
      operation === 'GetSecretValue' ? ['Decrypt'] : undefined,
    ),
  sns: (operation, input, world) => encrypted(on(`sns:${operation}`, String(input['TopicArn'] ?? '*')), world),
  sqs: (operation, input, world) =>
    encrypted(on(`sqs:${operation}`, queueArn(String(input['QueueUrl']), world)), world),
  events: (operation, input, { region, account }) => {
    const buses = ((input['Entries'] as { EventBusName?: string }[] | undefined) ?? []).map(
      ({ EventBusName: name = 'default' }) => isArn(name) ?? `arn:aws:events:${region}:${account}:event-bus/${name}`,
    );
    return buses.map((bus) => on(`events:${operation}`, bus));
  },
  logs: (operation, input, { region, account }) => [
    on(
      `logs:${operation}`,
      `arn:aws:logs:${region}:${account}:log-group:${String(input['logGroupName'])}:log-stream:${String(input['logStreamName'] ?? '')}`,
    ),
  ],
  kms: (operation, input) => [
    on(`kms:${operation}`, String(input['KeyId'] ?? '*'), {
      ...('MessageType' in input && { 'kms:MessageType': String(input['MessageType']) }),
      ...('SigningAlgorithm' in input && { 'kms:SigningAlgorithm': String(input['SigningAlgorithm']) }),
    }),
  ],
  iam: (operation, input, { account }) => [
    on(`iam:${operation}`, `arn:aws:iam::${account}:role/${String(input['RoleName'])}`),
  ],
  sts: (operation, input) => [on(`sts:${operation}`, String(input['RoleArn']))],
  rds: (operation, _, { region, account }) => [
    on(`rds:${operation}`, `arn:aws:rds:${region}:${account}:${operation.includes('Cluster') ? 'cluster' : 'db'}:*`),
  ],
  lambda: (_, input) => [on(`lambda:${String(input['action'])}`, String(input['function']))],
};

function on(action: string, resource: string, context: Record<string, string> = {}): Call {
  return { action, resource, context: { 'aws:SecureTransport': 'true', ...context } };
}

/**
 * Whoever reads a secret, or sends to an encrypted topic or queue, needs its key too (Secrets Manager User Guide, SNS
 * and SQS Developer Guides: encryption).
 */
function encrypted(call: Call, { keyOf, region, account }: World, uses = ['GenerateDataKey', 'Decrypt']): Call[] {
  const key = keyOf(call.resource);
  if (key === undefined) return [call];
  const via = {
    'kms:ViaService': `${call.action.split(':')[0]}.${region}.amazonaws.com`,
    'kms:CallerAccount': account,
  };
  return [
    call,
    ...uses.map((name) => ({ action: `kms:${name}`, resource: key, context: { ...call.context, ...via } })),
  ];
}

/** The Scheduler's operations are paths, and listing is on no resource (Service Authorization Reference). */
function schedulerAction({ method, path }: Wire): string {
  if (method === 'GET' && path.split('?')[0] === '/schedules') return 'scheduler:ListSchedules';
  throw new Error(`no permissions are known for ${method} ${path}`);
}

/** Lambda's operations are paths (Lambda API reference). */
function lambdaInput({ method, path }: Wire, { region, account }: World): Input {
  const [, , , name = '', what = ''] = path.split('/');
  const action = (
    {
      'POST invocations': 'InvokeFunction',
      'PUT code': 'UpdateFunctionCode',
      'PUT configuration': 'UpdateFunctionConfiguration',
      'DELETE ': 'DeleteFunction',
    } as Record<string, string>
  )[`${method} ${what}`];
  if (action === undefined) throw new Error(`no permissions are known for ${method} ${path}`);
  return { action, function: `arn:aws:lambda:${region}:${account}:function:${name}` };
}

/** JSON services name the operation in a header, query services in the body. */
function operationOf({ headers, body }: Wire): [string, Input] {
  const target = headers['x-amz-target'];
  if (target !== undefined) return [target.split('.').at(-1)!, JSON.parse(body === '' ? '{}' : body) as Input];
  const form = Object.fromEntries(new URLSearchParams(body));
  return [form['Action'] ?? '', form];
}

function isArn(value: unknown): string | undefined {
  return typeof value === 'string' && value.startsWith('arn:') ? value : undefined;
}

function queueArn(url: string, { region, account }: World): string {
  return `arn:aws:sqs:${region}:${account}:${url.split('/').at(-1)}`;
}
