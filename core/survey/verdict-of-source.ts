import { messageOf } from '../domain/errors.ts';
import { startOf } from '../domain/keys.ts';
import type { BackupId, SourceName } from '../domain/keys.ts';
import type { SourceRules, SourceVerdict } from '../domain/verdict/verdict.ts';
import type { Clock } from '../ports.ts';
import type { Store } from '../store/store.ts';
import { survey } from './survey.ts';

/** `until`: of what was begun later, nothing need be known. */
export type Wanted = { wanted?: 'good' | 'proven'; until?: Date };

/** So many of the newest manifests that the vault does not remember are read at first. */
const readAtFirst = 100;

/**
 * What the backups of a source are worth, as far as the newest ones tell, or all of them where none of those is what is
 * wanted. What the vault remembers is not missed where it can't be read: a restore must not wait for it.
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
