import { isBackupError } from '../../domain/errors.ts';
import type { BackupId, SourceName } from '../../domain/keys.ts';
import { partKey } from '../../domain/layout/places.ts';
import type { SharedPart } from '../../ports.ts';
import type { Vault } from '../../vault.ts';
import { keyOfPart } from './reading.ts';
import type { BackupName } from './reading.ts';

/**
 * Whether this vault may let two backups share a part: not where it locks what it keeps, for the lock of what an older
 * backup was made with may be over; nor where a listing may be late, or two runs meet.
 */
export async function canShare(
  { share, locks, weaker, mayLock }: Pick<Vault, 'share' | 'locks' | 'weaker' | 'mayLock'>,
  signal: AbortSignal,
): Promise<boolean> {
  if (share === undefined || locks !== undefined || weaker !== undefined) return false;
  return mayLock === undefined || !(await mayLock(signal));
}

/**
 * Makes parts of a backup parts of a new one, too, so that each of the two can be removed as if it were alone. False
 * where one is not there as its manifest says, or this place can't: then some of them may be there, and none counts.
 */
export async function shareParts(
  vault: Vault,
  shared: readonly Omit<SharedPart, 'live'>[],
  from: BackupName,
  { source, id }: { source: SourceName; id: BackupId },
  signal: AbortSignal,
): Promise<boolean> {
  const objects = shared.map(({ part, file }) => ({
    from: keyOfPart(from, part),
    to: partKey(source, id, file),
    bytes: part.storedBytes,
  }));
  return (await vault.share?.(objects, signal).catch(unlessMissing)) === true;
}

/** A rotation may have removed that backup just now. */
function unlessMissing(error: unknown): undefined {
  if (!isBackupError(error, 'object-missing')) throw error;
}
