import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stacksNeeded } from '../../../lib/plan/rooms.ts';
import type { SourceName } from '../../../core/domain/keys.ts';
import { account } from '../../real/cloud/template/deploy.ts';
import { elements, json, query, signed } from '../../real/cloud/policy/signed.ts';
import { synthesised } from '../../real/cloud/template/synthesis.ts';
import { without, type Template } from '../../real/cloud/template/template.ts';
import { byHand } from '../../real/cloud/types.ts';
import { startMoto } from '../../servers/s3/moto.ts';
import type { S3Server } from '../../servers/server.ts';

/*
 * Deploys the stacks of a fleet of databases into the emulator: `node test/bench/fleet/deploy.ts 300`. It takes minutes,
 * so no test does it. What the emulator's CloudFormation does not know is left out, as in test/real/cloud; code is a note.
 */
const size = Number(process.argv[2] ?? 300);
const perStack = 28;
const limitMs = 20 * 60_000;
const names = Array.from({ length: size }, (_, index) => `shop-number-${index}`);
const stacks = stacksNeeded(names as SourceName[], perStack);
const network = { vpc: 'vpc-0a0000000000000f1', subnets: ['subnet-0a0000000000000a1'] };
const configuration = {
  vault: 's3://acme-backups/prod',
  defaults: { schedule: '0 3 * * *' },
  sources: Object.fromEntries(
    names.map((database) => [
      database,
      {
        postgres: { host: 'db.acme.example', user: 'backup', password: { secret: `rds/${database}` }, database },
        cloud: { network: 'main' },
      },
    ]),
  ),
  cloud: { account, region: 'eu-central-1', email: ['ops@acme.example'], stacks, networks: { main: network } },
};

// CDK's own rules over thirteen templates take longer than all the rest; test/stack has them
process.env['CDK_VALIDATION'] = 'false';
const folder = await mkdtemp(join(tmpdir(), 'nightjar-fleet-'));
const moto = await startMoto();
try {
  const assembly = await synthesised(configuration, folder);
  const found = (await readdir(assembly)).filter((file) => /^Nightjar(-\d+)?\.template\.json$/.test(file));
  const ordered = found.map((file) => file.replace('.template.json', '')).sort((a, b) => a.length - b.length);
  await bootstrap(moto);
  for (const name of ordered) {
    const began = Date.now();
    const resources = await deploy(name, assembly, moto);
    console.log(`${name}: ${resources} resources in ${((Date.now() - began) / 1000).toFixed(1)} s`);
  }
  const functions = await functionsOf(moto);
  const backups = functions.filter((one) => one.startsWith('Nightjar-backup-'));
  console.log(`${ordered.length} stacks, ${functions.length} functions, ${backups.length} of them back up`);
  if (backups.length !== size) process.exitCode = 1;
} finally {
  await moto.stop();
  await rm(folder, { recursive: true, force: true });
}

async function bootstrap(aws: S3Server): Promise<void> {
  await json(aws, aws, 'ssm', 'AmazonSSM.PutParameter', {
    Name: '/cdk-bootstrap/hnb659fds/version',
    Value: '30',
    Type: 'String',
  });
  await aws.createBucket(`cdk-hnb659fds-assets-${account}-${aws.region}`);
}

/** How many resources CloudFormation has made. Throws what keeps it from it. */
async function deploy(stack: string, assembly: string, aws: S3Server): Promise<number> {
  const whole = JSON.parse(await readFile(join(assembly, `${stack}.template.json`), 'utf8')) as Template;
  for (const key of codeOf(whole))
    await signed(aws, aws, {
      service: 's3',
      method: 'PUT',
      path: `/cdk-hnb659fds-assets-${account}-${aws.region}/${key}`,
      body: 'a note in place of the code',
    });
  const literal = { ref: (name: string) => name, attribute: (name: string) => name };
  const kept = without(whole, ({ Type }) => Type in byHand, literal);
  await query(aws, aws, 'cloudformation', 'CreateStack', {
    StackName: stack,
    TemplateBody: JSON.stringify(kept).replaceAll('"RetainExceptOnCreate"', '"Retain"'),
    'Capabilities.member.1': 'CAPABILITY_NAMED_IAM',
  });
  const until = AbortSignal.timeout(limitMs);
  for (;;) {
    const answer = await query(aws, aws, 'cloudformation', 'DescribeStacks', { StackName: stack });
    const [status] = elements(answer, 'StackStatus');
    if (status === 'CREATE_COMPLETE') return Object.keys(kept.Resources).length;
    if (!status?.endsWith('_IN_PROGRESS')) throw new Error(`${stack} is ${status}: ${answer.slice(0, 2000)}`);
    await sleep(500, undefined, { signal: until });
  }
}

function codeOf({ Resources }: Template): string[] {
  const codes = Object.values(Resources).flatMap(({ Properties = {} }) => [Properties['Code'], Properties['Content']]);
  return [...new Set(codes.flatMap((code) => (code as { S3Key?: string } | undefined)?.S3Key ?? []))];
}

async function functionsOf(aws: S3Server): Promise<string[]> {
  const names: string[] = [];
  for (let marker = ''; ; ) {
    const asked = { service: 'lambda', method: 'GET', path: '/2015-03-31/functions/' };
    const answer = await signed(aws, aws, { ...asked, ...(marker !== '' && { query: { Marker: marker } }) });
    const page = JSON.parse(answer) as { Functions: { FunctionName: string }[]; NextMarker?: string };
    names.push(...page.Functions.map(({ FunctionName }) => FunctionName));
    if (!page.NextMarker) return [...new Set(names)];
    marker = page.NextMarker;
  }
}
