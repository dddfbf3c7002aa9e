import * as z from 'zod';
import type { AccountFinding } from '../../core/domain/watch/account.ts';
import type { AskAws } from './aws.ts';

const page = z.object({
  Schedules: z.array(z.object({ Name: z.string(), State: z.string().optional() })),
  NextToken: z.string().nullish(),
});
type ScheduleListed = z.infer<typeof page>['Schedules'][number];
const mostPages = 100;

/**
 * Schedules in these groups that somebody has switched off, and names of `meant` that are in none of them (EventBridge
 * Scheduler API reference, ListSchedules).
 */
export async function silentSchedules(
  groups: readonly string[],
  meant: readonly string[],
  ask: AskAws,
  signal: AbortSignal,
): Promise<AccountFinding[]> {
  const found: AccountFinding[] = [];
  const there = new Set<string>();
  for (const group of groups)
    for (const { Name: name, State } of await schedulesIn(group, ask, signal)) {
      there.add(name);
      if (State === 'DISABLED') found.push(disabled(group, name));
    }
  return [...found, ...meant.filter((name) => !there.has(name)).map(missing)];
}

function disabled(group: string, name: string): AccountFinding {
  return {
    kind: 'schedule-disabled',
    what: `${group}/${name}`,
    subject: `the schedule ${name} is switched off: nothing starts what it is for`,
    known: [['Schedule', `${group}/${name}`]],
    hint: 'switch it on in EventBridge Scheduler; a source that is to rest is paused in the configuration instead',
  };
}

/** A deployment made it, and does not make it again while its template is unchanged. */
function missing(name: string): AccountFinding {
  return {
    kind: 'schedule-missing',
    what: name,
    subject: `the schedule ${name} is not there: nothing starts what it is for`,
    known: [['Schedule', name]],
    hint: 'somebody has deleted it: docs/runbook.md tells how to have it made again',
  };
}

async function schedulesIn(group: string, ask: AskAws, signal: AbortSignal): Promise<ScheduleListed[]> {
  const found: ScheduleListed[] = [];
  let token: string | null | undefined;
  for (let pages = 0; pages < mostPages; pages += 1) {
    const query = { ScheduleGroup: group, MaxResults: '100', ...(token && { NextToken: token }) };
    const answer = await ask({ service: 'scheduler', method: 'GET', path: '/schedules', query }, signal);
    const { Schedules, NextToken } = page.parse(JSON.parse(answer));
    found.push(...Schedules);
    if (!NextToken) break;
    token = NextToken;
  }
  return found;
}
