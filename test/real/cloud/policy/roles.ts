import { holds, type Context } from './conditions.ts';
import type { Role } from './gate.ts';
import { listOf, type Rule, type Statement } from './policy.ts';
import { elements, query, type Keys, type Place } from './signed.ts';

type Document = { Statement: Statement | Statement[] };

/** A role as the emulator has it, with all that its policies say; `name` is what its statements are called by. */
export async function roleOf(
  name: string,
  roleName: string,
  place: Place,
  keys: Keys,
): Promise<Role & { trust: Document }> {
  const ask = (action: string, input: Record<string, string>): Promise<string> =>
    query(place, keys, 'iam', action, input);
  const role = await ask('GetRole', { RoleName: roleName });
  const inline = elements(await ask('ListRolePolicies', { RoleName: roleName }), 'member').map(
    async (policy): Promise<Rule[]> => {
      const [text = ''] = elements(
        await ask('GetRolePolicy', { RoleName: roleName, PolicyName: policy }),
        'PolicyDocument',
      );
      return rulesOf(`${name}/${policy}`, documentOf(text));
    },
  );
  const attached = elements(await ask('ListAttachedRolePolicies', { RoleName: roleName }), 'PolicyArn').map(
    async (arn): Promise<Rule[]> => {
      const [version = 'v1'] = elements(await ask('GetPolicy', { PolicyArn: arn }), 'DefaultVersionId');
      const [text = ''] = elements(await ask('GetPolicyVersion', { PolicyArn: arn, VersionId: version }), 'Document');
      return rulesOf(`${name}/${arn.split('/').at(-1)}`, documentOf(text));
    },
  );
  const [trust = ''] = elements(role, 'AssumeRolePolicyDocument');
  return {
    name,
    arn: elements(role, 'Arn')[0]!,
    identity: (await Promise.all([...inline, ...attached])).flat(),
    trust: documentOf(trust),
  };
}

/** A policy's statements, each with a name: its Sid, else its number. */
export function rulesOf(place: string, { Statement: statements }: Document): Rule[] {
  return listOf(statements).map((statement, index) => ({ id: `${place}#${statement.Sid ?? index}`, statement }));
}

/** Credentials of a role, as a service of AWS gets them: its trust policy must let it in under these circumstances. */
export async function assumed(
  role: Role & { trust: Document },
  service: string,
  context: Context,
  session: string,
  place: Place,
  keys: Keys,
): Promise<Required<Keys>> {
  const trusts = listOf(role.trust.Statement).some(
    ({ Effect, Action, Principal, Condition = {} }) =>
      Effect === 'Allow' &&
      listOf(Action).includes('sts:AssumeRole') &&
      typeof Principal === 'object' &&
      listOf(Principal['Service']).includes(service) &&
      holds(Condition, context),
  );
  if (!trusts)
    throw new Error(
      `${role.name} does not trust ${service} with ${JSON.stringify(context)}: ${JSON.stringify(role.trust)}`,
    );
  const answer = await query(place, keys, 'sts', 'AssumeRole', {
    RoleArn: role.arn,
    RoleSessionName: session.slice(0, 64),
  });
  const one = (name: string): string => elements(answer, name)[0]!;
  return {
    accessKeyId: one('AccessKeyId'),
    secretAccessKey: one('SecretAccessKey'),
    sessionToken: one('SessionToken'),
  };
}

/** A user who may do everything, for what tests do themselves once policies are enforced. */
export async function administrator(place: Place, keys: Keys): Promise<Keys> {
  await query(place, keys, 'iam', 'CreateUser', { UserName: 'administrator' });
  await query(place, keys, 'iam', 'PutUserPolicy', {
    UserName: 'administrator',
    PolicyName: 'everything',
    PolicyDocument: JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
    }),
  });
  const answer = await query(place, keys, 'iam', 'CreateAccessKey', { UserName: 'administrator' });
  return { accessKeyId: elements(answer, 'AccessKeyId')[0]!, secretAccessKey: elements(answer, 'SecretAccessKey')[0]! };
}

/** From now on the emulator checks signatures and policies. */
export async function enforce({ endpoint }: Place): Promise<void> {
  const response = await fetch(`${endpoint}/moto-api/reset-auth`, {
    method: 'POST',
    body: '0',
    signal: AbortSignal.timeout(10_000),
  });
  if (!response.ok) throw new Error(`policies could not be switched on: ${response.status}`);
}

/** moto hands documents out as IAM does, encoded as in a URL; some as they are. */
function documentOf(text: string): Document {
  return JSON.parse(text.startsWith('%') ? decodeURIComponent(text) : text) as Document;
}
