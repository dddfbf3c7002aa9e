import { backup } from '../../../core/commands/backup.ts';
import { restore } from '../../../core/commands/restore/restore.ts';
import type { RestoreOptions } from '../../../core/commands/restore/restore.ts';
import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import { parseImageReference } from '../../../core/domain/tools/image-reference.ts';
import { openImage } from '../../../core/engines/image/index.ts';
import type { ImageAt } from '../../../core/engines/image/index.ts';
import { limit, memoryScene } from '../vaults/vault.ts';
import type { VaultScene } from '../vaults/vault.ts';
import { toySource } from '../worlds/toy-engine.ts';

/** Backups and restores of an image, into a vault in memory, or another one. */
export function imageScene(ref: string, own: Partial<ImageAt> = {}, vault: VaultScene = memoryScene()) {
  const deps = vault.deps();
  const at: ImageAt = { reference: parseImageReference(ref)!, platforms: [], access: { plain: true }, ...own };
  const engine = (database?: string) => openImage(at, { database }).engine;
  return {
    vault,
    engine,
    backup: (signal: AbortSignal = limit()) => backup(toySource(engine()), deps, signal),
    restore: (manifest: Manifest, database: string, options: Partial<RestoreOptions> = {}) =>
      restore(
        manifest,
        engine(database),
        { replace: false, owners: true, proof: true, ...options },
        { ...deps, parallel: 2 },
        limit(),
      ),
    /** What of a failed backup is in the vault. */
    left: async () => (await vault.files()).filter((file) => !file.endsWith('lease.json')),
  };
}
