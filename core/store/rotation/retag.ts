import { isPartName } from '../../contract/manifest/part-name.ts';
import { isBackupError } from '../../domain/errors.ts';
import { manifestKey, signatureKey } from '../../domain/layout/places.ts';
import { backupPathOf } from '../../domain/layout/records.ts';
import type { PlannedBackup, RotationPlan } from '../../domain/retention/rotation.ts';
import { tierTags } from '../../domain/retention/tiers.ts';
import type { Vault } from '../../vault.ts';
import { mapConcurrently } from '../../pipeline/concurrency.ts';

const tagsAtOnce = 8;

/**
 * Corrects the tags of the backups that stay, if their tiers have changed; returns how many. The manifest is tagged
 * last, so its tags also tell those of the parts.
 */
export async function retagKept(vault: Vault, { source, backups }: RotationPlan, signal: AbortSignal): Promise<number> {
  const kept = backups.filter(
    ({ action, reasons }) =>
      action === 'keep' && !reasons.some(({ rule }) => rule === 'unreadable' || rule === 'misdated'),
  );
  const changed = await mapConcurrently(
    tagsAtOnce,
    kept,
    async ({ found: { id, objects }, tiers }: PlannedBackup, stop) => {
      const manifest = manifestKey(source, id);
      const wanted = tierTags(tiers);
      const current = await vault.tags(manifest, stop).catch(gone);
      if (current === undefined || Object.entries(wanted).every(([name, value]) => current[name] === value)) return 0;
      const signature = signatureKey(source, id);
      const tagged = objects.filter(({ key }) => key === signature || isPartName(backupPathOf(key)?.path ?? ''));
      for (const { key } of tagged) await vault.retag(key, wanted, stop).catch(gone);
      await vault.retag(manifest, wanted, stop).catch(gone);
      return 1;
    },
    signal,
  );
  return changed.reduce<number>((sum, one) => sum + one, 0);
}

/** What another rotation has removed meanwhile needs no tags. */
function gone(error: unknown): undefined {
  if (!isBackupError(error, 'object-missing')) throw error;
}
