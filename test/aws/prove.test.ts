import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { App } from 'aws-cdk-lib';
import { elements, query } from '../real/cloud/policy/signed.ts';
import { deploy } from '../real/cloud/template/deploy.ts';
import { synthesised } from '../real/cloud/template/synthesis.ts';
import { temporaryFolder } from '../servers/folder.ts';
import type { TemporaryFolder } from '../servers/folder.ts';
import { startMoto } from '../servers/s3/moto.ts';
import type { S3Server } from '../servers/server.ts';
import { specProblems } from '../stack/judges/spec-problems.ts';
import type { Template } from '../stack/synthesis.ts';
import { openAccount } from './account.ts';
import { databasesStack } from './databases.ts';
import { recordOf } from './record.ts';
import { priceOf, prove, step } from './runner.ts';
import type { Prover, Step } from './runner.ts';
import { resourcesIn, switched } from './stacks.ts';
import { steps } from './steps.ts';

// The stacks of these tests are made in an emulator by the helpers of the cloud's own tests, in the place of cdk's program.
const keys = { AWS_ACCESS_KEY_ID: 'moto', AWS_SECRET_ACCESS_KEY: 'moto-takes-any' };
const own = '123456789012'; // moto's
let moto: S3Server;
let folder: TemporaryFolder;

beforeAll(async () => {
  Object.assign(process.env, keys);
  [moto, folder] = await Promise.all([startMoto(), temporaryFolder('prove')]);
}, 20 * 60_000);

afterAll(async () => {
  await Promise.all([moto?.stop(), folder?.remove()]);
});

async function prover(run: string, cdk: Prover['cdk'] = async () => {}): Promise<Prover & { said: string[] }> {
  const said: string[] = [];
  const account = await openAccount(moto.region, moto.endpoint);
  return { ...account, run, folder: folder.path, cdk, said, say: (line) => void said.push(line) };
}

/** The program as a person starts it. */
async function program(...args: string[]): Promise<{ code: number; said: string }> {
  const env = { ...process.env, ...keys, NODE_OPTIONS: '', AWS_ENDPOINT_URL: moto.endpoint };
  const child = spawn(process.execPath, [join(import.meta.dirname, 'prove.ts'), ...args], { env, stdio: 'pipe' });
  child.stdin.end();
  const [out, err, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number>((resolve) => child.once('exit', (ended) => resolve(ended ?? -1))),
  ]);
  return { code, said: out + err };
}

test('nothing is asked of AWS without an account, nor over the ceiling', async () => {
  const [unsaid, dear] = await Promise.all([
    program('--region', moto.region),
    program('--account', own, '--region', moto.region, '--ceiling', '1'),
  ]);

  expect(unsaid).toMatchObject({ code: 2, said: expect.stringContaining('npm run aws:prove -- --account') });
  expect(dear).toMatchObject({ code: 2, said: expect.stringContaining('over the ceiling of $1.00') });
  expect(priceOf(steps, 4)).toBeLessThan(5); // the ceiling that it has without a word
});

test('the price is told first, and with credentials of another account nothing is made', async () => {
  const { code, said } = await program('--account', '210987654321', '--region', moto.region, '--yes');

  expect(code).toBe(2);
  expect(said).toMatch(/^At most \$\d\.\d\d .*\nthese credentials are of account 123456789012: nothing was made\n$/);
});

/** Makes a queue of a name, or takes it away; `then` comes after it was made. */
function queueStep(name: string, then: () => Promise<void> = async () => {}): Step {
  const sqs = ({ call }: Prover, action: string, body: object): Promise<string> => {
    const headers = { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': `AmazonSQS.${action}` };
    return call({ service: 'sqs', headers, body: JSON.stringify(body) });
  };
  return step({
    name,
    assumed: 'a queue can be made',
    async do(on) {
      await sqs(on, 'CreateQueue', { QueueName: name });
      await then();
      return { made: name };
    },
    judge: ({ made }) => (made === name ? [] : ['another']),
    undo: {
      do: async (on) => void (await sqs(on, 'DeleteQueue', { QueueUrl: `${on.endpoint}/${own}/${name}` })),
      command: () => `aws sqs delete-queue ${name}`,
    },
  });
}

/** Whether there is a queue of this name. */
async function isQueue({ call }: Prover, QueueName: string): Promise<boolean> {
  const headers = { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': 'AmazonSQS.GetQueueUrl' };
  return call({ service: 'sqs', headers, body: JSON.stringify({ QueueName }) }).then(
    () => true,
    () => false,
  );
}

test('after Ctrl-C in the middle, all that was made is taken away, and what could not be is told with its command', async () => {
  const on = await prover('stopped');
  const stop = new AbortController();
  let seen = '';
  const stopping = queueStep('second', async () => {
    seen = `${await isQueue(on, 'first')} ${await isQueue(on, 'second')}`;
    stop.abort(new Error('stopped'));
    throw new Error('stopped');
  });
  const undo = { do: () => Promise.reject(new Error('it will not go')), command: () => 'aws ec2 delete-vpc' };
  const stuck: Step = { name: 'stuck', assumed: 'it goes', do: async () => 1, judge: () => ['it does not'], undo };

  const { outcomes, left } = await prove([stuck, queueStep('first'), stopping, queueStep('third')], on, stop.signal);

  expect(seen).toBe('true true');
  expect([await isQueue(on, 'first'), await isQueue(on, 'second')]).toEqual([false, false]);
  expect(outcomes.map(({ step: name }) => name)).toEqual(['stuck', 'first', 'second']);
  expect(left).toEqual([
    { step: 'third', command: 'aws sqs delete-queue third', why: expect.stringContaining('QueueDoesNotExist') },
    { step: 'stuck', command: 'aws ec2 delete-vpc', why: 'it will not go' },
  ]);
  const record = await readFile(join(folder.path, 'stopped.md'), 'utf8');
  expect(record).toContain('| stuck | it goes | **differs**: it does not |');
  expect(record).toContain('- stuck: it will not go: `aws ec2 delete-vpc`');
});

test('a run that goes on does again what was not as assumed, and nothing else; the record names no account', async () => {
  const done: string[] = [];
  const one = (name: string, differs: string[]): Step => ({
    name,
    assumed: `${name} works`,
    do: async () => void done.push(name),
    judge: () => differs,
  });
  const on = await prover('again');
  const { signal } = new AbortController();
  await prove([one('good', []), one('odd', [`seen in ${own}`])], on, signal);

  await prove([one('good', []), one('odd', []), one('new', [])], on, signal);

  expect(done).toEqual(['good', 'odd', 'odd', 'new']);
  const { outcomes } = JSON.parse(await readFile(join(folder.path, 'again.json'), 'utf8'));
  expect(recordOf({ outcomes, left: [] }, [one('good', []), one('odd', []), one('never', [])], on)).toMatch(
    /\| good \| good works \| as assumed \| 0 \|\n\| odd .* as assumed .*\n\| never \| never works \| not tried \|/,
  );
  const odd = { step: 'odd', at: '', seconds: 1, differs: [`seen in ${own}`] };
  expect(recordOf({ outcomes: [odd], left: [] }, [one('odd', [])], on)).toContain('seen in <account>');
});

test('the stack of the databases is as AWS specifies each resource', async () => {
  const template = new App({ context: { 'aws:cdk:bundling-stacks': [] } }); // what the function is made of is not looked at
  const stack = databasesStack(template, 'Prove-databases');
  const { template: made } = template.synth().getStackByName(stack.stackName) as { template: Template };

  expect(await specProblems(made)).toEqual([]);
  const types = Object.values(made.Resources).map(({ Type }) => Type);
  expect(types.filter((type) => /^AWS::RDS::DB(Instance|Cluster)$/.test(type))).toHaveLength(6);
  expect(JSON.stringify(made)).not.toMatch(/"DeletionPolicy":"(Retain|Snapshot)"/);
}, 480_000);

test('against the emulator both stacks come, are looked at, and go with the bucket, its versions and its key', async () => {
  const bootstrap = { Name: '/cdk-bootstrap/hnb659fds/version' };
  const asking = (service: string, target: string) => (action: string, body: object) => {
    const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': `${target}.${action}` };
    return on.call({ service, headers, body: JSON.stringify(body) });
  };
  const [ssm, kms] = [asking('ssm', 'AmazonSSM'), asking('kms', 'TrentService')];
  // the network that the emulator has from the beginning, in the place of one of ours
  const described = await query(moto, moto, 'ec2', 'DescribeSubnets', {});
  const [vpc] = elements(described, 'vpcId');
  const subnets = elements(described, 'subnetId').slice(0, 2);
  const [table, group] = [
    elements(await query(moto, moto, 'ec2', 'DescribeRouteTables', {}), 'routeTableId')[0],
    elements(await query(moto, moto, 'ec2', 'DescribeSecurityGroups', {}), 'groupId')[0],
  ];
  const databases = {
    Resources: { Told: { Type: 'AWS::SQS::Queue' } },
    Outputs: Object.fromEntries(
      Object.entries({
        Vpc: vpc,
        Subnets: subnets.join(' '),
        RouteTables: table,
        Group: group,
        Sql: 'judge',
        ToldArn: { 'Fn::GetAtt': ['Told', 'Arn'] },
        ToldUrl: { Ref: 'Told' },
        ...Object.fromEntries(
          ['Shop', 'Blog', 'Ledger'].flatMap((name) => [
            [name, `${name.toLowerCase()}.c1x2y3.${moto.region}.rds.amazonaws.com`],
            [`${name}Secret`, `arn:aws:secretsmanager:${moto.region}:${own}:secret:${name}-AbCdEf`],
          ]),
        ),
        LedgerReaders: `ledger.cluster-ro-c1x2y3.${moto.region}.rds.amazonaws.com`,
      }).map(([name, Value]) => [name, { Value }]),
    ),
  };
  const on = await prover('Nightjar', async (args) => {
    if (args.includes('--app'))
      await on.query('cloudformation', 'CreateStack', {
        StackName: args[1]!,
        TemplateBody: JSON.stringify(databases),
      });
    else {
      await ssm('DeleteParameter', { Name: bootstrap.Name }); // the helper writes it, too
      await deploy(await synthesised(await readConfig(args), folder.path), moto, moto);
    }
  });
  await ssm('PutParameter', { ...bootstrap, Value: '30', Type: 'String', Overwrite: true });
  const inVault = `/nightjar-${own}/prove/shop/part`;
  const listed = { name: 'listed', assumed: '', judge: () => [] };
  let key: string | undefined;
  const states: string[] = [];
  const looked: Step = {
    ...listed,
    async do(at) {
      // of the emulator's schedules, one goes off and on again
      states.push(await switched('rotate-blog', 'DISABLED', at), await switched('rotate-blog', 'ENABLED', at));
      for (const body of ['one', 'two']) await at.call({ service: 's3', method: 'PUT', path: inVault, body });
      [key] = await resourcesIn('Nightjar', 'AWS::KMS::Key', at);
      // the emulator can't describe a key whose policy came from CloudFormation
      await kms('PutKeyPolicy', { KeyId: key, PolicyName: 'default', Policy: '{"Statement":[]}' });
    },
  };
  const tried = steps.filter(({ name }) => ['bootstrapped', 'databases', 'stack', 'filled'].includes(name));

  const { outcomes, left } = await prove([...tried, looked], on, AbortSignal.timeout(400_000));

  expect(left).toEqual([]);
  expect(states).toEqual(['ENABLED', 'DISABLED']);
  expect(outcomes.map(({ step: name, differs, error }) => [name, error ?? differs])).toEqual([
    ['bootstrapped', []],
    ['databases', []],
    ['stack', []],
    ['filled', expect.anything()], // the emulator runs no function
    ['listed', []],
  ]);
  await expect(on.call({ service: 's3', method: 'GET', path: inVault })).rejects.toThrow('NoSuchBucket');
  expect(await kms('DescribeKey', { KeyId: key })).toContain('PendingDeletion');
  const stacks = await on.query('cloudformation', 'DescribeStacks', {});
  expect(stacks).not.toMatch(/<StackName>Nightjar/);
}, 480_000);

async function readConfig(args: readonly string[]): Promise<object> {
  const file = args.find((arg) => arg.startsWith('config='))!.slice('config='.length);
  return JSON.parse(await readFile(file, 'utf8')) as object;
}
