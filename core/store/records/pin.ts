import * as z from 'zod';
import { isBackupError } from '../../domain/errors.ts';
import type { BackupId, ObjectKey, SourceName } from '../../domain/keys.ts';
import { pinKey } from '../../domain/layout/records.ts';
import type { Clock } from '../../ports.ts';
import type { Vault } from '../../vault.ts';
import { parseJson, readJson, writeJson } from '../json.ts';
import { backupIds, missingBackup } from '../backups/manifests.ts';
import { holdBackup } from './hold.ts';

const pinSchema = z.strictObject({
  reason: z.string(),
  at: z.iso.datetime(),
  by: z.string(),
  held: z.literal(true).optional(),
});

/** Why a backup stays whatever the policy says. `held`: it has a legal hold, which is removed with the pin. */
export type Pin = z.infer<typeof pinSchema>;

/**
 * Pins a backup: rotation keeps it until it is unpinned and, where the vault has locks, it gets a legal hold. An
 * existing pin gets the new reason and keeps its hold. `refused`: the vault did not allow the hold; `held` then means
 * an earlier one. Throws `backup-missing`.
 */
export async function pin(
  vault: Vault,
  source: SourceName,
  id: BackupId,
  { reason, by }: Pick<Pin, 'reason' | 'by'>,
  { clock }: { clock: Clock },
  signal: AbortSignal,
): Promise<Pin & { refused?: true }> {
  await requireBackup(vault, source, id, signal);
  const key = pinKey(source, id);
  const before = await readPin(vault, source, id, signal);
  const made: Pin = { reason, at: clock.now().toISOString(), by };
  const held: Pin = { ...made, held: true };
  // recorded before the hold is set, so that a killed run leaves no hold without a pin
  const { version, replaced } = await put(vault, key, vault.hold === undefined ? made : held, signal);
  // a rotation may have removed it while we pinned it
  await requireBackup(vault, source, id, signal);
  const isHeld = await holdBackup(vault, source, id, true, signal).catch((error: unknown) => {
    if (!isBackupError(error, 'vault-denied')) throw error;
    return 'refused' as const;
  });
  if (isHeld === true) return held;
  if (isHeld === 'refused' && (before?.held || replaced?.held)) return { ...held, refused: true };
  if (vault.hold !== undefined) await withoutHold(vault, key, made, version, signal);
  return isHeld === 'refused' ? { ...made, refused: true } : made;
}

/** The newest pin counts; somebody else who pins at this moment may have set a hold. */
async function put(
  vault: Vault,
  key: ObjectKey,
  made: Pin,
  signal: AbortSignal,
): Promise<{ version: string; replaced?: Pin | undefined }> {
  try {
    return { version: await writeJson(vault, key, made, {}, signal) };
  } catch (error) {
    if (!isBackupError(error, 'object-exists')) throw error;
    const { version, body } = await vault.read(key, signal);
    const replaced = pinSchema.safeParse(parseJson(body)).data;
    return { version: await writeJson(vault, key, made, { version }, signal), replaced };
  }
}

/** Only our own pin is changed: one that somebody else wrote meanwhile knows of its own hold. */
async function withoutHold(
  vault: Vault,
  key: ObjectKey,
  made: Pin,
  version: string,
  signal: AbortSignal,
): Promise<void> {
  await writeJson(vault, key, made, { version }, signal).catch((error: unknown) => {
    if (!isBackupError(error, 'object-exists')) throw error;
  });
}

/**
 * Removes a pin, after the legal hold that came with it; false if there was none. Throws `backup-missing`, and
 * `vault-denied` if we may not remove the hold: then the pin stays.
 */
export async function unpin(vault: Vault, source: SourceName, id: BackupId, signal: AbortSignal): Promise<boolean> {
  await requireBackup(vault, source, id, signal);
  const key = pinKey(source, id);
  for await (const found of vault.list(key, signal)) {
    if (found.key !== key) continue;
    if ((await readPin(vault, source, id, signal))?.held) await holdBackup(vault, source, id, false, signal);
    await vault.delete(key, signal);
    return true;
  }
  return false;
}

/** Why a backup is pinned; undefined if it is not, or if the pin can't be understood. */
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
