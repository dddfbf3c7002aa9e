import { backupPrefix } from '../../domain/layout/places.ts';
import type { BackupId, ObjectKey, SourceName } from '../../domain/keys.ts';
import type { Vault } from '../../vault.ts';
import { listSource } from '../backups/listing.ts';

/**
 * Other backups that share a damaged part with this one: the same bytes in the vault, not just an equal part. Includes
 * one that is still being made. Lists nothing if nothing is damaged or the vault can't share.
 */
export async function alsoDamaged(
  vault: Vault,
  source: SourceName,
  id: BackupId,
  damaged: ReadonlySet<ObjectKey>,
  signal: AbortSignal,
): Promise<BackupId[]> {
  const own = [...damaged].filter((key) => key.startsWith(backupPrefix(source, id)));
  if (own.length === 0 || vault.share === undefined) return [];
  const { backups, leftovers } = await listSource(vault, source, signal);
  const objects = [...backups, ...leftovers].flatMap((one) => one.objects.map((object) => ({ of: one.id, ...object })));
  const files = new Set(objects.flatMap(({ key, file }) => (own.includes(key) ? (file ?? []) : [])));
  const others = objects.filter(({ of, file }) => of !== id && file !== undefined && files.has(file));
  return [...new Set(others.map(({ of }) => of))];
}
