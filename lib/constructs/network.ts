import { ArnFormat, Stack } from 'aws-cdk-lib';
import { CfnSecurityGroup, CfnSecurityGroupIngress, CfnVPCEndpoint } from 'aws-cdk-lib/aws-ec2';
import { Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import type { NetworkConfig } from '../../core/contract/cloud/network.ts';
import { allow } from '../rights/grants.ts';

export type NetworkProps = {
  /** Names everything that is made in the network. */
  readonly name: string;
  readonly config: NetworkConfig;
};

/** What Lambda itself does with a function's role to put it into a network (AWS Lambda, required IAM permissions). */
const interfaceActions = [
  'ec2:CreateNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSubnets',
  'ec2:DeleteNetworkInterface',
  'ec2:AssignPrivateIpAddresses',
  'ec2:UnassignPrivateIpAddresses',
];

/**
 * A network of the user's own that functions run in: its security group and endpoints, where the configuration asks for
 * them.
 */
export class Network extends Construct {
  readonly subnetIds: readonly string[];
  readonly securityGroupIds: readonly string[];

  constructor(scope: Construct, id: string, { name, config }: NetworkProps) {
    super(scope, id);
    this.subnetIds = config.subnets;
    this.securityGroupIds =
      config.securityGroups.length > 0
        ? config.securityGroups
        : [newGroup(this, 'Functions', config.vpc, `Functions of ${name}`)];
    const { region } = Stack.of(this);
    if (config.routeTables.length > 0)
      new CfnVPCEndpoint(this, 'S3', {
        vpcId: config.vpc,
        serviceName: `com.amazonaws.${region}.s3`,
        vpcEndpointType: 'Gateway',
        routeTableIds: [...config.routeTables],
      });
    if (config.endpoints.length > 0) this.interfaceEndpoints(config, name, region);
  }

  /** Lets the functions in to a database: a rule of its own in the database's security group. */
  admit(id: string, databaseSecurityGroup: string, port: number, source: string): void {
    this.securityGroupIds.forEach(
      (group, index) =>
        new CfnSecurityGroupIngress(this, index === 0 ? `${id}Ingress` : `${id}Ingress${index + 1}`, {
          groupId: databaseSecurityGroup,
          ipProtocol: 'tcp',
          fromPort: port,
          toPort: port,
          sourceSecurityGroupId: group,
          description: `Nightjar backs up ${source}`.replace(/[^A-Za-z0-9 ._-]/g, '-').slice(0, 255),
        }),
    );
  }

  private interfaceEndpoints({ vpc, subnets, endpoints }: NetworkConfig, name: string, region: string): void {
    const doors = newGroup(this, 'Endpoints', vpc, `Endpoints for the functions of ${name}`);
    this.securityGroupIds.forEach(
      (group, index) =>
        new CfnSecurityGroupIngress(this, `EndpointsIngress${index + 1}`, {
          groupId: doors,
          ipProtocol: 'tcp',
          fromPort: 443,
          toPort: 443,
          sourceSecurityGroupId: group,
          description: 'Functions of Nightjar',
        }),
    );
    for (const service of endpoints) {
      new CfnVPCEndpoint(this, service, {
        vpcId: vpc,
        serviceName: `com.amazonaws.${region}.${service}`,
        vpcEndpointType: 'Interface',
        privateDnsEnabled: true,
        subnetIds: [...subnets],
        securityGroupIds: [doors],
      });
    }
  }
}

/**
 * What a role needs for Lambda to put its function into a network, and that the function itself can't use it. None of
 * these actions can be bound to what is not there yet.
 */
export function networkStatements(scope: Construct, functionName: string): PolicyStatement[] {
  const functionArn = Stack.of(scope).formatArn({
    service: 'lambda',
    resource: 'function',
    resourceName: functionName,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
  return [
    allow('JoinNetwork', interfaceActions, ['*']),
    new PolicyStatement({
      sid: 'ByLambdaAlone',
      effect: Effect.DENY,
      actions: interfaceActions,
      resources: ['*'],
      conditions: { ArnEquals: { 'lambda:SourceFunctionArn': functionArn } },
    }),
  ];
}

function newGroup(scope: Construct, id: string, vpcId: string, groupDescription: string): string {
  return new CfnSecurityGroup(scope, id, { vpcId, groupDescription }).attrGroupId;
}
