import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { elements, json, query, signed, type Keys, type Place } from '../policy/signed.ts';
import { resolved, without, type Names, type Template } from './template.ts';
import { byHand, made } from '../types.ts';
import { zipOf } from './zip.ts';

export const account = '123456789012';
const stack = 'Nightjar';

/** A stack that is deployed to the emulator. */
export type Deployed = {
  template: Template;
  /** Physical ids by logical ones. */
  ids: Readonly<Record<string, string>>;
  /** A value of the template, as it is in this stack. */
  resolve<T>(value: unknown): T;
  /** The resources of a type, with their properties as they are in this stack. */
  all(type: string): { id: string; logicalId: string; properties: Record<string, unknown> }[];
};

type Assets = {
  files: Record<
    string,
    {
      source: { path?: string; packaging?: string; executable?: string[] };
      destinations: Record<string, { bucketName: string; objectKey: string }>;
    }
  >;
};

/**
 * Deploys what `cdk synth` left in a folder: assets first, then CloudFormation, then by hand what that does not know.
 */
export async function deploy(assembly: string, place: Place, keys: Keys): Promise<Deployed> {
  const template = JSON.parse(await readFile(join(assembly, `${stack}.template.json`), 'utf8')) as Template;
  await bootstrap(place, keys);
  await publish(assembly, place);
  const literals = namesOf({}, place.region);
  const kept = without(template, ({ Type }) => Type in byHand, literals);
  const strange = Object.values(kept.Resources)
    .map(({ Type }) => Type)
    .filter((type) => !(made as readonly string[]).includes(type));
  if (strange.length > 0)
    throw new Error(
      `it is not known what the emulator does with ${[...new Set(strange)].join(', ')}: add it to types.ts`,
    );
  await query(place, keys, 'cloudformation', 'CreateStack', {
    StackName: stack,
    // of what stays when a stack goes, the emulator knows the older word alone
    TemplateBody: JSON.stringify(kept).replaceAll('"RetainExceptOnCreate"', '"Retain"'),
    'Capabilities.member.1': 'CAPABILITY_NAMED_IAM',
  });
  const ids = { ...ownNames(template), ...(await idsOf(place, keys)) };
  const names = namesOf(ids, place.region, template);
  const resolve = <T>(value: unknown): T => resolved(value, names) as T;
  const all: Deployed['all'] = (type) =>
    Object.entries(template.Resources)
      .filter(([, { Type }]) => Type === type)
      .map(([logicalId, { Properties = {} }]) => ({
        logicalId,
        id: ids[logicalId] ?? logicalId,
        properties: resolve<Record<string, unknown>>(Properties),
      }));
  const missing = Object.keys(kept.Resources).filter((name) => !(name in ids));
  if (missing.length > 0) throw new Error(`the emulator has not made ${missing.join(', ')}`);
  await makeByHand(all, place, keys);
  return { template, ids, resolve, all };
}

/** What `cdk bootstrap` would have made, as far as the template asks for it. */
async function bootstrap(place: Place, keys: Keys): Promise<void> {
  await signed(place, keys, {
    service: 's3',
    method: 'PUT',
    path: `/${assetBucket(place)}`,
    body: `<CreateBucketConfiguration><LocationConstraint>${place.region}</LocationConstraint></CreateBucketConfiguration>`,
  });
  await json(place, keys, 'ssm', 'AmazonSSM.PutParameter', {
    Name: '/cdk-bootstrap/hnb659fds/version',
    Value: '30',
    Type: 'String',
  });
}

/**
 * Uploads folders as the archives that they become; the layer for AWS's processors is not built for a test: a note lies
 * in its place.
 */
async function publish(assembly: string, place: Place): Promise<void> {
  const { files } = JSON.parse(await readFile(join(assembly, `${stack}.assets.json`), 'utf8')) as Assets;
  for (const { source, destinations } of Object.values(files)) {
    const body =
      source.executable !== undefined
        ? Buffer.from(`made by ${source.executable.slice(1).join(' ')}`)
        : source.packaging === 'zip'
          ? await zipOf(join(assembly, source.path!))
          : await readFile(join(assembly, source.path!));
    for (const { objectKey } of Object.values(destinations))
      await upload(`/${assetBucket(place)}/${objectKey}`, body, place);
  }
}

/** Before anything is enforced, the emulator takes any signature. */
async function upload(path: string, body: Buffer, { endpoint, region }: Place): Promise<void> {
  const authorization = `AWS4-HMAC-SHA256 Credential=moto/20260101/${region}/s3/aws4_request, SignedHeaders=host, Signature=0`;
  const response = await fetch(`${endpoint}${path}`, {
    method: 'PUT',
    headers: { authorization },
    body: new Uint8Array(body),
    signal: AbortSignal.timeout(30_000),
  });
  if (!response.ok) throw new Error(`${path} could not be uploaded: ${response.status}`);
}

/** The bucket of `cdk bootstrap`. */
export function assetBucket({ region }: Place): string {
  return `cdk-hnb659fds-assets-${account}-${region}`;
}

async function idsOf(place: Place, keys: Keys): Promise<Record<string, string>> {
  for (let tries = 0; ; tries += 1) {
    const answer = await query(place, keys, 'cloudformation', 'DescribeStacks', { StackName: stack });
    const [status] = elements(answer, 'StackStatus');
    if (status === 'CREATE_COMPLETE') break;
    if (tries > 100 || !status?.endsWith('_IN_PROGRESS'))
      throw new Error(`the stack is ${status}: ${answer.slice(0, 2000)}`);
    await sleep(100);
  }
  const answer = await query(place, keys, 'cloudformation', 'DescribeStackResources', { StackName: stack });
  return Object.fromEntries(
    elements(answer, 'member').map((one) => [
      elements(one, 'LogicalResourceId')[0]!,
      elements(one, 'PhysicalResourceId')[0] ?? '',
    ]),
  );
}

/** What is made by hand goes by the name that the template gives it. */
function ownNames({ Resources }: Template): Record<string, string> {
  return Object.fromEntries(
    Object.entries(Resources).flatMap(([id, { Type, Properties: { Name, AlarmName } = {} }]) =>
      Type in byHand && typeof (Name ?? AlarmName) === 'string' ? [[id, String(Name ?? AlarmName)]] : [],
    ),
  );
}

async function makeByHand(all: Deployed['all'], place: Place, keys: Keys): Promise<void> {
  // its CloudFormation keeps them in a form that it can't judge by afterwards, and with a log group's ARN cut short
  for (const { id, properties } of all('AWS::IAM::Role')) {
    for (const { PolicyName, PolicyDocument } of (properties['Policies'] ?? []) as {
      PolicyName: string;
      PolicyDocument: object;
    }[])
      await query(place, keys, 'iam', 'PutRolePolicy', {
        RoleName: id,
        PolicyName,
        PolicyDocument: JSON.stringify(PolicyDocument),
      });
  }
  // it makes the bucket, and leaves this out
  for (const { id, properties } of all('AWS::S3::Bucket'))
    if (properties['VersioningConfiguration'] !== undefined)
      await signed(place, keys, {
        service: 's3',
        method: 'PUT',
        path: `/${id}`,
        query: { versioning: '' },
        body: '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>',
      });
  for (const { properties } of all('AWS::SNS::Subscription'))
    await query(place, keys, 'sns', 'Subscribe', {
      TopicArn: String(properties['TopicArn']),
      Protocol: String(properties['Protocol']),
      Endpoint: String(properties['Endpoint']),
    });
  for (const { properties } of all('AWS::Scheduler::ScheduleGroup'))
    await signed(place, keys, {
      service: 'scheduler',
      path: `/schedule-groups/${String(properties['Name'])}`,
      body: JSON.stringify({}),
    });
  for (const {
    properties: { Name, ...rest },
  } of all('AWS::Scheduler::Schedule'))
    await signed(place, keys, { service: 'scheduler', path: `/schedules/${String(Name)}`, body: JSON.stringify(rest) });
}

/** What a reference stands for, by what CloudFormation's reference says of each type's `Ref` and attributes. */
function namesOf(ids: Readonly<Record<string, string>>, region: string, template?: Template): Names {
  const pseudo: Record<string, string> = {
    'AWS::AccountId': account,
    'AWS::Region': region,
    'AWS::Partition': 'aws',
    'AWS::URLSuffix': 'amazonaws.com',
    'AWS::StackName': stack,
  };
  const ref = (name: string): string => pseudo[name] ?? ids[name] ?? name;
  return {
    ref,
    attribute(name, attribute) {
      const type = template?.Resources[name]?.Type;
      const arn = type === undefined ? undefined : arns[type]?.(ref(name), region);
      if (attribute === 'Arn' && arn !== undefined) return arn;
      if (attribute === 'GroupId') return ref(name);
      if (/^(QueueName|TopicName)$/.test(attribute)) return ref(name).split(/[:/]/).at(-1)!;
      if (template === undefined) return `${name}.${attribute}`;
      throw new Error(`${name}.${attribute} is not known here`);
    },
  };
}

const arns: Record<string, (id: string, region: string) => string> = {
  'AWS::IAM::Role': (id) => `arn:aws:iam::${account}:role/${id}`,
  'AWS::KMS::Key': (id, region) => `arn:aws:kms:${region}:${account}:key/${id}`,
  'AWS::Lambda::Function': (id, region) => `arn:aws:lambda:${region}:${account}:function:${id}`,
  'AWS::Logs::LogGroup': (id, region) => `arn:aws:logs:${region}:${account}:log-group:${id}:*`,
  'AWS::S3::Bucket': (id) => `arn:aws:s3:::${id}`,
  'AWS::SQS::Queue': (id, region) => `arn:aws:sqs:${region}:${account}:${id.split('/').at(-1)}`,
  'AWS::CloudWatch::Alarm': (id, region) => `arn:aws:cloudwatch:${region}:${account}:alarm:${id}`,
};
