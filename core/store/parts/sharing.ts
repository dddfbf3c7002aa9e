import { isBackupError } from '../../domain/errors.ts';
import type { BackupId, SourceName } from '../../domain/keys.ts';
import { partKey } from '../../domain/layout/places.ts';
import type { SourceHistory } from '../../domain/verdict/history.ts';
import type { SharedPart } from '../../ports.ts';
import type { Vault } from '../../vault.ts';
import type { LinkedVault } from '../links/shown.ts';
import { keyOfPart } from './reading.ts';
import type { BackupName } from './reading.ts';

/**
 * Whether two backups in this vault may share a part. Not where the vault locks objects, because the lock of the older
 * backup's part may end too early, and not where listings may be late or two runs may collide.
 */
export async function canShare(
  { share, locks, weaker, mayLock }: Pick<Vault, 'share' | 'locks' | 'weaker' | 'mayLock'>,
  signal: AbortSignal,
): Promise<boolean> {
  if (share === undefined || locks !== undefined || weaker !== undefined) return false;
  return mayLock === undefined || !(await mayLock(signal));
}

/**
 * Makes parts of a backup also parts of a new one; each backup can still be removed alone. False if a part differs from
 * its manifest or the vault can't share: then some may have been made, and none counts. `listed`: of a run that holds
 * the source's lease, what it has listed since.
 */
export async function shareParts(
  vault: LinkedVault,
  shared: readonly Omit<SharedPart, 'live'>[],
  from: BackupName,
  { source, id, listed }: { source: SourceName; id: BackupId; listed?: SourceHistory | undefined },
  signal: AbortSignal,
): Promise<boolean> {
  const objects = shared.map(({ part, file }) => ({
    from: keyOfPart(from, part),
    to: partKey(source, id, file),
    bytes: part.storedBytes,
  }));
  const { share } = listed === undefined ? vault : { ...vault, ...vault.knowing?.(listed) };
  return (await share?.(objects, signal).catch(unlessMissing)) === true;
}

/** A rotation may have just removed that backup. */
function unlessMissing(error: unknown): undefined {
  if (!isBackupError(error, 'object-missing')) throw error;
}
