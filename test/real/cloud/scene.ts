import { chmod, copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { dbToolsLayer } from '../../../layers/db-tools/layer.ts';
import { temporaryFolder } from '../../servers/folder.ts';
import { signingKms, startMoto } from '../../servers/s3/moto.ts';
import { account, assetBucket, deploy, type Deployed } from './template/deploy.ts';
import { deployedFunction, type Asynchronous, type Configuration, type DeployedFunction } from './function.ts';
import { startGate, type Gate, type Role } from './policy/gate.ts';
import type { Rule } from './policy/policy.ts';
import { administrator, assumed, enforce, roleOf, rulesOf } from './policy/roles.ts';
import { json, signed, type Keys, type Place } from './policy/signed.ts';
import { synthesised } from './template/synthesis.ts';
import { unzip } from './template/zip.ts';

/** The stack of a configuration, deployed to the emulator, its policies enforced. */
export type Cloud = {
  deployed: Deployed;
  gate: Gate;
  /** The emulator itself, and who may do everything there. */
  aws: Place;
  admin: Keys;
  /** ARN of the key that signs backups. */
  signingKey: string;
  /** A function by its name: `Nightjar-backup-shop`. */
  functions: ReadonlyMap<string, DeployedFunction>;
  /**
   * Every role of the stack (`backup shop`, `check`, `scheduler`), with credentials as the service that it trusts has
   * them.
   */
  roles: ReadonlyMap<string, { role: Role; credentials: Required<Keys> }>;
  close(): Promise<void>;
};

/** Who assumes a role, as the trust policies of the stack have it, and what AWS says of the circumstances. */
const services = {
  lambda: { service: 'lambda.amazonaws.com', context: {} },
  slack: { service: 'chatbot.amazonaws.com', context: {} },
  scheduler: {
    service: 'scheduler.amazonaws.com',
    context: {
      'aws:SourceAccount': account,
      'aws:SourceArn': `arn:aws:scheduler:eu-central-1:${account}:schedule-group/Nightjar`,
    },
  },
};

type Further = { bucket: string; key: string };

export type CloudOptions = {
  /** What stands in nightjar.yaml, and files beside it by their names; made when the emulator is there. */
  configure(aws: Place & Keys): Promise<{
    configuration: object;
    files?: Record<string, string>;
    /** ARN of the key that secrets are encrypted with. */
    secretKey: string;
    /** ARN of the key that signs backups. */
    signingKey: string;
    /** A bucket that is not the stack's, and the ARN of its key. */
    further: Further;
  }>;
  secrets: Record<string, unknown>;
  /** A name that functions resolve to this machine. */
  databaseHost: string;
  /** When all is deployed, and before policies are enforced. */
  beforeEnforcing?(deployed: Deployed, aws: Place & Keys): Promise<void>;
};

/** Synthesises, deploys, switches policies on, and makes every function ready to be invoked. */
export async function openCloud({ configure, secrets, databaseHost, beforeEnforcing }: CloudOptions): Promise<Cloud> {
  const folder = await temporaryFolder('cloud');
  const report = (line: string): void => void process.stderr.write(`${line}\n`);
  const layer = await dbToolsLayer(
    process.arch === 'arm64' ? 'arm64' : 'x86_64',
    { rule: 'newer' },
    report,
    AbortSignal.timeout(20 * 60_000),
  );
  const aws = await startMoto({ preludes: [join(import.meta.dirname, 'emulator.py'), signingKms] });
  const { configuration, files = {}, secretKey, signingKey, further } = await configure(aws);
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder.path, name), text);
  const assembly = await synthesised(configuration, folder.path);
  const secretArns = new Map<string, string>();
  for (const [name, value] of Object.entries(secrets))
    secretArns.set(
      name,
      (
        (await json(aws, aws, 'secretsmanager', 'secretsmanager.CreateSecret', {
          Name: name,
          KmsKeyId: secretKey,
          SecretString: typeof value === 'string' ? value : JSON.stringify(value),
        })) as { ARN: string }
      ).ARN,
    );
  const deployed = await deploy(assembly, aws, aws);
  const gate = await startGate({
    upstream: aws.endpoint,
    world: worldOf(deployed, aws, { secretArns, secretKey, further }),
    resourcePolicy: resourcePolicies(deployed, [secretKey, signingKey, further.key], await policyOfOtherAccount()),
    isForeign: (arn) => arn === otherBucket || arn.startsWith(`${otherBucket}/`),
  });
  const roles = await rolesOf(deployed, gate, aws);
  const hosts = join(folder.path, 'hosts');
  await writeFile(hosts, `127.0.0.1 localhost ${databaseHost}\n`);
  const functions = new Map<string, DeployedFunction>();
  for (const { id, logicalId, properties } of deployed.all('AWS::Lambda::Function')) {
    const answer = JSON.parse(
      await signed(aws, aws, { service: 'lambda', method: 'GET', path: `/2015-03-31/functions/${id}` }),
    ) as { Configuration: Configuration };
    const task = await taskOf(join(folder.path, logicalId), (properties['Code'] as { S3Key: string }).S3Key, aws);
    const { role, credentials } = [...roles.values()].find((one) => one.role.arn === answer.Configuration.Role)!;
    functions.set(
      id,
      deployedFunction({
        configuration: answer.Configuration,
        role,
        credentials,
        asynchronous: asynchronousOf(deployed, id),
        task,
        layer,
        hosts,
        gate: { endpoint: gate.endpoint, region: aws.region },
      }),
    );
  }
  await beforeEnforcing?.(deployed, aws);
  const admin = await administrator(aws, aws);
  await enforce(aws);
  return {
    deployed,
    gate,
    aws,
    admin,
    signingKey,
    functions,
    roles,
    async close() {
      await Promise.all([...functions.values()].map((one) => one.stop()));
      await gate.close();
      await aws.stop();
      await folder.remove();
    },
  };
}

/**
 * The bundle as Lambda gets it: from the bucket that assets are published to; the fixtures lie beside it, for tests
 * that need another handler.
 */
async function taskOf(folder: string, key: string, aws: Place & Keys): Promise<string> {
  const response = await fetch(`${aws.endpoint}/${assetBucket(aws)}/${key}`, {
    headers: {
      authorization: `AWS4-HMAC-SHA256 Credential=moto/20260101/${aws.region}/s3/aws4_request, SignedHeaders=host, Signature=0`,
    },
  });
  await mkdir(folder, { recursive: true });
  await unzip(Buffer.from(await response.arrayBuffer()), folder);
  for (const fixture of ['deaf.mjs', 'clock.mjs'])
    await copyFile(join(import.meta.dirname, '../lambda/fixtures', fixture), join(folder, fixture));
  await chmod(folder, 0o755);
  return folder;
}

async function rolesOf(
  deployed: Deployed,
  gate: Gate,
  aws: Place & Keys,
): Promise<Map<string, { role: Role; credentials: Required<Keys> }>> {
  const roles = new Map<string, { role: Role; credentials: Required<Keys> }>();
  const labels = new Map(
    deployed.all('AWS::Lambda::Function').map(({ id, properties }) => [
      String(properties['Role']).split('/').at(-1)!,
      id
        .replace(/^Nightjar-by-tag-(\w+)$/, 'Nightjar-$1-rds')
        .replace('Nightjar-', '')
        .replace(/-(?!tag)/, ' '),
    ]),
  );
  for (const { id } of deployed.all('AWS::IAM::Role')) {
    const label = labels.get(id) ?? (id.includes('Slack') ? 'slack' : 'scheduler');
    const role = await roleOf(label, id, aws, aws);
    const { service, context } = services[label === 'scheduler' || label === 'slack' ? label : 'lambda'];
    const credentials = await assumed(role, service, context, label.replaceAll(' ', '-'), aws, aws);
    gate.know(credentials.accessKeyId, role);
    roles.set(label, { role, credentials });
  }
  return roles;
}

function asynchronousOf(deployed: Deployed, functionName: string): Asynchronous {
  const found = deployed
    .all('AWS::Lambda::EventInvokeConfig')
    .find(({ properties }) => properties['FunctionName'] === functionName);
  if (found === undefined) throw new Error(`${functionName} has no EventInvokeConfig`);
  const { MaximumRetryAttempts: retries, DestinationConfig: to } = found.properties as {
    MaximumRetryAttempts: number;
    DestinationConfig: { OnFailure: { Destination: string } };
  };
  const { properties } = deployed.all('AWS::Lambda::Function').find(({ id }) => id === functionName)!;
  return {
    retries,
    deadLetters: to.OnFailure.Destination,
    atOnce: properties['ReservedConcurrentExecutions'] as number | undefined,
  };
}

type Around = { secretArns: ReadonlyMap<string, string>; secretKey: string; further: Further };

function worldOf(deployed: Deployed, { region }: Place, { secretArns, secretKey, further }: Around) {
  const encryptions = new Map(
    deployed.all('AWS::S3::Bucket').map(({ id, properties }) => {
      const [rule] = (
        properties['BucketEncryption'] as {
          ServerSideEncryptionConfiguration: {
            BucketKeyEnabled?: boolean;
            ServerSideEncryptionByDefault: { KMSMasterKeyID?: string };
          }[];
        }
      ).ServerSideEncryptionConfiguration;
      const keyArn = rule?.ServerSideEncryptionByDefault.KMSMasterKeyID;
      return [id, keyArn === undefined ? undefined : { keyArn, bucketKey: rule?.BucketKeyEnabled === true }] as const;
    }),
  );
  return {
    region,
    account,
    encryption: (bucket: string) =>
      bucket === further.bucket ? { keyArn: further.key, bucketKey: false } : encryptions.get(bucket),
    secretArn: (name: string) => secretArns.get(name),
    keyOf: (arn: string) => (arn.includes(':secret:') ? secretKey : undefined),
  };
}

/** The bucket of copies lies in an account of its own. */
const otherBucket = 'arn:aws:s3:::acme-offsite';

/** The policy that docs/copies.md has for it, with our account in it, and nothing else. */
async function policyOfOtherAccount(): Promise<Rule[]> {
  const page = await readFile(join(import.meta.dirname, '../../../docs/copies.md'), 'utf8');
  const [, text = ''] = /```json\n(\{\n {2}"Version": "2012-10-17",[\s\S]*?)```/.exec(page) ?? [];
  return rulesOf('offsite', JSON.parse(text.replaceAll('111122223333', account)) as Parameters<typeof rulesOf>[1]);
}

/** The policies of bucket, key, topic and queue, by the ARN of what is called. */
function resourcePolicies(
  deployed: Deployed,
  keys: readonly string[],
  ofOther: readonly Rule[],
): (arn: string) => readonly Rule[] {
  type Policy = { PolicyDocument: Parameters<typeof rulesOf>[1] };
  const of = (type: string, place: (properties: Record<string, unknown>) => string[]): [string, Rule[]][] =>
    deployed
      .all(type)
      .flatMap(({ logicalId, properties }) =>
        place(properties).map((name): [string, Rule[]] => [
          name,
          rulesOf(logicalId, (properties as unknown as Policy).PolicyDocument),
        ]),
      );
  // as KMS makes it where nobody says otherwise
  const handsOn = rulesOf('key', {
    Statement: { Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${account}:root` }, Action: 'kms:*', Resource: '*' },
  });
  const byName: [string, Rule[]][] = [
    ...keys.map((key): [string, Rule[]] => [key, handsOn]),
    [otherBucket, [...ofOther]],
    ...of('AWS::S3::BucketPolicy', ({ Bucket }) => [`arn:aws:s3:::${String(Bucket)}`]),
    ...of('AWS::SNS::TopicPolicy', ({ Topics }) => Topics as string[]),
    ...of('AWS::SQS::QueuePolicy', ({ Queues }) =>
      (Queues as string[]).map((url) => `arn:aws:sqs:eu-central-1:${account}:${url.split('/').at(-1)}`),
    ),
    ...deployed
      .all('AWS::KMS::Key')
      .map(({ id, logicalId, properties }): [string, Rule[]] => [
        `arn:aws:kms:eu-central-1:${account}:key/${id}`,
        rulesOf(logicalId, properties['KeyPolicy'] as Policy['PolicyDocument']),
      ]),
  ];
  return (arn) => byName.filter(([name]) => arn === name || arn.startsWith(`${name}/`)).flatMap(([, rules]) => rules);
}
