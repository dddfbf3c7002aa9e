import type { Retention } from '../../contract/config/settings/settings.ts';
import { startOf } from '../keys.ts';
import type { BackupId } from '../keys.ts';
import { planRetention } from './retention.ts';

/**
 * What a vault has of a source. `whole`: in the first vault, the backups that may be copied; in a further one, the
 * copies that need no repair.
 */
type Shelf = { ids: readonly BackupId[]; whole: readonly BackupId[] };

/**
 * The backups that a further vault lacks, newest first: whole ones of the first vault that its retention would keep
 * among everything in either vault, so that its rotation removes nothing that the next copy would bring again.
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
