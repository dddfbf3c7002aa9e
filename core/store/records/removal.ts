import { isBackupError } from '../../domain/errors.ts';
import type { BackupId, SourceName } from '../../domain/keys.ts';
import { removalKey } from '../../domain/layout/records.ts';
import type { Clock, Identity } from '../../ports.ts';
import type { Vault } from '../../vault.ts';
import { writeJson } from '../json.ts';

/** Who removes a backup, and why. */
export type RemovalReason = { reason: string; by: string };

/**
 * Leaves word that a person removes a backup, before anything of it is gone: a check that misses it then does not call
 * it lost. The word of somebody who began before and did not end stays as it is.
 */
export async function recordRemoval(
  vault: Vault,
  source: SourceName,
  id: BackupId,
  { reason, by }: RemovalReason,
  { clock, identity: { run } }: { clock: Clock; identity: Identity },
  signal: AbortSignal,
): Promise<void> {
  const record = { id, reason, by, at: clock.now().toISOString(), run };
  try {
    await writeJson(vault, removalKey(source, id), record, {}, signal);
  } catch (error) {
    if (!isBackupError(error, 'object-exists')) throw error;
  }
}
