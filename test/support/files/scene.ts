import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { backup } from '../../../core/commands/backup.ts';
import { restore } from '../../../core/commands/restore/restore.ts';
import type { RestoreOptions } from '../../../core/commands/restore/restore.ts';
import type { Manifest } from '../../../core/contract/manifest/manifest.ts';
import { filesEngine } from '../../../core/engines/files/index.ts';
import type { Engine, RunEvent } from '../../../core/ports.ts';
import { plainFolder } from './plain-folder.ts';
import { folderScene, limit } from '../vaults/vault.ts';
import type { VaultScene } from '../vaults/vault.ts';
import { toySource } from '../worlds/toy-engine.ts';

/** A folder `media` and what is made of it, in a vault that is a folder. */
export const filesScene = () => filesSceneIn(folderScene);

/** The same in another vault. */
export async function filesSceneIn<V extends VaultScene>(opening: () => V | Promise<V>) {
  const top = await mkdtemp(join(tmpdir(), 'nightjar-files-'));
  const media = join(top, 'media');
  await mkdir(media);
  const vault = await opening();
  const deps = vault.deps();
  let nights = 0;
  const engine = (database?: string, exclude: readonly string[] = []): Engine =>
    filesEngine(plainFolder(media, exclude), database).engine;
  return {
    top,
    media,
    vault,
    deps,
    engine,
    path: (name: string) => join(top, name),
    backup: (own: Engine = engine(), report: (event: RunEvent) => void = () => {}) =>
      backup({ ...toySource(own), compressionLevel: 1 }, { ...vault.deps(), report }, limit()),
    /** A backup of one of the next nights: no file was changed within the minute before it began. */
    async night(deps = vault.deps(), exclude: readonly string[] = []): Promise<Manifest> {
      nights += 1;
      const now = () => new Date(Date.now() + nights * 86_400_000);
      return backup(
        { ...toySource(engine(undefined, exclude)), compressionLevel: 1 },
        { ...deps, clock: { now } },
        limit(),
      );
    },
    restore: (manifest: Manifest, name: string, options: Partial<RestoreOptions> = {}) =>
      restore(
        manifest,
        engine(name),
        { replace: false, owners: true, proof: true, ...options },
        { ...deps, parallel: 2 },
        limit(),
      ),
    async close() {
      await Promise.all([rm(top, { recursive: true, force: true }), vault.remove()]);
    },
  };
}

export type FilesScene = Awaited<ReturnType<typeof filesScene>>;
