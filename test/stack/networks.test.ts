import { expect, test } from '@jest/globals';
import type { WrittenConfig } from '../../lib/read-config.ts';
import { networkProblems } from './judges/network-problems.ts';
import { exampleConfig, resourcesOf, stackOf } from './synthesis.ts';
import type { Template } from './synthesis.ts';

const vpc = 'vpc-0a0000000000000f1';
const [west, east] = ['subnet-0a0000000000000a1', 'subnet-0a0000000000000b2'];
const main = { vpc, subnets: [west], routeTables: ['rtb-1', 'rtb-2'], endpoints: ['secretsmanager', 'sns'] as const };
const server = { host: 'db.acme.example', user: 'backup', password: { secret: 'shop' } };

type Networks = NonNullable<NonNullable<WrittenConfig['cloud']>['networks']>;

/** A stack with these networks, and for each of `admitted` a database of PostgreSQL: its network, its group, its port. */
function templateOf(networks: object, admitted: [network: string, group: string, port?: number][]): Template {
  const { app, stack } = stackOf({
    ...exampleConfig('plain'),
    sources: Object.fromEntries(
      admitted.map(([network, databaseSecurityGroup, port = 5432], index) => [
        `shop-${index}`,
        { postgres: { ...server, port, database: `shop${index}` }, cloud: { network, databaseSecurityGroup } },
      ]),
    ),
    cloud: { region: 'eu-west-1', email: ['ops@acme.example'], networks: networks as Networks },
  });
  return app.synth().getStackByName(stack.stackName).template as Template;
}

const rulesOf = (template: Template, group: string): number =>
  resourcesOf(template, 'AWS::EC2::SecurityGroupIngress').filter(
    ([, { Properties }]) => Properties['GroupId'] === group,
  ).length;

test('a list of servers that restores may go to has the rules and rights of one alone', () => {
  const templateWith = (restoreHost: string | string[]): Template => {
    const shop = {
      postgres: { ...server, database: 'shop' },
      cloud: { network: 'main', databaseSecurityGroup: 'sg-1', restoreHost },
    };
    const cloud = { region: 'eu-west-1', email: ['ops@acme.example'], networks: { main } as unknown as Networks };
    const { app, stack } = stackOf({ ...exampleConfig('plain'), sources: { shop }, cloud });
    return app.synth().getStackByName(stack.stackName).template as Template;
  };
  const [alone, listed] = [
    templateWith('writer.acme.example'),
    templateWith(['writer.acme.example', 'trial.acme.example']),
  ];

  for (const type of ['AWS::EC2::SecurityGroupIngress', 'AWS::EC2::SecurityGroup', 'AWS::IAM::Policy'])
    expect(resourcesOf(listed, type)).toEqual(resourcesOf(alone, type));
  expect(rulesOf(listed, 'sg-1')).toBe(1);
}, 60_000);

test('databases behind one security group are let into by one rule for each port and network', () => {
  const template = templateOf({ main, side: { ...main, routeTables: [], endpoints: [] } }, [
    ['main', 'sg-1'],
    ['main', 'sg-1'],
    ['main', 'sg-1', 6432],
    ['side', 'sg-1'],
    ['main', 'sg-2'],
  ]);

  expect(networkProblems(template)).toEqual([]);
  expect([rulesOf(template, 'sg-1'), rulesOf(template, 'sg-2')]).toEqual([3, 1]);
}, 60_000);

test('the rule of a database stays the same when another source comes before it: EC2 would refuse its twin', () => {
  const idsOf = (template: Template): string[] =>
    resourcesOf(template, 'AWS::EC2::SecurityGroupIngress').map(
      ([id, { Properties }]) => `${id} ${Properties['GroupId']}`,
    );

  const before = idsOf(templateOf({ main }, [['main', 'sg-1']]));
  const after = idsOf(
    templateOf({ main }, [
      ['main', 'sg-9'],
      ['main', 'sg-1'],
    ]),
  );

  expect(after).toEqual(expect.arrayContaining(before));
}, 60_000);

test('networks of one VPC share its endpoints: one way to S3 in each route table, one door to each service', () => {
  const groups = ['sg-0f', 'sg-0f'];
  const template = templateOf(
    {
      main: { ...main, securityGroups: groups },
      side: { ...main, subnets: [east], routeTables: ['rtb-2', 'rtb-3'], endpoints: ['sns', 'events'] },
      same: { ...main, securityGroups: groups },
      other: { ...main, vpc: 'vpc-0b', routeTables: ['rtb-9'] },
    },
    [
      ['main', 'sg-1'],
      ['same', 'sg-1'],
    ],
  );

  const endpoints = resourcesOf(template, 'AWS::EC2::VPCEndpoint').map(([, { Properties }]) => Properties);
  expect(networkProblems(template)).toEqual([]);
  expect(endpoints.flatMap(({ RouteTableIds = [] }) => RouteTableIds)).toEqual(['rtb-1', 'rtb-2', 'rtb-3', 'rtb-9']);
  expect(
    endpoints.filter(({ VpcId, VpcEndpointType }) => VpcId === vpc && VpcEndpointType === 'Interface'),
  ).toHaveLength(3);
  // main's door to sns lets the functions of side in, too
  expect(resourcesOf(template, 'AWS::EC2::SecurityGroupIngress')).toHaveLength(1 + 4);
}, 60_000);

test('endpoints stand in subnets of their own choice, for EC2 takes one of each zone; two in question are warned of', () => {
  const both = { ...main, subnets: [west, east] };
  const warningsOf = (networks: Networks): string[] =>
    stackOf({ ...exampleConfig('plain'), cloud: { region: 'eu-west-1', email: ['a@b.example'], networks } })
      .stack.node.findAll()
      .flatMap(({ node }) =>
        node.metadata.filter(({ type }) => type === 'aws:cdk:warning').map(({ data }) => String(data)),
      );

  const chosen = templateOf({ main: { ...both, endpointSubnets: [east] } }, [['main', 'sg-1']]);

  expect(warningsOf({ main: { ...both, endpoints: ['sns'] } })).toEqual([
    expect.stringMatching(/^cloud\.networks\.main: .*endpointSubnets/),
  ]);
  expect(warningsOf({ main: { ...both, endpoints: ['sns'], endpointSubnets: [west, east] } })).toEqual([]);
  const interfaces = resourcesOf(chosen, 'AWS::EC2::VPCEndpoint').filter(([, one]) => one.Properties['SubnetIds']);
  expect(interfaces.map(([, { Properties }]) => Properties['SubnetIds'])).toEqual([[east], [east]]);
}, 60_000);
