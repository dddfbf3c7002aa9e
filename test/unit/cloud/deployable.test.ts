import { expect, test } from '@jest/globals';
import { parseConfig } from '../../../core/config-file.ts';
import { cloudProblems } from '../../../core/contract/cloud/problems.ts';

type Written = { email?: string; cloud?: string; source?: string; top?: string };

/** What keeps a file from being deployed, a line each. */
function problems({ email = 'email: [a@b.example]', cloud = '', source = '', top = '' }: Written): string[] {
  const shop = 'postgres: { host: db, database: d, user: u, password: { secret: s } }';
  const schedule = source.includes('schedule') ? '' : 'schedule: "0 2 * * *",';
  const text = `vault: s3://vault\n${top}\ncloud: { ${email}, ${cloud} }
sources: { shop: { ${shop}, ${schedule} ${source} } }`;
  return cloudProblems(parseConfig(text, 'nightjar.yaml')).map(({ path, message }) => `${path.join('.')}: ${message}`);
}

const networks = 'networks: { inner: { vpc: vpc-1, subnets: [subnet-1] }, outer: { vpc: vpc-2, subnets: [subnet-2] } }';
const telegram = (token: string) => `notify: [{ telegram: { token: ${token}, chat: "1" } }]`;
const ofMachine = (what: string) =>
  `${what} is of one machine: functions read secrets from AWS Secrets Manager; write { secret: name or ARN, field: name }`;
const noProgram = (use: string) => `is a program of one machine, which functions do not have: use ${use}`;
const partition =
  'is in a partition that nobody has looked at here (rights, addresses and authorities differ): the commercial ' +
  'regions and GovCloud are covered';
const bothDays =
  'AWS takes a day of the month or a weekday, not both, and this says: these days, and these weekdays too (cron means ' +
  '"or"); put * in one of the two fields (the first Monday of a month is 1#1 as weekday)';

test.each<[string, Written]>([
  ['the least there can be', {}],
  ['a region', { cloud: 'region: eu-west-1' }],
  ['GovCloud', { cloud: 'region: us-gov-west-1' }],
  ['a region whose name only looks like another partition’s', { cloud: 'region: eu-isolde-1' }],
  ['a network that there is', { cloud: networks, source: 'cloud: { network: inner, databaseSecurityGroup: sg-1 }' }],
  ['a size that one function is sure to get done', { source: 'cloud: { size: 90GB }' }],
  ['more than that, where it is to be tried', { source: 'cloud: { size: 91GB, oversize: try }' }],
  ['a check each hour', { cloud: 'check: "0 * * * *"' }],
  ['a digest by week', { cloud: 'digest: "0 7 * * 1"' }],
  ['a digest by month', { cloud: 'digest: "0 7 1 * *"' }],
  ['nobody told, which is meant', { email: 'email: []', top: 'notify: none' }],
  ['one notifier alone', { email: 'email: []', top: 'notify: [{ slack: { secret: hook } }]' }],
  ['Slack by AWS alone', { email: 'email: []', cloud: 'slack: { workspace: T0123456, channel: C0123456 }' }],
  ['secrets of the notifiers', { top: telegram('{ secret: bot, field: token }') }],
  [
    'a secret by its ARN',
    { top: telegram('{ secret: "arn:aws:secretsmanager:eu-west-1:123456789012:secret:a/b-1" }') },
  ],
  [
    'the ARN of another partition',
    { top: telegram('{ secret: "arn:aws-us-gov:secretsmanager:us-gov-west-1:123456789012:secret:a" }') },
  ],
])('%s can be deployed', (_, written) => {
  expect(problems(written)).toEqual([]);
});

test.each<[string, Written, string[]]>([
  ['China', { cloud: 'region: cn-north-1' }, [`cloud.region: ${partition}`]],
  ['the European partition', { cloud: 'region: eusc-de-east-1' }, [`cloud.region: ${partition}`]],
  ['an isolated one', { cloud: 'region: us-iso-east-1' }, [`cloud.region: ${partition}`]],
  ['another isolated one', { cloud: 'region: us-isob-east-1' }, [`cloud.region: ${partition}`]],
  [
    'a check that is too rare',
    { cloud: 'check: "0 9 * * 1"' },
    ['cloud.check: is too rare: check at least once a day'],
  ],
  ['a check on both days', { cloud: 'check: "0 9 1 * 1"' }, [`cloud.check: ${bothDays}`]],
  ['a digest on both days', { cloud: 'digest: "0 9 1 * 1"' }, [`cloud.digest: ${bothDays}`]],
  ['a backup on both days', { source: 'schedule: "0 9 1 * 1"' }, [`sources.shop.schedule: ${bothDays}`]],
  ['a rotation on both days', { source: 'cloud: { rotate: "0 9 1 * 1" }' }, [`sources.shop.cloud.rotate: ${bothDays}`]],
  [
    'a size that no function is sure to get done',
    { source: 'cloud: { size: 91GB }' },
    [
      'sources.shop.cloud.size: is more than the 90 GB that a function is sure to get done in its 15 minutes, and each ' +
        'try would leave what it has stored: back it up from a machine (nightjar backup, in a file of its own), cut it ' +
        'into several sources, or write oversize: try',
    ],
  ],
  [
    'a network that there is not',
    { source: 'cloud: { network: inner }' },
    ['sources.shop.cloud.network: there is no network inner in cloud.networks'],
  ],
  [
    'a network that there is not among others',
    { cloud: networks, source: 'cloud: { network: iner }' },
    ['sources.shop.cloud.network: there is no network iner in cloud.networks: there is inner, outer'],
  ],
  [
    'a security group on the internet',
    { source: 'cloud: { databaseSecurityGroup: sg-1 }' },
    [
      'sources.shop.cloud.databaseSecurityGroup: needs cloud.network: functions on the public internet have no ' +
        'security group to be let in',
    ],
  ],
  [
    'programs of one machine',
    { top: 'notify: [{ command: [./page-me] }]\nhooks: [{ command: [./after] }]' },
    [`notify.0.command: ${noProgram('sns, slack, telegram or webhook')}`, `hooks.0.command: ${noProgram('eventBus')}`],
  ],
  [
    'secrets of one machine',
    { top: 'notify: [{ slack: { env: A } }, { webhook: { url: { env: B }, key: { file: c } } }]' },
    [
      `notify.0.slack: ${ofMachine('a variable')}`,
      `notify.1.webhook.url: ${ofMachine('a variable')}`,
      `notify.1.webhook.key: ${ofMachine('a file')}`,
    ],
  ],
  [
    'the token of a bot in a file',
    { top: telegram('{ file: t }') },
    [`notify.0.telegram.token: ${ofMachine('a file')}`],
  ],
  [
    'a heartbeat of one machine',
    { top: 'hooks: [{ heartbeat: { env: P } }]' },
    [`hooks.0.heartbeat: ${ofMachine('a variable')}`],
  ],
  [
    'a secret whose name would open others',
    { top: telegram('{ secret: "bot*" }') },
    ['notify.0.telegram.token: is no name or ARN of a secret in AWS Secrets Manager'],
  ],
  [
    'the ARN of something else',
    { top: telegram('{ secret: "arn:aws:ssm:eu-west-1:123456789012:parameter:a" }') },
    ['notify.0.telegram.token: is no name or ARN of a secret in AWS Secrets Manager'],
  ],
  [
    'keys of one machine',
    {
      source: `encryption: { recipients: [age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kdr32rp7q9yjwzx], identity: { file: k } }`,
    },
    [`sources.shop.encryption.identity: ${ofMachine('a file')}`],
  ],
])('%s can’t', (_, written, said) => {
  expect(problems(written)).toEqual(said);
});

test('a file that says nothing of AWS, of a schedule or of people to tell is not deployed in silence', () => {
  const told = (text: string) =>
    cloudProblems(parseConfig(`vault: s3://vault\n${text}`, 'nightjar.yaml')).map(
      ({ path, message }) => `${path.join('.')}: ${message}`,
    );
  const shop = 'sources: { shop: { postgres: { host: db, database: d, user: u, password: { secret: s } } } }';

  expect(told(shop)).toEqual([
    'cloud: is missing: what AWS is to make of this file; at least "cloud: { email: [you@example.com] }" (docs/cloud.md)',
  ]);
  expect(told(`${shop}\ncloud: {}`)).toEqual([
    'cloud.email: is missing, and so are cloud.slack and notify: nobody would learn that backups fail; write email: ' +
      '[you@example.com], or, if it is meant, notify: none at the top of the file',
    'sources.shop.schedule: is missing: when backups are made, as "0 2 * * *" (here or in defaults)',
  ]);
});

test('copies are made by functions, into vaults that these can open', () => {
  const vaults = 'vaults: { near: s3://near, far: ./far }';

  expect(problems({ top: vaults })).toEqual([]);
  expect(problems({ top: vaults, source: 'copies: [near]' })).toEqual([]);
  expect(problems({ top: vaults, source: 'copies: [far]' })).toEqual([expect.stringMatching(/^vaults\.far.*: /)]);
});

test('databases by tag have a schedule, a network and names of their own', () => {
  const byTag = (keys: string, more = '') => problems({ cloud: `${networks}, byTag: { ${keys} }`, top: more });

  expect(byTag('network: inner, schedule: "0 2 * * *"')).toEqual([]);
  expect(byTag('network: inner', 'defaults: { schedule: "0 2 * * *" }')).toEqual([]);
  expect(byTag('network: iner')).toEqual([
    'cloud.byTag.schedule: is missing: when backups are made, as "0 2 * * *" (here or in defaults)',
    'cloud.byTag.network: there is no network iner in cloud.networks',
  ]);
  const text = `vault: s3://vault\ncloud: { email: [a@b.example], ${networks}, byTag: { network: inner, schedule: "0 2 * * *" } }
sources: { rds.shop: { postgres: { host: db, database: d, user: u, password: { secret: s } }, schedule: "0 2 * * *" } }`;
  expect(cloudProblems(parseConfig(text, 'nightjar.yaml'))).toEqual([
    {
      path: ['sources', 'rds.shop'],
      message: 'names that begin with rds. are those of databases found by their tag: choose another',
    },
  ]);
});
