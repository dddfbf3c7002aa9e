import * as z from 'zod';
import { isBackupError } from '../../domain/errors.ts';
import type { BackupId, SourceName } from '../../domain/keys.ts';
import { pinKey } from '../../domain/layout/records.ts';
import type { Clock } from '../../ports.ts';
import type { Vault } from '../../vault.ts';
import { readJson, writeJson } from '../json.ts';
import { backupIds, missingBackup } from '../backups/manifests.ts';

const pinSchema = z.strictObject({ reason: z.string(), at: z.iso.datetime(), by: z.string() });

/** Why a backup stays whatever the policy says. */
export type Pin = z.infer<typeof pinSchema>;

/**
 * Pins a backup: rotation leaves it alone until it is unpinned. A pin that is there already gets the new reason. Throws
 * `backup-missing`.
 */
export async function pin(
  vault: Vault,
  source: SourceName,
  id: BackupId,
  { reason, by }: Pick<Pin, 'reason' | 'by'>,
  { clock }: { clock: Clock },
  signal: AbortSignal,
): Promise<Pin> {
  await requireBackup(vault, source, id, signal);
  const key = pinKey(source, id);
  const made: Pin = { reason, at: clock.now().toISOString(), by };
  try {
    await writeJson(vault, key, made, {}, signal);
  } catch (error) {
    if (!isBackupError(error, 'object-exists')) throw error;
    const { version } = await vault.read(key, signal);
    await writeJson(vault, key, made, { version }, signal);
  }
  // a rotation may have removed it while we pinned it
  await requireBackup(vault, source, id, signal);
  return made;
}

/** Takes a pin away; false where there was none. Throws `backup-missing`. */
export async function unpin(vault: Vault, source: SourceName, id: BackupId, signal: AbortSignal): Promise<boolean> {
  await requireBackup(vault, source, id, signal);
  const key = pinKey(source, id);
  for await (const found of vault.list(key, signal)) {
    if (found.key !== key) continue;
    await vault.delete(key, signal);
    return true;
  }
  return false;
}

/** Why a backup is pinned; undefined where it is not, or where that can't be understood. */
export async function readPin(
  vault: Vault,
  source: SourceName,
  id: BackupId,
  signal: AbortSignal,
): Promise<Pin | undefined> {
  return pinSchema.safeParse((await readJson(vault, pinKey(source, id), signal))?.document).data;
}

async function requireBackup(vault: Vault, source: SourceName, id: BackupId, signal: AbortSignal): Promise<void> {
  if ((await backupIds(vault, source, signal)).includes(id)) return;
  throw missingBackup(vault, source, `none with the id ${id}`);
}
