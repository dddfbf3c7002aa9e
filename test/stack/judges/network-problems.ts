import { readable } from './readable.ts';
import type { Template } from '../synthesis.ts';

type Properties = Record<string, any>;

/**
 * What EC2 refuses though each resource alone is right (EC2 API reference: InvalidPermission.Duplicate,
 * RouteAlreadyExists, DuplicateSubnetsInSameZone; AWS PrivateLink guide, private DNS names).
 */
export function networkProblems(template: Template): string[] {
  const all = (type: string): Properties[] =>
    Object.values(template.Resources)
      .filter(({ Type }) => Type === type)
      .map(({ Properties: properties }) => readable(properties, template) as Properties);
  const rules = all('AWS::EC2::SecurityGroupIngress').map(
    ({ GroupId, IpProtocol, FromPort, ToPort, SourceSecurityGroupId }) =>
      `rule of ${GroupId}: ${IpProtocol} ${FromPort} to ${ToPort} from ${SourceSecurityGroupId}`,
  );
  const endpoints = all('AWS::EC2::VPCEndpoint');
  const doors = endpoints
    .filter(({ VpcEndpointType, PrivateDnsEnabled }) => VpcEndpointType === 'Interface' && PrivateDnsEnabled)
    .map(({ VpcId, ServiceName }) => `name of ${ServiceName} in ${VpcId}`);
  const routes = endpoints.flatMap(({ ServiceName, RouteTableIds = [] }) =>
    RouteTableIds.map((table: string) => `route to ${ServiceName} in ${table}`),
  );
  const lists = endpoints.flatMap(({ ServiceName, SubnetIds = [], SecurityGroupIds = [] }) =>
    twice([...SubnetIds, ...SecurityGroupIds]).map((id) => `${id} of the endpoint of ${ServiceName}`),
  );
  return [...twice([...rules, ...doors, ...routes]), ...lists].map((what) => `the ${what} stands twice`);
}

function twice(names: readonly string[]): string[] {
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
}
