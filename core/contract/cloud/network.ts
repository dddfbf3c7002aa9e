import * as z from 'zod';
import { expected, expectedUnseen, group } from '../config/fields.ts';

/** Services that functions call and that interface endpoints can be made for. */
const endpointNames = ['secretsmanager', 'sns', 'events', 'kms', 'sts', 'logs'] as const;

const idOf = (kind: string, what: string) => {
  const text = `${what}, as ${kind}-0abc`;
  return z
    .string({ error: expectedUnseen(text) })
    .regex(new RegExp(`^${kind}-[0-9a-z]+$`), { error: expectedUnseen(text) });
};
const listOf = (kind: string, what: string) =>
  z.array(idOf(kind, what), { error: expected(`a list of ids, as [${kind}-0abc]`) });

/** A private network that functions run in. All of it exists already, except what the comments call made. */
export const networkSchema = group('a network', {
  vpc: idOf('vpc', 'a VPC').describe('The VPC.'),
  subnets: listOf('subnet', 'a subnet')
    .min(1, { error: expected('at least one subnet') })
    .describe('Subnets of the functions; private ones.'),
  securityGroups: listOf('sg', 'a security group')
    .default([])
    .describe('Security groups of the functions; without any, the stack makes one.'),
  routeTables: listOf('rtb', 'a route table')
    .default([])
    .describe(
      'Route tables of the subnets: the stack makes a gateway endpoint of S3 in them, which costs nothing. ' +
        'Leave it out where there is one.',
    ),
  endpoints: z
    .array(z.enum(endpointNames, { error: expected(endpointNames.join(', ')) }), {
      error: expected(`a list of ${endpointNames.join(', ')}`),
    })
    .default([])
    .describe(
      'Interface endpoints that the stack makes, where the subnets have no way to the internet. Each costs by ' +
        'the hour. Networks of one VPC share them.',
    ),
  endpointSubnets: listOf('subnet', 'a subnet')
    .min(1, { error: expected('at least one subnet') })
    .optional()
    .describe(
      'Subnets that the interface endpoints stand in: at most one of each availability zone, for EC2 refuses ' +
        'two of one. Without it, all of `subnets`.',
    ),
});

export type NetworkConfig = z.infer<typeof networkSchema>;

/** The endpoints that a stack makes for a network, and those of other networks in its VPC that it uses. */
export type PlannedEndpoints = {
  routeTables: readonly string[];
  services: readonly string[];
  subnets: readonly string[];
  shared: readonly { network: string; service: string }[];
};

/**
 * Which endpoints are made for which network. EC2 allows one gateway to S3 per route table and one interface endpoint
 * per service and VPC: those of the first network that asks serve all.
 */
export function plannedEndpoints(networks: Readonly<Record<string, NetworkConfig>>): Map<string, PlannedEndpoints> {
  const tables = new Set<string>();
  const doors = new Map<string, string>();
  return new Map(
    Object.entries(networks).map(([name, { vpc, subnets, endpointSubnets, routeTables, endpoints }]) => {
      const wanted = [...new Set(endpoints)];
      const shared = wanted.flatMap((service) => {
        const network = doors.get(`${vpc} ${service}`);
        return network === undefined ? [] : [{ network, service }];
      });
      const services = wanted.filter((service) => !doors.has(`${vpc} ${service}`));
      const own = [...new Set(routeTables)].filter((table) => !tables.has(table));
      for (const table of own) tables.add(table);
      for (const service of services) doors.set(`${vpc} ${service}`, name);
      return [name, { routeTables: own, services, subnets: [...new Set(endpointSubnets ?? subnets)], shared }];
    }),
  );
}
