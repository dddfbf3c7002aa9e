import { elements } from '../real/cloud/policy/signed.ts';
import { until } from './account.ts';
import type { Account } from './account.ts';
import type { Outputs } from './databases.ts';

const removalMs = 60 * 60_000; // a network waits for what Lambda has in it

export async function outputsOf(stack: string, { query }: Account): Promise<Outputs> {
  const answer = await query('cloudformation', 'DescribeStacks', { StackName: stack });
  const outputs = elements(elements(answer, 'Outputs')[0] ?? '', 'member');
  return Object.fromEntries(
    outputs.map((one) => [elements(one, 'OutputKey')[0] ?? '', elements(one, 'OutputValue')[0] ?? '']),
  );
}

/** Physical ids of a type in a stack; none where there is no such stack. */
export async function resourcesIn(stack: string, type: string, account: Account): Promise<string[]> {
  if ((await statusOf(stack, account)) === undefined) return [];
  const answer = await account.query('cloudformation', 'DescribeStackResources', { StackName: stack });
  return elements(answer, 'member')
    .filter((one) => elements(one, 'ResourceType')[0] === type)
    .flatMap((one) => elements(one, 'PhysicalResourceId'));
}

async function statusOf(stack: string, { query }: Account): Promise<string | undefined> {
  const answer = await query('cloudformation', 'DescribeStacks', { StackName: stack }).catch((error: Error) => {
    if (/does not exist/.test(error.message)) return '';
    throw error;
  });
  const [status] = elements(answer, 'StackStatus');
  return status === 'DELETE_COMPLETE' ? undefined : status;
}

/** Removes a stack and waits until it is gone; does nothing where there is none. */
export async function removeStack(stack: string, account: Account, signal: AbortSignal): Promise<void> {
  if ((await statusOf(stack, account)) === undefined) return;
  await account.query('cloudformation', 'DeleteStack', { StackName: stack });
  await until(`the end of ${stack}`, removalMs, signal, async () => {
    const status = await statusOf(stack, account);
    if (status === 'DELETE_FAILED') throw new Error(`CloudFormation could not delete ${stack}`);
    return status === undefined ? true : undefined;
  });
}

export async function alarmsIn(prefix: string, { query }: Account): Promise<{ name: string; state: string }[]> {
  const answer = await query('monitoring', 'DescribeAlarms', { AlarmNamePrefix: `${prefix}-`, MaxRecords: '100' });
  return elements(answer, 'member').flatMap((one) => {
    const [[name], [state]] = [elements(one, 'AlarmName'), elements(one, 'StateValue')];
    return name === undefined || state === undefined ? [] : [{ name, state }];
  });
}

type Written = { Target: object; GroupName: string };

/** Starts in two minutes, once, what a schedule of the stack starts each night, by the same role and with the same input. */
export async function scheduleNow(name: string, { run, call }: Account & { run: string }): Promise<void> {
  const service = 'scheduler';
  const read = await call({ service, method: 'GET', path: `/schedules/${name}`, query: { groupName: run } });
  const { Target, GroupName } = JSON.parse(read) as Written;
  const at = new Date(Date.now() + 120_000).toISOString().slice(0, 19);
  const body = {
    Target,
    GroupName,
    ScheduleExpression: `at(${at})`,
    FlexibleTimeWindow: { Mode: 'OFF' },
    ActionAfterCompletion: 'DELETE',
  };
  await call({ service, path: `/schedules/prove-${Date.now()}`, body: JSON.stringify(body) });
}

/** Switches a schedule of the stack on or off; returns what it was. */
export async function switched(name: string, State: string, { run, call }: Account & { run: string }): Promise<string> {
  const [service, path] = ['scheduler', `/schedules/${name}`];
  const read = await call({ service, method: 'GET', path, query: { groupName: run } });
  // what a schedule says of itself is no part of what it is set to
  const { Arn: _, CreationDate: __, LastModificationDate: ___, Name: ____, ...set } = JSON.parse(read);
  await call({ service, method: 'PUT', path, body: JSON.stringify({ ...set, State }) });
  return set.State ?? 'ENABLED';
}
