import { messageOf } from '../../core/domain/errors.ts';
import { accountUnseen, uncoveredDatabases } from '../../core/domain/watch/account.ts';
import type { AccountFinding, AccountKind, AccountLook } from '../../core/domain/watch/account.ts';
import type { AskAws } from './aws.ts';
import { rdsDatabases } from './databases.ts';
import { silentSchedules } from './schedules.ts';

/** What is to be looked at; each thing only if the stack asks for it. */
export type AccountWatch = {
  /** The stack's groups of schedules. */
  schedules: readonly string[];
  /** Names of the schedules that have to exist. */
  meant: readonly string[];
  /** Which databases have to be covered; undefined: none has to be. */
  mustCover: string | undefined;
  /** Servers that sources reach. */
  hosts: readonly string[];
};

/**
 * Looks at what surrounds the backups in the account. Throws only when it is stopped: what can't be seen, after two
 * attempts, is a finding.
 */
export async function lookAtAccount(
  { schedules, meant, mustCover, hosts }: AccountWatch,
  ask: AskAws,
  signal: AbortSignal,
): Promise<AccountLook> {
  const looks: { kinds: AccountKind[]; what: string; rights: string; look(): Promise<AccountFinding[]> }[] = [];
  if (schedules.length > 0)
    looks.push({
      kinds: ['schedule-disabled', 'schedule-missing'],
      what: 'schedules',
      rights: 'scheduler:ListSchedules',
      look: () => silentSchedules(schedules, meant, ask, signal),
    });
  if (mustCover !== undefined)
    looks.push({
      kinds: ['uncovered'],
      what: 'databases of RDS',
      rights: 'rds:DescribeDBInstances and rds:DescribeDBClusters',
      look: async () => uncoveredDatabases(await rdsDatabases(ask, signal), mustCover, hosts),
    });
  const seen = await Promise.allSettled(looks.map(({ look }) => look().catch(look)));
  signal.throwIfAborted();
  return {
    judged: ['account-unseen', ...looks.flatMap(({ kinds }, at) => (seen[at]!.status === 'fulfilled' ? kinds : []))],
    found: seen.flatMap((one, at) => {
      const { what, rights } = looks[at]!;
      return one.status === 'fulfilled' ? one.value : [accountUnseen(what, messageOf(one.reason), rights)];
    }),
  };
}
