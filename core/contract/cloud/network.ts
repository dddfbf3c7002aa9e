import * as z from 'zod';
import { expected, expectedUnseen, group } from '../config/fields.ts';

/** Services that functions call, and that an interface endpoint can be made for. */
const endpointNames = ['secretsmanager', 'sns', 'events', 'kms', 'sts', 'logs'] as const;

const idOf = (kind: string, what: string) => {
  const text = `${what}, as ${kind}-0abc`;
  return z
    .string({ error: expectedUnseen(text) })
    .regex(new RegExp(`^${kind}-[0-9a-z]+$`), { error: expectedUnseen(text) });
};
const listOf = (kind: string, what: string) =>
  z.array(idOf(kind, what), { error: expected(`a list of ids, as [${kind}-0abc]`) });

/**
 * A private network that functions run in. Everything in it is there already, but for what the comments say is made.
 */
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
      'Route tables of the subnets: the stack makes a gateway endpoint of S3 in them, which costs nothing. Leave it out where there is one.',
    ),
  endpoints: z
    .array(z.enum(endpointNames, { error: expected(endpointNames.join(', ')) }), {
      error: expected(`a list of ${endpointNames.join(', ')}`),
    })
    .default([])
    .describe(
      'Interface endpoints that the stack makes, where the subnets have no way to the internet. Each costs by the hour.',
    ),
});

export type NetworkConfig = z.infer<typeof networkSchema>;
