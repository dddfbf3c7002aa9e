import type { Retention } from '../../contract/config/settings/settings.ts';
import { startOf } from '../keys.ts';
import type { BackupId } from '../keys.ts';
import { planRetention } from './retention.ts';

/** What a vault has of a source. `whole`: the backups that a copy may be made of, or that are no copies to repair. */
type Shelf = { ids: readonly BackupId[]; whole: readonly BackupId[] };

/**
 * Which backups a further vault lacks, newest first: whole ones of the first vault that its retention would keep among
 * all that lie in either, so that no rotation there removes what the next copy brings again.
 */
export function copiesDue(first: Shelf, copy: Shelf, retention: Retention, timeZone: string): BackupId[] {
  const all = [...new Set([...first.whole, ...copy.ids])].map((id) => ({ id, start: startOf(id) }));
  const kept = planRetention(all, retention, timeZone).filter(({ reasons }) => reasons.length > 0);
  const [offered, there] = [new Set(first.whole), new Set(copy.whole)];
  return kept
    .map(({ id }) => id)
    .filter((id) => offered.has(id) && !there.has(id))
    .sort()
    .reverse();
}
