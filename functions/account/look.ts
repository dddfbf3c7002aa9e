import { messageOf } from '../../core/domain/errors.ts';
import { uncoveredDatabases } from '../../core/domain/watch/account.ts';
import type { AccountFinding, AccountKind, AccountLook } from '../../core/domain/watch/account.ts';
import type { AskAws } from './aws.ts';
import { rdsDatabases } from './databases.ts';
import { disabledSchedules } from './schedules.ts';

/** What is to be looked at; nothing of it, where the stack says nothing. */
export type AccountWatch = {
  /** Groups of schedules that are the stack's. */
  schedules: readonly string[];
  /** Which databases have to be covered; undefined: nobody asks. */
  mustCover: string | undefined;
  /** Servers that sources reach. */
  hosts: readonly string[];
};

/** Looks at what stands around the backups in the account. Throws only when it is stopped: what can't be seen is said. */
export async function lookAtAccount(
  { schedules, mustCover, hosts }: AccountWatch,
  ask: AskAws,
  signal: AbortSignal,
): Promise<AccountLook> {
  const looks: [AccountKind, string, () => Promise<AccountFinding[]>][] = [];
  if (schedules.length > 0)
    looks.push(['schedule-disabled', 'schedules', () => disabledSchedules(schedules, ask, signal)]);
  if (mustCover !== undefined)
    looks.push([
      'uncovered',
      'databases of RDS',
      async () => uncoveredDatabases(await rdsDatabases(ask, signal), mustCover, hosts),
    ]);
  const seen = await Promise.allSettled(looks.map(([, , look]) => look()));
  signal.throwIfAborted();
  return {
    judged: looks.flatMap(([kind], index) => (seen[index]!.status === 'fulfilled' ? [kind] : [])),
    found: seen.flatMap((one) => (one.status === 'fulfilled' ? one.value : [])),
    unseen: seen.flatMap((one, index) =>
      one.status === 'rejected'
        ? [`the ${looks[index]![1]} of the account can't be looked at: ${messageOf(one.reason)}`]
        : [],
    ),
  };
}
