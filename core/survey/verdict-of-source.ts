import { messageOf } from '../domain/errors.ts';
import { startOf } from '../domain/keys.ts';
import type { BackupId, SourceName } from '../domain/keys.ts';
import type { SourceRules, SourceVerdict } from '../domain/verdict/verdict.ts';
import type { Clock } from '../ports.ts';
import type { Store } from '../store/store.ts';
import { survey } from './survey.ts';

/** `until`: backups begun later need not be judged. */
export type Wanted = { wanted?: 'good' | 'proven'; until?: Date };

/** How many of the newest unknown manifests are read at first. */
const readAtFirst = 100;

/**
 * The verdict on a source's backups, judged by the newest ones, or by all if none of those is what is wanted. An
 * unreadable ledger is no obstacle: a restore must not wait for it.
 */
export async function verdictOfSource(
  source: SourceName,
  memory: SourceRules,
  { store, clock }: { store: Store; clock: Clock },
  signal: AbortSignal,
  { wanted = 'good', until }: Wanted = {},
): Promise<{ verdict: SourceVerdict; warnings: string[] }> {
  const warnings: string[] = [];
  const forgiving = (error: unknown): void =>
    void warnings.push(`what the vault remembers of ${source} can't be read: ${messageOf(error)}`);
  const isEarly = (start: Date): boolean => until === undefined || start.getTime() <= until.getTime();
  const look = async (most: number) => {
    const options = { memory, at: clock.now(), most, forgiving, only: (id: BackupId) => isEarly(startOf(id)) };
    return (await survey(await store.listSource(source, signal), options, store, signal)).verdict;
  };
  const verdict = await look(readAtFirst);
  const isFound = verdict.backups.some((one) => one[wanted] && isEarly(one.start));
  const count = verdict.backups.length + verdict.adopted.length;
  if (isFound || count <= readAtFirst) return { verdict, warnings };
  return { verdict: await look(Number.POSITIVE_INFINITY), warnings };
}
