import { Annotations, ArnFormat, Stack, Token } from 'aws-cdk-lib';
import { CfnSecurityGroup, CfnSecurityGroupIngress, CfnVPCEndpoint } from 'aws-cdk-lib/aws-ec2';
import { Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import type { NetworkConfig, PlannedEndpoints } from '../../core/contract/cloud/network.ts';
import { allow } from '../rights/grants.ts';

export type NetworkProps = {
  /** Its key in the configuration. */
  readonly key: string;
  /** Names everything that is made in the network. */
  readonly name: string;
  readonly config: NetworkConfig;
  readonly planned: PlannedEndpoints;
  /** The networks made so far, by their keys. */
  readonly earlier: ReadonlyMap<string, Network>;
};

/** What Lambda itself does with a function's role to attach it to a network (AWS Lambda, required IAM permissions). */
const interfaceActions = [
  'ec2:CreateNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSubnets',
  'ec2:DeleteNetworkInterface',
  'ec2:AssignPrivateIpAddresses',
  'ec2:UnassignPrivateIpAddresses',
];

/**
 * A network of the user's that functions run in. Makes its security group and endpoints, if the configuration asks for
 * them and no earlier network has them.
 */
export class Network extends Construct {
  readonly subnetIds: readonly string[];
  readonly securityGroupIds: readonly string[];
  readonly #key: string;
  readonly #name: string;
  #doors: string | undefined;

  constructor(scope: Construct, id: string, { key, name, config, planned, earlier }: NetworkProps) {
    super(scope, id);
    this.#key = key;
    this.#name = name;
    this.subnetIds = [...new Set(config.subnets)];
    this.securityGroupIds =
      config.securityGroups.length > 0
        ? [...new Set(config.securityGroups)]
        : [newGroup(this, 'Functions', config.vpc, `Functions of ${name}`)];
    const { region } = Stack.of(this);
    if (planned.routeTables.length > 0)
      new CfnVPCEndpoint(this, 'S3', {
        vpcId: config.vpc,
        serviceName: `com.amazonaws.${region}.s3`,
        vpcEndpointType: 'Gateway',
        routeTableIds: [...planned.routeTables],
      });
    if (planned.services.length > 0) this.#interfaceEndpoints(config, planned, region);
    for (const { network } of planned.shared) earlier.get(network)?.letThrough(this);
  }

  /** Admits the functions to a database, by a rule in the database's security group. */
  admit(databaseSecurityGroup: string, port: number): void {
    this.#allow(this.node.scope!, `Ingress-${databaseSecurityGroup}-${port}`, databaseSecurityGroup, port, this);
  }

  /** Admits the functions of another network to the endpoints of this one. */
  letThrough(other: Network): void {
    if (this.#doors !== undefined) this.#allow(this, 'EndpointsIngress', this.#doors, 443, other);
  }

  /** EC2 accepts each rule only once, so rules are identified by their content, whichever source asks for them. */
  #allow(scope: Construct, id: string, groupId: string, port: number, of: Network): void {
    for (const group of of.securityGroupIds) {
      const own = `${id}-${Token.isUnresolved(group) ? of.#key : group}`;
      if (scope.node.tryFindChild(own) !== undefined) continue;
      new CfnSecurityGroupIngress(scope, own, {
        groupId,
        ipProtocol: 'tcp',
        fromPort: port,
        toPort: port,
        sourceSecurityGroupId: group,
        description: `Functions of ${of.#name}`,
      });
    }
  }

  #interfaceEndpoints(
    { vpc, endpointSubnets }: NetworkConfig,
    { services, subnets }: PlannedEndpoints,
    region: string,
  ): void {
    if (endpointSubnets === undefined && subnets.length > 1)
      Annotations.of(this).addWarningV2(
        `nightjar:zones:${this.#key}`,
        `cloud.networks.${this.#key}: EC2 refuses endpoints in two subnets of one availability zone; if ` +
          `${subnets.join(', ')} are not each in a zone of their own, name one of each zone as endpointSubnets; ` +
          'if they are, name all of them',
      );
    const doors = newGroup(this, 'Endpoints', vpc, `Endpoints for the functions of ${this.#name}`);
    this.#doors = doors;
    this.letThrough(this);
    for (const service of services)
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

/**
 * What a role needs for Lambda to attach its function to a network; the function itself is denied it. None of these
 * actions can be limited to resources that don't exist yet.
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
