import * as z from 'zod';
import type { AccountFinding } from '../../core/domain/watch/account.ts';
import type { AskAws } from './aws.ts';

const page = z.object({
  Schedules: z.array(z.object({ Name: z.string(), State: z.string().optional() })),
  NextToken: z.string().nullish(),
});
const mostPages = 100;

/** Schedules in these groups that somebody has switched off (EventBridge Scheduler API reference, ListSchedules). */
export async function disabledSchedules(
  groups: readonly string[],
  ask: AskAws,
  signal: AbortSignal,
): Promise<AccountFinding[]> {
  const found: AccountFinding[] = [];
  for (const group of groups)
    for (const name of await disabledIn(group, ask, signal))
      found.push({
        kind: 'schedule-disabled',
        what: `${group}/${name}`,
        subject: `the schedule ${name} is switched off: nothing starts what it is for`,
        known: [['Schedule', `${group}/${name}`]],
        hint: 'switch it on in EventBridge Scheduler; a source that is to rest is paused in the configuration instead',
      });
  return found;
}

async function disabledIn(group: string, ask: AskAws, signal: AbortSignal): Promise<string[]> {
  const names: string[] = [];
  let token: string | null | undefined;
  for (let pages = 0; pages < mostPages; pages += 1) {
    const query = { ScheduleGroup: group, State: 'DISABLED', ...(token && { NextToken: token }) };
    const answer = await ask({ service: 'scheduler', method: 'GET', path: '/schedules', query }, signal);
    const { Schedules, NextToken } = page.parse(JSON.parse(answer));
    names.push(...Schedules.filter(({ State }) => State === 'DISABLED').map(({ Name }) => Name));
    if (!NextToken) break;
    token = NextToken;
  }
  return names;
}
