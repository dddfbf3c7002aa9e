import { isPartName } from '../../contract/manifest/part-name.ts';
import { isBackupError } from '../../domain/errors.ts';
import type { BackupId, ObjectKey } from '../../domain/keys.ts';
import { manifestKey, signatureKey } from '../../domain/layout/places.ts';
import { backupPathOf } from '../../domain/layout/records.ts';
import { lockWanted } from '../../domain/retention/locks.ts';
import type { RotationPlan } from '../../domain/retention/rotation.ts';
import type { BackupFound } from '../../domain/verdict/history.ts';
import { mapConcurrently } from '../../pipeline/concurrency.ts';
import type { Vault } from '../../vault.ts';

const locksAtOnce = 8;

/**
 * Locks the backups that stay until the time that the vault's configuration gives for their tiers; `locked`: how many
 * locks were extended. `until`: each backup's present lock. The manifest is locked last, so its lock also tells those
 * of the parts. No lock is shortened. A backup that can't be locked doesn't stop the others, unless the vault is
 * unreachable. Throws nothing.
 */
export async function lockKept(
  { locks }: Pick<Vault, 'locks'>,
  { source, backups }: RotationPlan,
  { until, now }: { until: (id: BackupId) => Date | undefined; now: Date },
  signal: AbortSignal,
): Promise<{ locked: number; failures: unknown[] }> {
  const done = { locked: 0, failures: [] as unknown[] };
  if (locks === undefined) return done;
  const due = backups.flatMap(({ action, reasons, found }) => {
    const wanted = action === 'keep' ? lockWanted(found, reasons, locks.days) : undefined;
    const isLocked = wanted !== undefined && (until(found.id)?.getTime() ?? 0) >= wanted.getTime();
    return wanted === undefined || isLocked || wanted <= now ? [] : [{ found, wanted }];
  });
  const lockOne = async ({ id, objects }: BackupFound, wanted: Date, stop: AbortSignal): Promise<void> => {
    const isBeside = (key: ObjectKey) => key === signatureKey(source, id) || isPartName(backupPathOf(key)?.path ?? '');
    const keys = objects.map(({ key }) => key).filter(isBeside);
    for (const key of [...keys, manifestKey(source, id)]) await locks.lengthen(key, wanted, stop).catch(gone);
    done.locked += 1;
  };
  await mapConcurrently(
    locksAtOnce,
    due,
    ({ found, wanted }, stop) =>
      lockOne(found, wanted, stop).catch((error: unknown) => {
        if (stop.aborted || isBackupError(error, 'vault-unreachable')) throw error;
        done.failures.push(error);
      }),
    signal,
  ).catch((error: unknown) => void done.failures.push(error));
  return done;
}

/** What another rotation has removed meanwhile needs no lock. */
function gone(error: unknown): void {
  if (!isBackupError(error, 'object-missing')) throw error;
}
